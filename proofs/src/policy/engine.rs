//! The engine under proof, asked about a case as the service asks it.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::grant::{Grant as StoredGrant, GrantConstraints, GrantOperation};
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_policy::context::MapContext;
use keyreeve_policy::evaluate::evaluate;
use keyreeve_policy::evidence::{Evidence, NamedPolicy, PolicyKind, Resource};
use keyreeve_policy::grant::{GrantUse, covers};
use keyreeve_policy::principal::{Principal, RoleSession, ServicePrincipal, User};
use keyreeve_policy::verdict::{Denial, Verdict};
use keyreeve_policy::{Grammar, Policy};
use serde_json::Value;

use super::case::{Caller, Case, Decision, Grant, Kind, Known, TargetKind};

/// What the engine decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decided {
    /// As told.
    Told(Decision),
    /// Denied without telling whether a statement denies: what a stranger to the resource is told.
    Untold,
    /// It could not be asked; why.
    Refused(String),
}

impl Decided {
    /// Whether this is that decision.
    pub(crate) fn is(&self, decision: Decision) -> bool {
        match self {
            Self::Told(told) => *told == decision,
            Self::Untold => decision != Decision::Allowed,
            Self::Refused(_) => false,
        }
    }
}

/// A case with its policies compiled.
#[derive(Debug)]
struct Question {
    principal: Principal,
    owner: AccountId,
    own_policy: Option<NamedPolicy>,
    identity: Vec<NamedPolicy>,
    boundary: Option<NamedPolicy>,
    sessions: Option<Vec<NamedPolicy>>,
    guards: Vec<NamedPolicy>,
    context: MapContext,
}

/// What the engine decides without the grant, and with it.
pub(crate) fn decide(case: &Case) -> (Decided, Decided) {
    let question = match Question::of(case) {
        Ok(question) => question,
        Err(why) => return (Decided::Refused(why.clone()), Decided::Refused(why)),
    };
    let without = question.ask(case, None);
    let Some(grant) = &case.grant else { return (without.clone(), without) };
    let with = match stored(grant) {
        Some((grant, requested)) => {
            let operation = GrantOperation::of_action(&case.action);
            let covers =
                operation.is_some_and(|operation| covers(&grant, operation, requested.as_ref(), None));
            let used = GrantUse::by(&grant, &question.principal).filter(|_| covers);
            question.ask(case, used.as_ref())
        }
        None => Decided::Refused("a grant that cannot be stored".to_owned()),
    };
    (without, with)
}

impl Question {
    fn of(case: &Case) -> Result<Self, String> {
        let one = |kind, document: &Value| named(kind, document);
        let all = |kind, documents: &[Value]| {
            documents.iter().map(|document| one(kind, document)).collect::<Result<Vec<_>, String>>()
        };
        let own = if case.resource.kind == TargetKind::Role {
            PolicyKind::TrustPolicy
        } else {
            PolicyKind::KeyPolicy
        };
        let sessions = all(PolicyKind::Session, &case.sessions)?;
        Ok(Self {
            principal: principal(&case.caller).ok_or("a caller without an account")?,
            owner: AccountId::parse(&case.resource.owner).ok_or("an owner that is no account")?,
            own_policy: case.own_policy.as_ref().map(|policy| one(own, policy)).transpose()?,
            identity: all(PolicyKind::Identity, &case.identity)?,
            boundary: case.boundary.as_ref().map(|policy| one(PolicyKind::Boundary, policy)).transpose()?,
            sessions: (!sessions.is_empty()).then_some(sessions),
            guards: all(PolicyKind::Guard, &case.guards)?,
            context: context(&case.context),
        })
    }

    fn ask(&self, case: &Case, grant: Option<&GrantUse<'_>>) -> Decided {
        let (arn, owner) = (case.resource.arn.as_str(), self.owner);
        let resource = match (case.resource.kind, &self.own_policy) {
            (TargetKind::Everything, _) => Resource::Everything,
            (TargetKind::Key, Some(policy)) => Resource::Key { arn, owner, policy },
            (TargetKind::Role, Some(trust)) => Resource::Role { arn, owner, trust },
            (TargetKind::Key | TargetKind::Role, None) => Resource::Missing { arn, owner },
            (TargetKind::Alias, _) => Resource::Owned { arn, owner },
        };
        let verdict = evaluate(&Evidence {
            principal: &self.principal,
            action: &case.action,
            resource,
            context: &self.context,
            guards: &self.guards,
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            sessions: self.sessions.as_deref(),
            grant,
            other_accounts: case.other_accounts(),
        });
        match verdict {
            Verdict::Allow(_) => Decided::Told(Decision::Allowed),
            Verdict::Deny(Denial::Explicit(_)) => Decided::Told(Decision::Explicit),
            Verdict::Deny(Denial::Implicit(_)) => Decided::Told(Decision::Implicit),
            Verdict::Deny(Denial::OtherAccount) => Decided::Untold,
        }
    }
}

fn named(kind: PolicyKind, document: &Value) -> Result<NamedPolicy, String> {
    let grammar = match kind {
        PolicyKind::KeyPolicy => Grammar::KeyPolicy,
        PolicyKind::TrustPolicy => Grammar::TrustPolicy,
        PolicyKind::Guard | PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => {
            Grammar::Identity
        }
    };
    let policy =
        Policy::parse(&document.to_string(), grammar).map_err(|fault| format!("{kind:?}: {fault:?}"))?;
    Ok(NamedPolicy { kind, name: format!("{kind:?}").into(), policy: Arc::new(policy) })
}

fn principal(caller: &Caller) -> Option<Principal> {
    let account = AccountId::parse(&caller.account)?;
    let (arn, name) = (caller.arn.as_str().into(), caller.name().into());
    Some(match caller.kind {
        Kind::Root => Principal::Root(account),
        Kind::Service => Principal::Service(Arc::new(ServicePrincipal { name: arn, account })),
        Kind::User => Principal::User(Arc::new(User { account, arn, name, id: caller.id.as_str().into() })),
        Kind::Session => Principal::Session(Arc::new(RoleSession {
            account,
            arn,
            role_arn: caller.role.as_str().into(),
            role_name: caller.role.rsplit('/').next().unwrap_or_default().into(),
            role_id: caller.id.as_str().into(),
            name,
        })),
    })
}

fn context(known: &BTreeMap<String, Known>) -> MapContext {
    known.iter().fold(MapContext::new(), |context, (name, known)| match known {
        Known::One(value) => context.with(name, value),
        Known::Many(values) => context.with_many(name, values.iter().map(String::as_str)),
    })
}

/// The grant as it is stored, and the encryption context of the request.
fn stored(grant: &Grant) -> Option<(StoredGrant, Option<EncryptionContext>)> {
    let pairs = |pairs: &Option<BTreeMap<String, String>>| match pairs {
        Some(pairs) => EncryptionContext::new(pairs.clone()).ok().map(Some),
        None => Some(None),
    };
    let operations =
        grant.operations.iter().map(|name| GrantOperation::parse(name)).collect::<Option<_>>()?;
    let constraints =
        GrantConstraints { equals: pairs(&grant.equals)?, subset: pairs(&grant.subset)?, source_arn: None };
    let stored = StoredGrant {
        id: "0".repeat(64),
        name: None,
        grantee: grant.grantee.clone(),
        grantee_id: None,
        grantee_service: false,
        retiring: None,
        retiring_id: None,
        operations,
        constraints,
        issuing_account: AccountId::ZERO,
        created: Timestamp::from_millis(0),
    };
    Some((stored, pairs(&grant.requested)?))
}
