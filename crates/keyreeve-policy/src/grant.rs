//! Which grants cover a request, and under which names a caller may be a grantee.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>

use std::borrow::Cow;

use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::grant::{Grant, GrantOperation};

use crate::principal::{Principal, global_service_name};

/// A grant that covers the request: whoever found it has compared grantee, operation and constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantUse<'a> {
    /// Id of the grant.
    pub id: &'a str,
    /// The grantee is an account: the caller's own policies must allow too.
    pub to_account: bool,
    /// The grantee is this very session: its session policy and boundary do not limit it.
    pub to_session: bool,
}

/// Whether a grant permits the operation under this context and for this source. Who the grantee is, is compared by
/// [`grantee_names`].
pub fn covers(
    grant: &Grant,
    operation: GrantOperation,
    context: Option<&EncryptionContext>,
    source_arn: Option<&str>,
) -> bool {
    let constraints = &grant.constraints;
    let source = constraints.source_arn.as_deref().is_none_or(|wanted| source_arn == Some(wanted));
    let contexts = !operation.obeys_context_constraints()
        || (constraints.equals.as_ref().is_none_or(|wanted| equals(wanted, context))
            && constraints.subset.as_ref().is_none_or(|wanted| holds(wanted, context)));
    grant.operations.contains(&operation) && source && contexts
}

/// As many pairs, and each found in the other: the request may not hold one name twice in two letter cases.
fn equals(wanted: &EncryptionContext, have: Option<&EncryptionContext>) -> bool {
    match have {
        Some(have) => {
            wanted.entries().len() == have.entries().len()
                && holds(wanted, Some(have))
                && holds(have, Some(wanted))
        }
        None => wanted.is_empty(),
    }
}

/// Names without regard to letter case, values exactly.
fn holds(wanted: &EncryptionContext, have: Option<&EncryptionContext>) -> bool {
    wanted.entries().iter().all(|(name, value)| {
        have.is_some_and(|have| {
            have.entries()
                .iter()
                .any(|(other, text)| text == value && other.to_lowercase() == name.to_lowercase())
        })
    })
}

/// Every spelling of a grantee that is this caller: its own ARN, its role's, its account's, unique ids, a service's names.
pub fn grantee_names(principal: &Principal) -> impl Iterator<Item = Cow<'_, str>> {
    let root = |account| Cow::Owned(format!("arn:aws:iam::{account}:root"));
    let names = match principal {
        Principal::Root(account) => vec![root(*account)],
        Principal::User(user) => {
            vec![Cow::Borrowed(&*user.arn), Cow::Borrowed(&*user.id), root(user.account)]
        }
        Principal::Session(session) => vec![
            Cow::Borrowed(&*session.arn),
            Cow::Borrowed(&*session.role_arn),
            Cow::Borrowed(&*session.role_id),
            principal.user_id(),
            root(session.account),
        ],
        Principal::Service(service) => {
            let (own, global) = (&*service.name, global_service_name(&service.name));
            if own == global {
                vec![Cow::Owned(global)]
            } else {
                vec![Cow::Borrowed(own), Cow::Owned(global)]
            }
        }
        Principal::Federated(_) | Principal::Operator(_) => Vec::new(),
    };
    names.into_iter()
}

impl<'a> GrantUse<'a> {
    /// The use of a grant by a caller that is its grantee; `None` when it is not, or is only a namesake of it.
    pub fn by(grant: &'a Grant, principal: &Principal) -> Option<Self> {
        let grantee = grant.grantee.as_str();
        if grant.grantee_service != matches!(principal, Principal::Service(_))
            || !grantee_names(principal).any(|name| name == grantee)
        {
            return None;
        }
        let own_id = match principal {
            Principal::User(user) => Some(&*user.id),
            Principal::Session(session) => Some(&*session.role_id),
            Principal::Root(_) | Principal::Service(_) | Principal::Federated(_) | Principal::Operator(_) => {
                None
            }
        };
        let to_account = grantee.ends_with(":root") && grantee.starts_with("arn:");
        let namesake = !to_account && grant.grantee_id.as_deref().is_some_and(|pin| Some(pin) != own_id);
        let to_session = match principal {
            Principal::Session(session) => grantee == &*session.arn || grantee == principal.user_id(),
            Principal::Root(_)
            | Principal::User(_)
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Operator(_) => false,
        };
        (!namesake).then_some(Self { id: &grant.id, to_account, to_session })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use keyreeve_model::grant::GrantConstraints;
    use keyreeve_model::region::AccountId;
    use keyreeve_model::timestamp::Timestamp;

    use super::*;
    use crate::principal::{RoleSession, ServicePrincipal, User};

    const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";
    const ROLE: &str = "arn:aws:iam::111122223333:role/app/Worker";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Worker/s1";
    const ROOT: &str = "arn:aws:iam::111122223333:root";

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        let entries: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        EncryptionContext::new(entries).unwrap()
    }

    fn grant(grantee: &str, constraints: GrantConstraints) -> Grant {
        Grant {
            id: "g1".to_owned(),
            name: None,
            grantee: grantee.to_owned(),
            grantee_id: None,
            grantee_service: grantee.ends_with("amazonaws.com"),
            retiring: None,
            retiring_id: None,
            operations: vec![
                GrantOperation::Decrypt,
                GrantOperation::DescribeKey,
                GrantOperation::RetireGrant,
            ],
            constraints,
            issuing_account: AccountId::ZERO,
            created: Timestamp::from_millis(0),
        }
    }

