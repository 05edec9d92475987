//! AssumeRoleWithWebIdentity: an issuer of this test signs tokens, and its keys are handed to the service.

use std::sync::{Arc, Mutex};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use keyreeve_service::caller::{Caller, Principal, WebIdentity};
use keyreeve_service::catalogue::{Api, CATALOGUE};
use keyreeve_service::identity::{IssuerFault, IssuerKeys, IssuerSite, KeyAnswer};
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, REGION, Rig, START_SECONDS, blob, root_of, text};
use crate::sts_rig::*;

const ISSUER: &str = "https://oidc.example.com/id/7";
pub(crate) const NAME: &str = "oidc.example.com/id/7";
pub(crate) const SUBJECT: &str = "system:serviceaccount:apps:web";
pub(crate) const OPERATION: &str = "AssumeRoleWithWebIdentity";

/// Answers the keys of one issuer, or nothing.
#[derive(Debug, Default)]
struct Keys(Mutex<Option<JwkSet>>);

impl IssuerKeys for Keys {
    fn keys<'a>(&'a self, site: IssuerSite<'a>, _: Option<&'a str>) -> KeyAnswer<'a> {
        assert_eq!(site.url, ISSUER);
        let known = self.0.lock().unwrap().clone();
        let answer = known.map(Arc::new).ok_or_else(|| IssuerFault::Unreachable("down".to_owned()));
        Box::pin(std::future::ready(answer))
    }
}

pub(crate) struct Issuer {
    pub(crate) rig: Rig,
    keys: Arc<Keys>,
    ec: EncodingKey,
}

/// A private key, PKCS #8, as the service itself makes them.
fn private_key(rig: &Rig, spec: &str) -> Vec<u8> {
    let key = rig.key(json!({}));
    let pair = rig.ok("GenerateDataKeyPair", json!({"KeyId": key, "KeyPairSpec": spec}));
    blob(&pair, "/PrivateKeyPlaintext")
}

fn jwk(key: &EncodingKey, algorithm: Algorithm, id: &str) -> Jwk {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    jwk
}

pub(crate) fn trust(condition: Value) -> Value {
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{NAME}");
    let mut trust = trusts(json!({"Federated": provider}), &["sts:AssumeRoleWithWebIdentity"]);
    trust["Statement"][0]["Condition"] = condition;
    trust
}

