//! A question about one key with every kind of policy, from texts.

use std::sync::Arc;

use keyreeve_model::region::AccountId;
use keyreeve_policy::context::Context;
use keyreeve_policy::evaluate::evaluate;
use keyreeve_policy::evidence::{Evidence, NamedPolicy, PolicyKind, Resource};
use keyreeve_policy::grant::GrantUse;
use keyreeve_policy::principal::{Principal, RoleSession, User};
use keyreeve_policy::verdict::Verdict;
use keyreeve_policy::{Grammar, Policy};

pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
pub(crate) const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/Worker";
pub(crate) const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Worker/s1";

pub(crate) fn own() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

pub(crate) fn alice() -> Principal {
    let (name, id) = ("Alice".into(), "AIDAEXAMPLEALICE0001".into());
    Principal::User(Arc::new(User { account: own(), arn: ALICE.into(), name, id }))
}

pub(crate) fn session() -> Principal {
    Principal::Session(Arc::new(RoleSession {
        account: own(),
        arn: SESSION.into(),
        role_arn: ROLE.into(),
        role_name: "Worker".into(),
        role_id: "AROAEXAMPLEWORKER001".into(),
        name: "s1".into(),
    }))
}

pub(crate) fn named(kind: PolicyKind, text: &str) -> NamedPolicy {
    let grammar = if kind == PolicyKind::KeyPolicy { Grammar::KeyPolicy } else { Grammar::Identity };
    let policy = Policy::parse(text, grammar).unwrap_or_else(|fault| panic!("{fault:?} {text}"));
    NamedPolicy { kind, name: "p".into(), policy: Arc::new(policy) }
}

/// Policies as lists of statements.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) caller: Principal,
    pub(crate) owner: AccountId,
    pub(crate) key_policy: Vec<String>,
    pub(crate) identity: Vec<String>,
    pub(crate) boundary: Option<Vec<String>>,
    pub(crate) session: Option<Vec<String>>,
    pub(crate) guard: Option<Vec<String>>,
    pub(crate) granted: bool,
}

pub(crate) fn document(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

impl Question {
    pub(crate) fn allowed(&self, action: &str, context: &dyn Context) -> bool {
        let list = |kind, statements: Option<&Vec<String>>| -> Vec<NamedPolicy> {
            statements
                .filter(|list| !list.is_empty())
                .map(|list| named(kind, &document(list)))
                .into_iter()
                .collect()
        };
        let key_policy = named(PolicyKind::KeyPolicy, &document(&self.key_policy));
        let identity = list(PolicyKind::Identity, Some(&self.identity));
        let boundary = list(PolicyKind::Boundary, self.boundary.as_ref());
        let session = self.session.as_ref().map(|statements| list(PolicyKind::Session, Some(statements)));
        let guards = list(PolicyKind::Guard, self.guard.as_ref());
        let grant = GrantUse { id: "g", to_account: false, to_session: false };
        matches!(
            evaluate(&Evidence {
                principal: &self.caller,
                action,
                resource: Resource::Key { arn: KEY, owner: self.owner, policy: &key_policy },
                context,
                guards: &guards,
                identity: &identity,
                boundary: boundary.first(),
                sessions: session.as_deref(),
                grant: self.granted.then_some(&grant),
                other_accounts: true,
            }),
            Verdict::Allow(_)
        )
    }
}
