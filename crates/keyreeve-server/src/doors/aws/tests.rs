//! Signed forms at the door of a server of one Region, and which of them pass.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Uri, Version};
use keyreeve_model::region::Region;
use keyreeve_service::RegionRule;
use keyreeve_sigv4::{Credential, Request, SecretAccessKey, Target, sign};

use super::*;
use crate::clock::SystemClock;
use crate::deployment::Deployment;
use crate::doors::{TrustedProxies, WellKnownSecret};
use crate::listener::Peer;

const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const UNKNOWN_OF_IAM: &str = "Action=NoSuchThing&Version=2010-05-08";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

fn door() -> AwsDoor {
    let deployment = Deployment::ephemeral(Arc::new(SystemClock)).unwrap();
    let regions = RegionRule::Only(vec![Region::parse("eu-central-1").unwrap()]);
    let secret = WellKnownSecret::new(b"test").unwrap();
    let authenticator = Authenticator::new(regions, Some(secret), TrustedProxies::default());
    AwsDoor::new(deployment.service, authenticator, &Metrics::new(), Arc::default())
}

/// How a form is signed; `None` is not at all.
type Scope<'s> = Option<(&'s str, &'s str)>;

fn incoming(body: &str, scope: Scope<'_>, session_token: Option<&str>) -> Incoming {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("kms.example"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    if let Some((service, region)) = scope {
        let secret = SecretAccessKey::new(b"test").unwrap();
        let sent: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = Request { method: "POST", path: "/", query: "", headers: &sent, body: body.as_bytes() };
        let credential = Credential { access_key_id: "test", secret: &secret, session_token };
        let now = keyreeve_service::clock::Clock::now(&SystemClock).as_seconds();
        let signed = sign(&request, &credential, &Target { region, service }, now).unwrap();
        for (name, value) in signed.headers() {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
    }
    Incoming {
        method: Method::POST,
        target: Uri::from_static("/"),
        version: Version::HTTP_11,
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
        peer: Peer::Tcp(([192, 0, 2, 1], 4711).into()),
        tls: None,
        request_id: Uuid::nil(),
    }
}

fn ask(body: &str, scope: Scope<'_>, session_token: Option<&str>) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(door().handle(incoming(body, scope, session_token)));
    assert_eq!(answer.content_type, "text/xml");
    (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
}

#[test]
fn a_form_is_signed_for_its_api_and_a_region_that_is_served() {
    let here = "eu-central-1";
    for (body, scope, status, text) in [
        (IDENTITY, ("sts", here), 200, "<Arn>arn:aws:iam::000000000000:root</Arn>"),
        (IDENTITY, ("sts", "us-east-1"), 403, "Credential should be scoped to a valid region. "),
        (IDENTITY, ("iam", here), 403, "Credential should be scoped to correct service: 'sts'. "),
        (IDENTITY, ("kms", here), 403, "Credential should be scoped to correct service: 'sts'. "),
        // IAM is one service for all Regions. Its signature holds: what fails is only the name.
        (
            UNKNOWN_OF_IAM,
            ("iam", "us-east-1"),
            400,
            "Could not find operation NoSuchThing for version 2010-05-08",
        ),
        (UNKNOWN_OF_IAM, ("iam", here), 400, "Could not find operation NoSuchThing"),
        (UNKNOWN_OF_IAM, ("iam", "eu-west-1"), 403, "Credential should be scoped to a valid region. "),
        (UNKNOWN_OF_IAM, ("sts", here), 403, "Credential should be scoped to correct service: 'iam'. "),
    ] {
        let (got, xml) = ask(body, Some(scope), None);
        assert!(got == status && xml.contains(text), "{body} {scope:?}: {got} {xml}");
        assert_eq!(xml.contains("<Code>SignatureDoesNotMatch</Code>"), status == 403, "{xml}");
    }
}

#[test]
fn an_operation_is_found_only_in_the_api_of_its_version() {
    for body in ["Action=GetCallerIdentity&Version=2010-05-08", "Action=GetCallerIdentity&Version=2012-01-01"]
    {
        let (status, xml) = ask(body, Some(("iam", "us-east-1")), None);
        assert!(status == 400 && xml.contains("<Code>InvalidAction</Code>"), "{xml}");
    }
    let (status, xml) = ask("Version=2011-06-15", Some(("sts", "eu-central-1")), None);
    assert!(status == 400 && xml.contains("<Code>MissingAction</Code>"), "{xml}");
}

#[test]
fn nobody_gets_in_without_a_signature_or_with_a_token_that_is_not_ours() {
    let (status, xml) = ask(IDENTITY, None, None);
    assert!(status == 403 && xml.contains("<Code>MissingAuthenticationToken</Code>"), "{xml}");
    let (status, xml) = ask(IDENTITY, Some(("sts", "eu-central-1")), Some("token"));
    assert!(status == 403 && xml.contains("<Code>InvalidClientTokenId</Code>"), "{xml}");
}

#[test]
fn a_parameter_that_comes_twice_is_refused() {
    let body = format!("{IDENTITY}&Action=GetCallerIdentity");
    let (status, xml) = ask(&body, Some(("sts", "eu-central-1")), None);
    assert!(status == 400 && xml.contains("<Code>MalformedQueryString</Code>"), "{xml}");
}