impl Issuer {
    /// A provider that the account trusts, and a role for one subject of it.
    pub(crate) fn new() -> Self {
        let rig = Rig::new();
        let ec = EncodingKey::from_ec_der(&private_key(&rig, "ECC_NIST_P256"));
        let set = JwkSet { keys: vec![jwk(&ec, Algorithm::ES256, "ec")] };
        let keys = Arc::new(Keys(Mutex::new(Some(set))));
        rig.service.ask_issuers_by(keys.clone());
        let provider =
            json!({"Url": ISSUER, "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["a".repeat(40)]});
        rig.iam("CreateOpenIDConnectProvider", provider);
        let (sub, aud) = (format!("{NAME}:sub"), format!("{NAME}:aud"));
        make_role(&rig, "R", &trust(json!({"StringEquals": {sub: SUBJECT, aud: "sts.amazonaws.com"}})));
        Self { rig, keys, ec }
    }

    pub(crate) fn token(&self, changes: Value) -> String {
        let header = Header { kid: Some("ec".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims(changes), &self.ec).unwrap()
    }

    pub(crate) fn try_assume(&self, token: &str) -> Result<Value, keyreeve_model::error::WireError> {
        try_sts(&self.rig, &nobody(), OPERATION, &asking("R", json!({"WebIdentityToken": token})))
    }

    fn refuses(&self, token: &str, code: &str) {
        let error = self.try_assume(token).expect_err(code);
        assert_eq!(error.code, code, "{error:?}");
    }
}

/// The caller of an unsigned request, as the door makes it.
pub(crate) fn nobody() -> Caller {
    let principal = Principal::Federated(Arc::new(WebIdentity { provider: "".into(), subject: "".into() }));
    let root = root_of(ACCOUNT, REGION);
    Caller::bare(principal, root.region, root.request_id)
}

fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": SUBJECT, "aud": ["sts.amazonaws.com"],
        "iat": START_SECONDS, "nbf": START_SECONDS, "exp": START_SECONDS + 600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[test]
fn a_token_of_a_trusted_provider_opens_the_role() {
    let issuer = Issuer::new();
    let answer = issuer.try_assume(&issuer.token(json!({}))).unwrap();
    assert_eq!(text(&answer, "/SubjectFromWebIdentityToken"), SUBJECT);
    assert_eq!(text(&answer, "/Audience"), "sts.amazonaws.com");
    assert_eq!(text(&answer, "/Provider"), format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{NAME}"));
    let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["Credentials", "SubjectFromWebIdentityToken", "AssumedRoleUser", "Provider", "Audience"];
    assert_eq!(members, expected);
    let session = session(&issuer.rig, &answer);
    assert_eq!(session.principal.to_string(), format!("arn:aws:sts::{ACCOUNT}:assumed-role/R/work"));
    let provider = session.session.unwrap().federated_provider.clone();
    assert_eq!(provider, Some(text(&answer, "/Provider")));
}

#[test]
fn a_token_that_is_not_for_this_role_account_or_time_is_refused() {
    let issuer = Issuer::new();
    for (changes, code) in [
        (json!({"sub": "system:serviceaccount:apps:other"}), "AccessDeniedException"),
        (json!({"aud": "other"}), "InvalidIdentityToken"),
        (json!({"iss": "https://other.example.com"}), "InvalidIdentityToken"),
        (json!({"iss": "https://oidc.example.com/id/7/"}), "InvalidIdentityToken"),
        (json!({"iss": "https://OIDC.example.com/id/7"}), "InvalidIdentityToken"),
        (json!({"exp": START_SECONDS - 301}), "ExpiredTokenException"),
        (json!({"nbf": START_SECONDS + 301}), "IDPRejectedClaim"),
    ] {
        issuer.refuses(&issuer.token(changes), code);
    }
    let error = issuer.try_assume(&issuer.token(json!({"sub": "x"}))).unwrap_err();
    assert_eq!(error.message.unwrap(), "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

#[test]
fn a_token_that_is_not_signed_by_the_issuer_is_refused() {
    let issuer = Issuer::new();
    let header = |algorithm| Header { kid: Some("ec".to_owned()), ..Header::new(algorithm) };
    let sign = |algorithm, key: &EncodingKey| {
        jsonwebtoken::encode(&header(algorithm), &claims(json!({})), key).unwrap()
    };
    let ed = EncodingKey::from_ed_der(&private_key(&issuer.rig, "ECC_NIST_EDWARDS25519"));
    // Another key, an algorithm of another kind under the same key id, a MAC under the public key.
    let other = EncodingKey::from_ec_der(&private_key(&issuer.rig, "ECC_NIST_P256"));
    issuer.refuses(&sign(Algorithm::ES256, &other), "InvalidIdentityToken");
    issuer.refuses(&sign(Algorithm::EdDSA, &ed), "InvalidIdentityToken");
    let public = issuer.keys.0.lock().unwrap().clone().unwrap();
    let public = serde_json::to_vec(&public.keys[0]).unwrap();
    issuer.refuses(&sign(Algorithm::HS256, &EncodingKey::from_secret(&public)), "InvalidIdentityToken");
    let good = issuer.token(json!({}));
    let (signed, _) = good.rsplit_once('.').unwrap();
    issuer.refuses(&format!("{signed}."), "InvalidIdentityToken");
    let payload = good.split('.').nth(1).unwrap();
    issuer.refuses(&format!("eyJhbGciOiJub25lIn0.{payload}."), "InvalidIdentityToken");
    issuer.try_assume(&good).unwrap();
}

#[test]
fn without_keys_nobody_is_known_and_an_issuer_that_is_down_is_told_apart() {
    let issuer = Issuer::new();
    *issuer.keys.0.lock().unwrap() = Some(JwkSet { keys: Vec::new() });
    issuer.refuses(&issuer.token(json!({})), "InvalidIdentityToken");
    *issuer.keys.0.lock().unwrap() = None;
    issuer.refuses(&issuer.token(json!({})), "IDPCommunicationError");
    let unasked = issuer.rig.restarted();
    let body = asking("R", json!({"WebIdentityToken": issuer.token(json!({}))}));
    assert_eq!(try_sts(&unasked, &nobody(), OPERATION, &body).unwrap_err().code, "IDPCommunicationError");
}

#[test]
fn a_provider_that_is_deleted_vouches_for_nobody() {
    let issuer = Issuer::new();
    let token = issuer.token(json!({}));
    issuer.try_assume(&token).unwrap();
    let arn = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{NAME}");
    issuer.rig.iam("DeleteOpenIDConnectProvider", json!({"OpenIDConnectProviderArn": arn}));
    issuer.refuses(&token, "InvalidIdentityToken");
}

#[test]
fn who_did_not_sign_reaches_nothing_else_and_who_did_not_that() {
    let issuer = Issuer::new();
    for row in CATALOGUE.iter().filter(|row| row.name != OPERATION) {
        let refused = issuer.rig.block_on(issuer.rig.service.call(&nobody(), row, b"{}")).unwrap_err().wire();
        assert_eq!(refused.code, "AccessDeniedException", "{}", row.name);
    }
    let row = CATALOGUE.iter().find(|row| row.api == Api::Sts && row.name == OPERATION).unwrap();
    let body = asking("R", json!({"WebIdentityToken": issuer.token(json!({}))})).to_string();
    let root = root_of(ACCOUNT, REGION);
    let refused =
        issuer.rig.block_on(issuer.rig.service.call(&root, row, body.as_bytes())).unwrap_err().wire();
    assert_eq!(refused.code, "AccessDeniedException");
}
