//! Callers that are not root users: users with identity policies, sessions of roles, services.

use std::sync::Arc;

use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_policy::evidence::{NamedPolicy, PolicyKind};
use keyreeve_policy::policy::{Grammar, Policy};
use keyreeve_policy::principal::{Principal, ServicePrincipal};
use keyreeve_service::caller::{Caller, Forwarding};
use keyreeve_service::identity::{Profile, Session};
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, Rig, root, root_of};

/// A policy of one statement.
fn compiled(kind: PolicyKind, statement: Value) -> NamedPolicy {
    let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let policy = Policy::parse(&document, Grammar::Identity).unwrap();
    NamedPolicy { kind, name: "p".into(), policy: Arc::new(policy) }
}

/// A statement about every resource.
pub(crate) fn statement(effect: &str, action: &str) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": "*"})
}

/// The caller with one identity policy.
pub(crate) fn with_policy(mut caller: Caller, statement: Value) -> Caller {
    let mut profile = Profile::bare(Some(caller.principal.clone()));
    profile.identity = vec![compiled(PolicyKind::Identity, statement)];
    caller.profile = Arc::new(profile);
    caller
}

/// The caller with a session policy.
pub(crate) fn with_session_policy(mut caller: Caller, statement: Value) -> Caller {
    caller.session = Some(Arc::new(Session {
        issued: Timestamp::from_millis(0),
        expires: Timestamp::from_millis(i64::MAX),
        policies: Some(vec![compiled(PolicyKind::Session, statement)]),
        tags: Vec::new(),
        transitive_tags: Vec::new(),
        source_identity: None,
        federated_provider: None,
    }));
    caller
}

/// A session of a role without policies; the role is made when it is not there.
pub(crate) fn session(rig: &Rig, account: &str, role: &str, session: &str) -> Caller {
    let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{session}");
    let found = || rig.block_on(rig.service.identity().principal_of(&arn)).unwrap();
    if found().is_none() {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}]});
        let body = json!({"RoleName": role, "AssumeRolePolicyDocument": trust.to_string()});
        rig.try_iam_as(&rig.root_user(account), "CreateRole", &body).unwrap();
    }
    let (principal, profile) = found().unwrap();
    Caller { principal, profile, ..root_of(account, crate::rig::REGION) }
}

/// A service that acts as itself for a resource.
pub(crate) fn service(name: &str, source_arn: Option<&str>) -> Caller {
    let account = AccountId::parse(ACCOUNT).unwrap();
    let forwarding = Forwarding {
        service: name.into(),
        on_behalf: false,
        source_arn: source_arn.map(Into::into),
        source_account: None,
    };
    Caller {
        principal: Principal::Service(Arc::new(ServicePrincipal { name: name.into(), account })),
        forwarding: Some(Arc::new(forwarding)),
        ..root()
    }
}

/// The caller, for whom a service asks.
pub(crate) fn via(mut caller: Caller, service: &str) -> Caller {
    caller.forwarding = Some(Arc::new(Forwarding {
        service: service.into(),
        on_behalf: true,
        source_arn: None,
        source_account: None,
    }));
    caller
}

/// ARN of a user.
pub(crate) fn user_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user/{name}")
}

/// Deletes a user.
pub(crate) fn delete_user(rig: &Rig, account: &str, name: &str) {
    rig.try_iam_as(&rig.root_user(account), "DeleteUser", &json!({"UserName": name})).unwrap();
}

/// Creates a grant and answers its id.
pub(crate) fn grant(rig: &Rig, body: Value) -> String {
    crate::rig::text(&rig.ok("CreateGrant", body), "/GrantId")
}
