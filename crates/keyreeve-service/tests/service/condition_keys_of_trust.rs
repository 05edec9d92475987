//! Every condition key in the trust policy of a role that somebody assumes whom an OpenID Connect provider vouches for:
//! nobody signs, so that only the trust policy decides.

use keyreeve_policy::condition_key::{Actions, CONDITION_KEYS, ConditionKeyRow};
use keyreeve_service::caller::{Caller, Connection};
use serde_json::{Value, json};

use crate::condition_keys::{names, operator};
use crate::rig::{ACCOUNT, REGION, START_SECONDS};
use crate::sts_rig::{asking, try_sts};
use crate::web_identity::{Issuer, NAME, OPERATION, SUBJECT, nobody, trust};

/// Keys that have a value in such a request, the value, and another.
const VALUES: &[(&str, &str, &str)] = &[
    ("aws:CurrentTime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
    ("aws:EpochTime", "1767225600", "1767225601"),
    (
        "aws:FederatedProvider",
        "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/7",
        "arn:aws:iam::111122223333:oidc-provider/oidc.example.com",
    ),
    ("aws:PrincipalIsAWSService", "false", "true"),
    ("aws:PrincipalType", "Federated", "AssumedRole"),
    ("aws:referer", "https://console.example.com/", "https://example.com/"),
    ("aws:RequestedRegion", "eu-central-1", "us-east-1"),
    ("aws:ResourceAccount", "111122223333", "444455556666"),
    ("aws:SecureTransport", "true", "false"),
    ("aws:SourceIp", "203.0.113.7", "203.0.113.8"),
    ("aws:UserAgent", "aws-cli/2.31", "aws-cli/2.30"),
    (
        "aws:userid",
        "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/7:system:serviceaccount:apps:web",
        "x",
    ),
    ("aws:ViaAWSService", "false", "true"),
    ("sts:DurationSeconds", "900", "901"),
    ("sts:RoleSessionName", "work", "Work"),
];

/// Told of nobody: an identity that is neither an ARN of IAM nor of an account has none.
const NOT_ARNS: &[&str] = &["aws:PrincipalArn"];

fn caller() -> Caller {
    let connection = Connection {
        tls: None,
        source_ip: Some("203.0.113.7".parse().unwrap()),
        secure: true,
        user_agent: Some("aws-cli/2.31".into()),
        referer: Some("https://console.example.com/".into()),
    };
    Caller { connection, ..nobody() }
}

fn allowed(issuer: &Issuer, condition: &Value) -> bool {
    let document = trust(condition.clone()).to_string();
    issuer.rig.iam("UpdateAssumeRolePolicy", json!({"RoleName": "R", "PolicyDocument": document}));
    let body = asking("R", json!({"WebIdentityToken": issuer.token(json!({})), "DurationSeconds": 900}));
    match try_sts(&issuer.rig, &caller(), OPERATION, &body) {
        Ok(_) => true,
        Err(error) => {
            assert!(error.code.starts_with("AccessDenied"), "{condition}: {error:?}");
            false
        }
    }
}

fn can_have_a_value(key: &ConditionKeyRow) -> bool {
    match key.actions {
        Actions::All => true,
        Actions::Only(actions) => actions.contains(&"sts:AssumeRoleWithWebIdentity"),
        Actions::OnKeys => false,
    }
}

#[test]
fn every_condition_key_decides_who_assumes_a_role_by_a_web_identity() {
    let issuer = Issuer::new();
    let mut found = 0;
    for key in CONDITION_KEYS.iter().filter(|key| !NOT_ARNS.contains(&key.name)) {
        let known = VALUES.iter().find(|(name, ..)| *name == key.name).filter(|_| can_have_a_value(key));
        if let Some((name, value, other)) = known {
            for (wanted, expected) in [(value, true), (other, false)] {
                let condition = json!({operator(key.kind): {*name: wanted}});
                assert_eq!(allowed(&issuer, &condition), expected, "{condition}");
            }
            found += 1;
        } else {
            for name in names(key) {
                for (absent, expected) in [("true", true), ("false", false)] {
                    assert_eq!(
                        allowed(&issuer, &json!({"Null": {name.as_str(): absent}})),
                        expected,
                        "{name} {absent}"
                    );
                }
            }
        }
    }
    assert_eq!(found, VALUES.len());
}

#[test]
fn claims_of_the_provider_decide() {
    let issuer = Issuer::new();
    for (claim, value, expected) in [
        ("sub", SUBJECT, true),
        ("SUB", SUBJECT, true),
        ("sub", "system:serviceaccount:apps:*", false),
        ("aud", "sts.amazonaws.com", true),
        ("aud", "kms", false),
        ("none", "x", false),
    ] {
        let condition = json!({"StringEquals": {format!("{NAME}:{claim}"): value}});
        assert_eq!(allowed(&issuer, &condition), expected, "{condition}");
    }
    assert!(allowed(
        &issuer,
        &json!({"StringLike": {format!("{NAME}:sub"): "system:serviceaccount:apps:*"}})
    ));
    let elsewhere = json!({"StringEquals": {"other.example.com:sub": SUBJECT}});
    assert!(!allowed(&issuer, &elsewhere), "a claim of another provider");
    assert_eq!(
        (ACCOUNT, REGION, START_SECONDS),
        ("111122223333", "eu-central-1", 1_767_225_600),
        "as the table has them"
    );
}
