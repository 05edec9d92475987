//! The rows of the evaluation: who, on what, with which policies, and what comes out.

mod beyond_keys;
mod keys;

use std::sync::Arc;

use super::*;
use crate::context::{MapContext, NoContext};
use crate::grant::GrantUse;
use crate::policy::Grammar;
use crate::principal::{RoleSession, ServicePrincipal, User, WebIdentity};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ALICE: &str = "arn:aws:iam::111122223333:user/team/Alice";
const ROLE: &str = "arn:aws:iam::111122223333:role/app/Worker";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Worker/s1";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/id.example.com";
const ALLOW: &str = r#"{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
const OTHER: &str = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
const DENY: &str = r#"{"Statement":{"Effect":"Deny","Action":"KMS:en*","Resource":"*"}}"#;

fn own() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn foreign() -> AccountId {
    AccountId::parse("444455556666").unwrap()
}

fn alice() -> Principal {
    let (name, id) = ("Alice".into(), "AIDAEXAMPLEALICE0001".into());
    Principal::User(Arc::new(User { account: own(), arn: ALICE.into(), name, id }))
}

fn session() -> Principal {
    Principal::Session(Arc::new(RoleSession {
        account: own(),
        arn: SESSION.into(),
        role_arn: ROLE.into(),
        role_name: "Worker".into(),
        role_id: "AROAEXAMPLEWORKER001".into(),
        name: "s1".into(),
    }))
}

fn service() -> Principal {
    let name = "s3.us-east-1.amazonaws.com".into();
    Principal::Service(Arc::new(ServicePrincipal { name, account: own() }))
}

fn web_identity() -> Principal {
    Principal::Federated(Arc::new(WebIdentity { provider: PROVIDER.into(), subject: "carol".into() }))
}

fn named(kind: PolicyKind, text: &str) -> NamedPolicy {
    let grammar = match kind {
        PolicyKind::KeyPolicy => Grammar::KeyPolicy,
        PolicyKind::TrustPolicy => Grammar::TrustPolicy,
        PolicyKind::Guard | PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => {
            Grammar::Identity
        }
    };
    let policy = Policy::parse(text, grammar).unwrap_or_else(|fault| panic!("{fault:?} {text}"));
    NamedPolicy { kind, name: format!("{kind:?}").into(), policy: Arc::new(policy) }
}

/// A key policy that allows everything to this principal; empty for a policy that allows nothing to anyone.
fn key_policy(principal: &str) -> String {
    if principal.is_empty() {
        let statement =
            r#"{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"kms:*","Resource":"*"}"#;
        return format!(r#"{{"Statement":{statement}}}"#);
    }
    let principal = if principal.contains("amazonaws.com") {
        format!(r#"{{"Service":"{principal}"}}"#)
    } else {
        format!(r#"{{"AWS":"{principal}"}}"#)
    };
    format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"kms:*","Resource":"*"}}}}"#)
}

/// A question about Encrypt on a key, in words.
#[derive(Clone)]
struct Case {
    caller: Principal,
    key_policy: String,
    owner: AccountId,
    guards: Vec<&'static str>,
    identity: Vec<&'static str>,
    boundary: Option<&'static str>,
    sessions: Option<Vec<&'static str>>,
    grant: Option<(bool, bool)>,
    other_accounts: bool,
}

impl Case {
    fn new(caller: Principal, principal: &str) -> Self {
        Self {
            caller,
            key_policy: key_policy(principal),
            owner: own(),
            guards: vec![],
            identity: vec![],
            boundary: None,
            sessions: None,
            grant: None,
            other_accounts: true,
        }
    }

    fn on_foreign_key(mut self) -> Self {
        self.owner = foreign();
        self
    }

    fn identity(mut self, text: &'static str) -> Self {
        self.identity.push(text);
        self
    }

    fn boundary(mut self, text: &'static str) -> Self {
        self.boundary = Some(text);
        self
    }

    fn session(mut self, text: &'static str) -> Self {
        self.sessions.get_or_insert_default().push(text);
        self
    }

    fn guard(mut self, text: &'static str) -> Self {
        self.guards.push(text);
        self
    }

    fn grant(mut self, to_account: bool, to_session: bool) -> Self {
        self.grant = Some((to_account, to_session));
        self
    }

    fn policy(mut self, text: &str) -> Self {
        self.key_policy = text.to_owned();
        self
    }

    /// `allow`, the kind of the policy that allowed, `grant`; or `deny` and why.
    fn outcome(&self) -> String {
        let all = |kind, texts: &[&str]| texts.iter().map(|text| named(kind, text)).collect::<Vec<_>>();
        let policy = named(PolicyKind::KeyPolicy, &self.key_policy);
        let (guards, identity) =
            (all(PolicyKind::Guard, &self.guards), all(PolicyKind::Identity, &self.identity));
        let boundary = self.boundary.map(|text| named(PolicyKind::Boundary, text));
        let sessions = self.sessions.as_ref().map(|texts| all(PolicyKind::Session, texts));
        let grant = self.grant.map(|(to_account, to_session)| GrantUse { id: "g1", to_account, to_session });
        let evidence = Evidence {
            principal: &self.caller,
            action: "kms:Encrypt",
            resource: Resource::Key { arn: KEY, owner: self.owner, policy: &policy },
            context: &NoContext,
            guards: &guards,
            identity: &identity,
            boundary: boundary.as_ref(),
            sessions: sessions.as_deref(),
            grant: grant.as_ref(),
            other_accounts: self.other_accounts,
        };
        words(&evaluate(&evidence))
    }
}

fn words(verdict: &Verdict<'_>) -> String {
    match verdict {
        Verdict::Allow(Allowance::Statement(decisive)) => format!("allow {:?}", decisive.policy.kind),
        Verdict::Allow(Allowance::Grant(_)) => "allow grant".to_owned(),
        Verdict::Allow(Allowance::AccountRoot) => "allow root".to_owned(),
        Verdict::Allow(Allowance::Operator) => "allow operator".to_owned(),
        Verdict::Deny(Denial::Explicit(decisive)) => format!("explicit {:?}", decisive.policy.kind),
        Verdict::Deny(Denial::Implicit(kind)) => format!("no {kind:?}"),
        Verdict::Deny(Denial::OtherAccount) => "other account".to_owned(),
    }
}

fn check(rows: Vec<(&str, Case, &str)>) {
    for (what, case, expected) in rows {
        assert_eq!(case.outcome(), expected, "{what}");
    }
}
