//! The decision. Accounts are isolated from one another; the root user of an account may do what its account may.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/control-access.html>

use keyreeve_model::algorithm::KeyManager;
use keyreeve_model::region::AccountId;

use crate::evidence::{Effect, Evidence, Resource};
use crate::principal::Principal;
use crate::verdict::{Allowance, Denial, Verdict};

/// Decides.
pub fn evaluate(evidence: &Evidence<'_>) -> Verdict {
    match evidence.principal {
        Principal::Root(account) => root_user(*account, evidence),
        Principal::Operator(_) => operator(evidence.resource),
    }
}

fn root_user(account: AccountId, evidence: &Evidence<'_>) -> Verdict {
    let allow = Verdict::Allow { by: Allowance::AccountRoot };
    match evidence.resource {
        Resource::Everything => allow,
        Resource::Deployment => Verdict::Deny { why: Denial::NoIdentityPolicy },
        Resource::Key { owner, .. } | Resource::Missing { owner } | Resource::Alias { owner }
            if owner != account =>
        {
            Verdict::Deny { why: Denial::OtherAccount }
        }
        // The policy of an AWS managed key lets its own account look at it; only its service may use it.
        Resource::Key { manager: KeyManager::Aws, .. } if evidence.effect != Effect::Reads => {
            Verdict::Deny { why: Denial::NoResourcePolicy }
        }
        Resource::Key { .. } | Resource::Missing { .. } | Resource::Alias { .. } => allow,
    }
}

fn operator(resource: Resource) -> Verdict {
    match resource {
        Resource::Deployment => Verdict::Allow { by: Allowance::Operator },
        Resource::Everything | Resource::Key { .. } | Resource::Missing { .. } | Resource::Alias { .. } => {
            Verdict::Deny { why: Denial::NoIdentityPolicy }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: AccountId = AccountId::ZERO;

    fn decide(principal: Principal, effect: Effect, resource: Resource) -> Verdict {
        evaluate(&Evidence { principal: &principal, action: "kms:X", effect, resource, other_accounts: true })
    }

    #[test]
    fn accounts_are_isolated_and_roots_rule_their_own() {
        let foreign = AccountId::from_number(7);
        let customer = |owner| Resource::Key { owner, manager: KeyManager::Customer };
        let managed = Resource::Key { owner: OWN, manager: KeyManager::Aws };
        let (allow, operator) = (Verdict::Allow { by: Allowance::AccountRoot }, Principal::Operator(0));
        let deny = |why| Verdict::Deny { why };
        for (principal, effect, resource, expected) in [
            (Principal::Root(OWN), Effect::Uses, customer(OWN), allow),
            (Principal::Root(OWN), Effect::Changes, Resource::Everything, allow),
            (Principal::Root(OWN), Effect::Reads, Resource::Missing { owner: OWN }, allow),
            (Principal::Root(OWN), Effect::Uses, customer(foreign), deny(Denial::OtherAccount)),
            (
                Principal::Root(OWN),
                Effect::Reads,
                Resource::Missing { owner: foreign },
                deny(Denial::OtherAccount),
            ),
            (
                Principal::Root(OWN),
                Effect::Changes,
                Resource::Alias { owner: foreign },
                deny(Denial::OtherAccount),
            ),
            (Principal::Root(OWN), Effect::Reads, managed, allow),
            (Principal::Root(OWN), Effect::Uses, managed, deny(Denial::NoResourcePolicy)),
            (Principal::Root(OWN), Effect::Changes, managed, deny(Denial::NoResourcePolicy)),
            (Principal::Root(OWN), Effect::Changes, Resource::Deployment, deny(Denial::NoIdentityPolicy)),
            (
                operator.clone(),
                Effect::Changes,
                Resource::Deployment,
                Verdict::Allow { by: Allowance::Operator },
            ),
            (operator.clone(), Effect::Uses, customer(OWN), deny(Denial::NoIdentityPolicy)),
            (operator, Effect::Reads, Resource::Everything, deny(Denial::NoIdentityPolicy)),
        ] {
            assert_eq!(
                decide(principal.clone(), effect, resource),
                expected,
                "{principal} {effect:?} {resource:?}"
            );
        }
    }
}
