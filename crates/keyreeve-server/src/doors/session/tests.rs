//! Temporary credentials and forwarding, through the door: requests are signed as clients sign them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Uri, Version};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::caller::{Caller, Principal};
use keyreeve_service::catalogue::{Api, find};
use keyreeve_service::clock::Clock;
use keyreeve_service::{RegionRule, Service};
use keyreeve_sigv4::{Credential, Request, SecretAccessKey, Target, sign};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::deployment::Deployment;
use crate::doors::{Authenticator, AwsDoor, TrustedProxies};
use crate::listener::{Handler, Incoming, Peer};
use crate::observe::Metrics;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";
const SERVICE: &str = "s3.eu-central-1.amazonaws.com";

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
}

struct Rig {
    door: AwsDoor,
    service: Arc<Service>,
    clock: Arc<TestClock>,
    runtime: Runtime,
    user: Keys,
}

impl Rig {
    /// An account with a role that the user Alice may assume and that may do everything.
    fn new() -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_767_225_600_000)));
        let service = Deployment::ephemeral(clock.clone()).unwrap().service;
        let regions = RegionRule::Only(vec![Region::parse(REGION).unwrap()]);
        let authenticator = Authenticator::new(regions, None, TrustedProxies::default());
        let door = AwsDoor::new(Arc::clone(&service), authenticator, &Metrics::new(), Arc::default());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let user = Keys { id: String::new(), secret: String::new(), token: None };
        let mut rig = Self { door, service, clock, runtime, user };
        let user = rig.iam("CreateUser", json!({"UserName": "Alice"}));
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": user["User"]["Arn"]}, "Action": "sts:AssumeRole"}]});
        rig.iam("CreateRole", json!({"RoleName": "R", "AssumeRolePolicyDocument": trust.to_string()}));
        let made = rig.iam("CreateAccessKey", json!({"UserName": "Alice"}));
        let part = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
        rig.user = Keys { id: part("AccessKeyId"), secret: part("SecretAccessKey"), token: None };
        rig
    }

    fn call(&self, api: Api, principal: Principal, operation: &str, body: &Value) -> Value {
        let caller = Caller::bare(principal, Region::parse(REGION).unwrap(), Uuid::nil());
        let row = find(api, operation).unwrap();
        let answer =
            self.runtime.block_on(self.service.call(&caller, row, body.to_string().as_bytes())).unwrap();
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    }

    fn iam(&self, operation: &str, body: Value) -> Value {
        self.call(Api::Iam, Principal::Root(AccountId::parse(ACCOUNT).unwrap()), operation, &body)
    }

    /// The credentials of a session of the role, as the door answers them.
    fn session_keys(&self) -> Keys {
        let form = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=work&RoleArn=arn:aws:iam::{ACCOUNT}:role/R"
        );
        let (status, xml) = self.ask(&form, Some(&self.user), &[], &[]);
        assert_eq!(status, 200, "{xml}");
        let part = |name: &str| {
            let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        Keys { id: part("AccessKeyId"), secret: part("SecretAccessKey"), token: Some(part("SessionToken")) }
    }

    /// Status and body of the answer to a form with headers that are signed, and others that are not.
    fn ask(
        &self,
        form: &str,
        keys: Option<&Keys>,
        signed: &[(&'static str, &str)],
        unsigned: &[(&'static str, &str)],
    ) -> (u16, String) {
        let mut headers = HeaderMap::new();
        let add = |headers: &mut HeaderMap, name: &'static str, value: &str| {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        };
        add(&mut headers, "host", "kms.example");
        add(&mut headers, CONTENT_TYPE.as_str().to_owned().leak(), "application/x-www-form-urlencoded");
        signed.iter().for_each(|(name, value)| add(&mut headers, name, value));
        if let Some(keys) = keys {
            for (name, value) in self.signature(&headers, form, keys) {
                add(&mut headers, name, &value);
            }
        }
        unsigned.iter().for_each(|(name, value)| add(&mut headers, name, value));
        let incoming = Incoming {
            method: Method::POST,
            target: Uri::from_static("/"),
            version: Version::HTTP_11,
            headers,
            body: Bytes::copy_from_slice(form.as_bytes()),
            peer: Peer::Tcp(([192, 0, 2, 1], 4711).into()),
            tls: None,
            request_id: Uuid::nil(),
        };
        let answer = self.runtime.block_on(self.door.handle(incoming));
        (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
    }

    fn signature(&self, headers: &HeaderMap, form: &str, keys: &Keys) -> Vec<(&'static str, String)> {
        let secret = SecretAccessKey::new(keys.secret.as_bytes()).unwrap();
        let sent: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = Request { method: "POST", path: "/", query: "", headers: &sent, body: form.as_bytes() };
        let credential =
            Credential { access_key_id: &keys.id, secret: &secret, session_token: keys.token.as_deref() };
        let target = Target { region: REGION, service: "sts" };
        sign(&request, &credential, &target, self.clock.now().as_seconds()).unwrap().headers().to_vec()
    }

    /// Status and body of the answer to GetCallerIdentity.
    fn who(&self, keys: &Keys) -> (u16, String) {
        self.ask(IDENTITY, Some(keys), &[], &[])
    }
}

const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const SESSION: &str = "<Arn>arn:aws:sts::111122223333:assumed-role/R/work</Arn>";

#[test]
fn a_session_signs_with_its_own_key_and_token_together_only() {
    let rig = Rig::new();
    let (session, other) = (rig.session_keys(), rig.session_keys());
    let (status, xml) = rig.who(&session);
    assert!(status == 200 && xml.contains(SESSION), "{xml}");
    let mut altered = session.token.clone().unwrap();
    let last = altered.pop().unwrap();
    altered.push(if last == 'A' { 'B' } else { 'A' });
    let keys =
        |of: &Keys, token: Option<String>| Keys { id: of.id.clone(), secret: of.secret.clone(), token };
    for (wrong, why) in [
        (keys(&session, None), "no token"),
        (keys(&session, Some(altered)), "an altered token"),
        (keys(&session, other.token.clone()), "the token of another session"),
        (keys(&rig.user, session.token.clone()), "a token with a long-term key"),
    ] {
        let (status, xml) = rig.who(&wrong);
        assert!(status == 403 && xml.contains("<Code>InvalidClientTokenId</Code>"), "{why}: {xml}");
    }
    let stolen = Keys { id: session.id.clone(), secret: other.secret, token: session.token.clone() };
    let (status, xml) = rig.who(&stolen);
    assert!(status == 403 && xml.contains("<Code>SignatureDoesNotMatch</Code>"), "{xml}");
}

#[test]
fn a_session_ends_with_its_time_and_with_its_role() {
    let rig = Rig::new();
    let session = rig.session_keys();
    rig.clock.0.fetch_add(3_599_000, Ordering::Relaxed);
    assert_eq!(rig.who(&session).0, 200);
    rig.clock.0.fetch_add(1_000, Ordering::Relaxed);
    let (status, xml) = rig.who(&session);
    assert!(status == 403 && xml.contains("<Code>ExpiredToken</Code>"), "{xml}");
    let session = rig.session_keys();
    rig.iam("DeleteRole", json!({"RoleName": "R"}));
    let (status, xml) = rig.who(&session);
    assert!(status == 403 && xml.contains("<Code>InvalidClientTokenId</Code>"), "{xml}");
}

#[test]
fn a_web_identity_needs_no_signature_and_everything_else_does() {
    let rig = Rig::new();
    let form = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=work&WebIdentityToken=a.b.c\
         &RoleArn=arn:aws:iam::{ACCOUNT}:role/R"
    );
    for keys in [None, Some(&rig.user)] {
        let (status, xml) = rig.ask(&form, keys, &[], &[]);
        assert!(status == 400 && xml.contains("<Code>InvalidIdentityToken</Code>"), "{xml}");
    }
    let (status, xml) = rig.ask(&form.replace("WithWebIdentity", ""), None, &[], &[]);
    assert!(status == 403 && xml.contains("<Code>MissingAuthenticationToken</Code>"), "{xml}");
}

const PRINCIPAL: &str = "x-keyreeve-forwarded-principal";
const SOURCE_ARN: &str = "x-keyreeve-source-arn";
const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";

#[test]
fn a_service_may_speak_for_somebody_in_signed_headers_and_nobody_else_may() {
    let rig = Rig::new();
    let plain = rig.session_keys();
    let denied = |answer: (u16, String)| answer.0 == 403 && answer.1.contains("<Code>AccessDenied</Code>");
    assert!(denied(rig.ask(IDENTITY, Some(&plain), &[(PRINCIPAL, ALICE)], &[])), "a session of a role");
    assert!(denied(rig.ask(IDENTITY, Some(&rig.user), &[(SOURCE_ARN, "arn:aws:s3:::b")], &[])), "a user");
    let registered = json!({"ServiceName": SERVICE, "AccountId": ACCOUNT, "RoleName": "R"});
    rig.call(Api::Operator, Principal::Operator(0), "RegisterService", &registered);
    let service = rig.session_keys();
    let said = |signed: &[(&'static str, &str)], unsigned: &[(&'static str, &str)]| {
        rig.ask(IDENTITY, Some(&service), signed, unsigned)
    };
    let (status, xml) = said(&[], &[]);
    assert!(status == 200 && xml.contains(&format!("<Arn>{SERVICE}</Arn>")), "{xml}");
    let (status, xml) = said(&[(SOURCE_ARN, "arn:aws:s3:::b")], &[]);
    assert!(status == 200 && xml.contains(&format!("<Arn>{SERVICE}</Arn>")), "{xml}");
    for arn in [ALICE, "arn:aws:iam::111122223333:root"] {
        let (status, xml) = said(&[(PRINCIPAL, arn)], &[]);
        assert!(status == 200 && xml.contains(&format!("<Arn>{arn}</Arn>")), "{xml}");
    }
    assert!(denied(said(&[], &[(PRINCIPAL, ALICE)])), "unsigned");
    assert!(
        denied(said(&[(SOURCE_ARN, "arn:aws:s3:::b")], &[("x-keyreeve-source-account", ACCOUNT)])),
        "half"
    );
    for arn in [
        "arn:aws:iam::111122223333:user/Nobody",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::111122223333:role/R",
        // Its sessions are a service, and a service speaks for no other.
        "arn:aws:sts::111122223333:assumed-role/R/work",
        SERVICE,
    ] {
        assert!(denied(said(&[(PRINCIPAL, arn)], &[])), "{arn}");
    }
}
