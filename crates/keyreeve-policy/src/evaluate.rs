//! The decision. An explicit Deny wins; then guards; then the policy of the resource and the caller's own, by the rule
//! of KMS that an account's identity policies count only where the key policy delegates to them.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html>

use keyreeve_model::region::AccountId;

use crate::context::Context;
use crate::evidence::{Evidence, NamedPolicy, PolicyKind, Resource};
use crate::policy::Policy;
use crate::principal::Principal;
use crate::principal_pattern::Naming;
use crate::statement::{Effect, Request};
use crate::verdict::{Allowance, Decisive, Denial, Verdict};

/// Decides. Allocates nothing as long as no condition and no variable is met.
pub fn evaluate<'a>(evidence: &Evidence<'a>) -> Verdict<'a> {
    match (evidence.principal, evidence.resource) {
        (Principal::Operator(_), Resource::Deployment) => return Verdict::Allow(Allowance::Operator),
        (Principal::Operator(_), _) | (_, Resource::Deployment) => return deny(PolicyKind::Identity),
        _ => {}
    }
    let request = request(evidence);
    if let Some(denial) = explicit_deny(evidence, &request) {
        return Verdict::Deny(denial);
    }
    if guards(evidence).iter().any(|guard| allowing(guard, &request).is_none()) {
        return deny(PolicyKind::Guard);
    }
    let foreign = evidence.principal.account() != evidence.resource.owner();
    match evidence.resource {
        Resource::Everything | Resource::Deployment => own_policies_alone(evidence, &request),
        Resource::Owned { .. } if foreign => Verdict::Deny(Denial::OtherAccount),
        Resource::Owned { .. } => own_policies_alone(evidence, &request),
        Resource::Missing { .. } => match own_policies_alone(evidence, &request) {
            allow @ Verdict::Allow(_) if !foreign => allow,
            Verdict::Allow(_) | Verdict::Deny(_) => Verdict::Deny(Denial::OtherAccount),
        },
        Resource::Key { policy, .. } | Resource::Role { trust: policy, .. } => {
            with_resource_policy(evidence, &request, policy, foreign)
        }
    }
}

pub(crate) fn request<'a>(evidence: &Evidence<'a>) -> Request<'a> {
    Request {
        principal: evidence.principal,
        action: evidence.action,
        resource: evidence.resource.arn(),
        context: evidence.context,
        bounded: evidence.boundary.is_some(),
    }
}

fn deny<'a>(kind: PolicyKind) -> Verdict<'a> {
    Verdict::Deny(Denial::Implicit(kind))
}

/// Guards do not bind services, as service control policies do not.
fn guards<'a>(evidence: &Evidence<'a>) -> &'a [NamedPolicy] {
    match evidence.principal {
        Principal::Service(_) => &[],
        Principal::Root(_)
        | Principal::User(_)
        | Principal::Session(_)
        | Principal::Federated(_)
        | Principal::Operator(_) => evidence.guards,
    }
}

/// The policies that bear on the request, in the order in which a denial names them.
pub(crate) fn policies<'a>(evidence: &Evidence<'a>) -> impl Iterator<Item = &'a NamedPolicy> {
    guards(evidence)
        .iter()
        .chain(evidence.resource.policy())
        .chain(evidence.identity)
        .chain(evidence.boundary)
        .chain(evidence.sessions.unwrap_or_default())
}

fn explicit_deny<'a>(evidence: &Evidence<'a>, request: &Request<'_>) -> Option<Denial<'a>> {
    let decisive = policies(evidence).find_map(|policy| find(policy, Effect::Deny, request, |_| true))?;
    let of_resource = matches!(decisive.policy.kind, PolicyKind::KeyPolicy | PolicyKind::TrustPolicy);
    let foreign = evidence.principal.account() != evidence.resource.owner();
    // Another account does not learn what a policy says.
    Some(if of_resource && foreign { Denial::OtherAccount } else { Denial::Explicit(decisive) })
}

/// The first statement of this effect that matches and names the caller in a way that is wanted.
fn find<'a>(
    policy: &'a NamedPolicy,
    effect: Effect,
    request: &Request<'_>,
    wanted: impl Fn(Naming) -> bool,
) -> Option<Decisive<'a>> {
    policy.policy.statements().iter().enumerate().find_map(|(index, statement)| {
        let matches = statement.effect == effect && statement.check(request).is_ok_and(&wanted);
        matches.then_some(Decisive { policy, statement: index + 1, sid: statement.sid.as_deref() })
    })
}