    fn callers() -> [Principal; 4] {
        let account = AccountId::parse("111122223333").unwrap();
        let alice = User { account, arn: ALICE.into(), name: "Alice".into(), id: "AIDA1".into() };
        let session = RoleSession {
            account,
            arn: SESSION.into(),
            role_arn: ROLE.into(),
            role_name: "Worker".into(),
            role_id: "AROA1".into(),
            name: "s1".into(),
        };
        let service = ServicePrincipal { name: "s3.eu-central-1.amazonaws.com".into(), account };
        [
            Principal::Root(account),
            Principal::User(Arc::new(alice)),
            Principal::Session(Arc::new(session)),
            Principal::Service(Arc::new(service)),
        ]
    }

    #[test]
    fn constraints_compare_names_in_any_letter_case_and_values_exactly() {
        let two = [("Dept", "IT"), ("App", "x")];
        for (wanted, request, equals, subset) in [
            (&two[..1], Some(&[("Dept", "IT")][..]), true, true),
            (&two[..1], Some(&[("DEPT", "IT")]), true, true),
            (&two[..1], Some(&[("Dept", "it")]), false, false),
            (&two[..1], Some(&two[..]), false, true),
            (&two[..], Some(&two[..1]), false, false),
            (&two[..], Some(&[("app", "x"), ("dept", "IT")]), true, true),
            (&two[..1], Some(&[("Dept", "IT"), ("dept", "IT")]), false, true),
            (&two[..1], Some(&[]), false, false),
            (&two[..1], None, false, false),
            (&[], None, true, true),
            (&[], Some(&two[..1]), false, true),
        ] {
            let request = request.map(context);
            let check = |constraints| {
                covers(&grant(ALICE, constraints), GrantOperation::Decrypt, request.as_ref(), None)
            };
            let (one, other) = (Some(context(wanted)), Some(context(wanted)));
            let constraints = GrantConstraints { equals: one, ..GrantConstraints::default() };
            assert_eq!(check(constraints), equals, "equals {wanted:?} {request:?}");
            let constraints = GrantConstraints { subset: other, ..GrantConstraints::default() };
            assert_eq!(check(constraints), subset, "subset {wanted:?} {request:?}");
        }
    }

    #[test]
    fn operations_without_a_context_ignore_its_constraints() {
        let constraints =
            GrantConstraints { equals: Some(context(&[("a", "b")])), ..GrantConstraints::default() };
        let grant = grant(ALICE, constraints);
        for (operation, expected) in [
            (GrantOperation::Decrypt, false),
            (GrantOperation::DescribeKey, true),
            (GrantOperation::RetireGrant, true),
            (GrantOperation::Encrypt, false),
            (GrantOperation::GetPublicKey, false),
        ] {
            assert_eq!(covers(&grant, operation, None, None), expected, "{operation}");
        }
    }

    #[test]
    fn a_source_must_be_the_one_that_was_granted() {
        let source_arn = Some("arn:aws:s3:::b".to_owned());
        let grant = grant("s3.amazonaws.com", GrantConstraints { source_arn, ..GrantConstraints::default() });
        for (source, expected) in
            [(Some("arn:aws:s3:::b"), true), (Some("arn:aws:s3:::c"), false), (None, false)]
        {
            assert_eq!(covers(&grant, GrantOperation::DescribeKey, None, source), expected, "{source:?}");
        }
    }

    /// grantee, caller by its place in `callers`, to account, to session
    #[test]
    fn grantees_match_by_every_name_of_theirs() {
        let callers = callers();
        for (grantee, matching) in [
            (ROOT, &[(0, true, false), (1, true, false), (2, true, false)][..]),
            (ALICE, &[(1, false, false)]),
            ("AIDA1", &[(1, false, false)]),
            (ROLE, &[(2, false, false)]),
            ("AROA1", &[(2, false, false)]),
            (SESSION, &[(2, false, true)]),
            ("AROA1:s1", &[(2, false, true)]),
            ("s3.eu-central-1.amazonaws.com", &[(3, false, false)]),
            ("s3.amazonaws.com", &[(3, false, false)]),
            ("s3.us-east-1.amazonaws.com", &[]),
            ("arn:aws:iam::111122223333:role/Worker", &[]),
        ] {
            let grant = grant(grantee, GrantConstraints::default());
            for (index, caller) in callers.iter().enumerate() {
                let expected = matching.iter().find(|(place, ..)| *place == index);
                let expected = expected.map(|&(_, to_account, to_session)| GrantUse {
                    id: "g1",
                    to_account,
                    to_session,
                });
                assert_eq!(GrantUse::by(&grant, caller), expected, "{grantee} {caller}");
            }
        }
    }

    #[test]
    fn a_namesake_made_later_is_no_grantee() {
        let [_, alice, session, _] = callers();
        for (caller, grantee, pin, expected) in [
            (&alice, ALICE, "AIDA1", true),
            (&alice, ALICE, "AIDA2", false),
            (&session, ROLE, "AROA1", true),
            (&session, SESSION, "AROA2", false),
        ] {
            let grant =
                Grant { grantee_id: Some(pin.to_owned()), ..grant(grantee, GrantConstraints::default()) };
            assert_eq!(GrantUse::by(&grant, caller).is_some(), expected, "{grantee} {pin}");
        }
    }
}
