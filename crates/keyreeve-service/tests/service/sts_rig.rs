//! Calls STS as the doors do: temporary credentials go through their token, and every answer is held against the model.

use std::sync::LazyLock;

use keyreeve_model::error::WireError;
use keyreeve_model::region::Region;
use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::{Api, find};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, text};

pub(crate) static STS_MODEL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../model/sts.json")).unwrap());

/// Codes of every query API, which no operation declares.
const UNDECLARED: &[&str] =
    &["AccessDeniedException", "ValidationError", "ValidationException", "UnsupportedOperationException"];

pub(crate) fn try_sts(rig: &Rig, caller: &Caller, operation: &str, body: &Value) -> Result<Value, WireError> {
    let row = find(Api::Sts, operation).unwrap();
    let modelled = &STS_MODEL["operations"][operation];
    match rig.block_on(rig.service.call(caller, row, body.to_string().as_bytes())) {
        Ok(answer) => {
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            check(modelled["output"]["shape"].as_str().unwrap(), &answer, operation);
            Ok(answer)
        }
        Err(error) => {
            let wire = error.wire();
            let declared = modelled["errors"].as_array().into_iter().flatten();
            let mut codes = declared.map(|error| {
                let shape = &STS_MODEL["shapes"][error["shape"].as_str().unwrap()];
                shape.pointer("/error/code").or_else(|| error.get("shape")).unwrap().as_str().unwrap()
            });
            assert!(UNDECLARED.contains(&wire.code) || codes.any(|code| code == wire.code), "{wire:?}");
            Err(wire)
        }
    }
}

fn check(name: &str, value: &Value, place: &str) {
    let shape = &STS_MODEL["shapes"][name];
    let Some(found) = value.as_object() else { return };
    for (member, value) in found {
        let reference = &shape["members"][member]["shape"];
        check(reference.as_str().unwrap_or_else(|| panic!("{place}.{member}")), value, member);
    }
    for required in shape["required"].as_array().into_iter().flatten() {
        assert!(found.contains_key(required.as_str().unwrap()), "{place}: {required}");
    }
}

pub(crate) fn sts(rig: &Rig, caller: &Caller, operation: &str, body: Value) -> Value {
    try_sts(rig, caller, operation, &body).unwrap_or_else(|error| panic!("{operation} {body}: {error:?}"))
}

/// Holds that STS refuses with this code and exactly this text.
pub(crate) fn refuses(rig: &Rig, caller: &Caller, operation: &str, body: &Value, code: &str, message: &str) {
    let error = try_sts(rig, caller, operation, body).expect_err(&body.to_string());
    let text = error.message.unwrap_or_default();
    assert_eq!((error.code, text.as_str()), (code, message), "{operation} {body}");
}

/// Who signs with the credentials of an answer now; `None` when they are worth nothing any more.
pub(crate) fn try_session(rig: &Rig, answer: &Value) -> Option<Caller> {
    let identity = rig.service.identity();
    let id = text(answer, "/Credentials/AccessKeyId");
    let token = text(answer, "/Credentials/SessionToken");
    let opened = rig.block_on(identity.open_session(&id, &token)).unwrap().unwrap();
    assert_eq!(opened.secret.expose_secret(), text(answer, "/Credentials/SecretAccessKey").as_bytes());
    if opened.is_over(rig.service.clock().now()) {
        return None;
    }
    let signer = rig.block_on(identity.session_signer(&opened)).unwrap()?;
    let bare = Caller::bare(signer.principal, Region::parse(REGION).unwrap(), Uuid::from_u128(0x1234));
    Some(Caller { profile: signer.profile, session: Some(signer.session), ..bare })
}

pub(crate) fn session(rig: &Rig, answer: &Value) -> Caller {
    try_session(rig, answer).unwrap()
}

pub(crate) fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// A trust policy that lets this principal do these actions.
pub(crate) fn trusts(principal: Value, actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": actions}]})
}

/// Makes a role.
pub(crate) fn make_role(rig: &Rig, name: &str, trust: &Value) {
    rig.iam("CreateRole", json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()}));
}

/// A role of this trust policy that may do everything, and a user whom nothing is allowed.
pub(crate) fn role_and_user(rig: &Rig, name: &str, actions: &[&str]) -> Caller {
    let user = rig.user_of(ACCOUNT, "Alice");
    make_role(rig, name, &trusts(json!({"AWS": user.principal.to_string()}), actions));
    let policy =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    rig.iam(
        "PutRolePolicy",
        json!({"RoleName": name, "PolicyName": "all", "PolicyDocument": policy.to_string()}),
    );
    user
}

pub(crate) fn allows_user(rig: &Rig, account: &str, action: &str) -> Caller {
    rig.user_of(account, "Bob");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]});
    rig.user_policy(account, "Bob", &policy.to_string());
    rig.user_of(account, "Bob")
}

/// A body of AssumeRole with more members.
pub(crate) fn asking(role: &str, more: Value) -> Value {
    let mut body = json!({"RoleArn": role_arn(role), "RoleSessionName": "work"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// AWS's words for a role that does not trust the caller.
pub(crate) fn denied(caller: &Caller, action: &str, role: &str) -> String {
    format!(
        "User: {} is not authorized to perform: {action} on resource: {}",
        caller.principal,
        role_arn(role)
    )
}

pub(crate) const ELSEWHERE: &str = OTHER_ACCOUNT;