fn allowing<'a>(policy: &'a NamedPolicy, request: &Request<'_>) -> Option<Decisive<'a>> {
    find(policy, Effect::Allow, request, |_| true)
}

/// The caller's side.
struct CallerSide<'a> {
    /// The statement of an identity policy that allows.
    identity: Result<Allowance<'a>, PolicyKind>,
    /// Which limit does not allow: boundary or session policy.
    limit: Option<PolicyKind>,
}

impl<'a> CallerSide<'a> {
    fn new(evidence: &Evidence<'a>, request: &Request<'_>) -> Self {
        if let Principal::Root(_) = evidence.principal {
            // The root user has every right in its account, and neither policies nor boundary.
            return Self { identity: Ok(Allowance::AccountRoot), limit: None };
        }
        let identity = evidence.identity.iter().find_map(|policy| allowing(policy, request));
        let blocked =
            |policies: &'a [NamedPolicy]| policies.iter().all(|policy| allowing(policy, request).is_none());
        let limit = if evidence.boundary.is_some_and(|boundary| allowing(boundary, request).is_none()) {
            Some(PolicyKind::Boundary)
        } else {
            evidence.sessions.filter(|policies| blocked(policies)).map(|_| PolicyKind::Session)
        };
        Self { identity: identity.map(Allowance::Statement).ok_or(PolicyKind::Identity), limit }
    }

    /// What allows, or the kind of policy that is missing.
    fn allows(&self) -> Result<Allowance<'a>, PolicyKind> {
        match (self.identity, self.limit) {
            (Err(kind), _) | (Ok(_), Some(kind)) => Err(kind),
            (Ok(allowance), None) => Ok(allowance),
        }
    }
}

/// No policy is attached to the resource: the caller's own decide.
fn own_policies_alone<'a>(evidence: &Evidence<'a>, request: &Request<'_>) -> Verdict<'a> {
    match CallerSide::new(evidence, request).allows() {
        Ok(allowance) => Verdict::Allow(allowance),
        Err(kind) => deny(kind),
    }
}

/// What the policy of a key or role allows, by how it names the caller.
struct ResourceSide<'a> {
    /// User, session, service, web identity, or everyone.
    direct: Option<(Decisive<'a>, Naming)>,
    role: Option<Decisive<'a>>,
    account: Option<Decisive<'a>>,
}

impl<'a> ResourceSide<'a> {
    fn new(policy: &'a NamedPolicy, request: &Request<'_>) -> Self {
        let named = |naming| find(policy, Effect::Allow, request, move |have| have == naming);
        let direct = named(Naming::Direct).map(|decisive| (decisive, Naming::Direct));
        Self {
            direct: direct.or_else(|| named(Naming::Everyone).map(|decisive| (decisive, Naming::Everyone))),
            role: named(Naming::Role),
            account: named(Naming::Account),
        }
    }

    fn any(&self) -> Option<Decisive<'a>> {
        self.direct.map(|(decisive, _)| decisive).or(self.role).or(self.account)
    }
}

fn with_resource_policy<'a>(
    evidence: &Evidence<'a>,
    request: &Request<'_>,
    policy: &'a NamedPolicy,
    foreign: bool,
) -> Verdict<'a> {
    let resource = ResourceSide::new(policy, request);
    match evidence.principal {
        Principal::Federated(_) => web_identity(&resource),
        Principal::Service(_) => match (resource.any(), evidence.grant) {
            (Some(decisive), _) => Verdict::Allow(Allowance::Statement(decisive)),
            (None, Some(grant)) => Verdict::Allow(Allowance::Grant(grant.id)),
            (None, None) if foreign => Verdict::Deny(Denial::OtherAccount),
            (None, None) => deny(policy.kind),
        },
        Principal::Root(_) | Principal::User(_) | Principal::Session(_) | Principal::Operator(_) => {
            let caller = CallerSide::new(evidence, request);
            if foreign {
                cross_account(evidence, &resource, &caller)
            } else {
                same_account(evidence, &resource, &caller, policy.kind)
            }
        }
    }
}

/// A web identity has no policies of its own. A trust policy must name its provider: `*` does not make everybody's
/// provider a trusted one.
fn web_identity<'a>(resource: &ResourceSide<'a>) -> Verdict<'a> {
    match resource.direct {
        Some((decisive, Naming::Direct)) => Verdict::Allow(Allowance::Statement(decisive)),
        Some(_) | None => deny(PolicyKind::TrustPolicy),
    }
}

fn same_account<'a>(
    evidence: &Evidence<'a>,
    resource: &ResourceSide<'a>,
    caller: &CallerSide<'a>,
    kind: PolicyKind,
) -> Verdict<'a> {
    if let Some((decisive, _)) = resource.direct
        && direct_naming_limit(caller).is_none()
    {
        return Verdict::Allow(Allowance::Statement(decisive));
    }
    if let (Some(decisive), None) = (resource.role, caller.limit) {
        return Verdict::Allow(Allowance::Statement(decisive));
    }
    if let (Some(decisive), Ok(allowance)) = (resource.account, caller.allows()) {
        return Verdict::Allow(match allowance {
            Allowance::AccountRoot => Allowance::Statement(decisive),
            Allowance::Statement(_) | Allowance::Grant(_) | Allowance::Operator => allowance,
        });
    }
    let granted = own_grant(evidence, caller);
    if let Some(Ok(allowance)) = granted {
        return Verdict::Allow(allowance);
    }
    match (resource.direct, resource.role, resource.account, granted) {
        (Some(_), ..) => deny(direct_naming_limit(caller).unwrap_or(kind)),
        (None, Some(_), ..) => deny(caller.limit.unwrap_or(kind)),
        (None, None, Some(_), _) => deny(caller.allows().err().unwrap_or(kind)),
        (None, None, None, Some(Err(missing))) => deny(missing),
        (None, None, None, Some(Ok(_)) | None) => deny(kind),
    }
}

/// OPEN QUESTION: whether a session policy (or boundary) that does not allow limits a caller whom a resource's policy
/// names by its user or session ARN, or by `*`. AWS's guide says no; the simulator that we compare with says yes for
/// session policies. Here the guide is followed.
const fn direct_naming_limit(_: &CallerSide<'_>) -> Option<PolicyKind> {
    None
}

/// A grant within the key's account: a user or this very session is limited by nothing, a role's session by its
/// boundary and session policy (open, the stricter choice), an account's principal also by its identity policies.
fn own_grant<'a>(
    evidence: &Evidence<'a>,
    caller: &CallerSide<'a>,
) -> Option<Result<Allowance<'a>, PolicyKind>> {
    let grant = evidence.grant?;
    let limited = matches!(evidence.principal, Principal::Session(_)) && !grant.to_session;
    let missing = match (grant.to_account, caller.limit) {
        (true, _) => caller.allows().err(),
        (false, Some(kind)) if limited => Some(kind),
        (false, Some(_) | None) => None,
    };
    Some(missing.map_or(Ok(Allowance::Grant(grant.id)), Err))
}

/// Both sides must allow. OPEN QUESTION: a grant to another account's principal needs that principal's own policies
/// as well; so AWS behaved when it was captured, and its guide can be read otherwise.
fn cross_account<'a>(
    evidence: &Evidence<'a>,
    resource: &ResourceSide<'a>,
    caller: &CallerSide<'a>,
) -> Verdict<'a> {
    let statement = resource.any().map(Allowance::Statement);
    let grant = evidence.grant.map(|grant| Allowance::Grant(grant.id));
    match (statement.or(grant), caller.allows()) {
        _ if !evidence.other_accounts => Verdict::Deny(Denial::OtherAccount),
        (None, _) => Verdict::Deny(Denial::OtherAccount),
        (Some(_), Err(kind)) => deny(kind),
        (Some(allowance), Ok(_)) => Verdict::Allow(allowance),
    }
}

/// The lockout check: whether this key policy would still let the caller put another one. It must name the caller, its
/// role or its account for `kms:PutKeyPolicy`, and not deny it; the caller's own policies are not looked at.
pub fn keeps_control(
    principal: &Principal,
    owner: AccountId,
    key_arn: &str,
    policy: &Policy,
    context: &dyn Context,
) -> bool {
    let request =
        Request { principal, action: "kms:PutKeyPolicy", resource: key_arn, context, bounded: false };
    let matching = |effect| {
        let statements = policy.statements().iter();
        statements.filter(move |statement| statement.effect == effect).any(|one| one.check(&request).is_ok())
    };
    // Other accounts cannot put key policies.
    principal.account() == Some(owner) && matching(Effect::Allow) && !matching(Effect::Deny)
}

#[cfg(test)]
mod tests;
