//! What a grantee that may create grants can pass on: no more operations than one grant of its own has, under
//! constraints that are as strict or stricter.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html#grant-creategrant>

use keyreeve_model::grant::{Grant, GrantConstraints, GrantOperation};

use crate::grant::covers;

/// Whether a grantee of `parent` may create a grant of these operations and constraints by it.
pub fn may_pass_on(parent: &Grant, operations: &[GrantOperation], constraints: &GrantConstraints) -> bool {
    let held = operations.iter().all(|operation| parent.operations.contains(operation));
    // A subset constraint admits more than an equals constraint with the same pairs.
    let exact = parent.constraints.equals.is_none() || constraints.equals.is_some();
    // Every request that the new grant admits has at least these pairs, and for an equals constraint no others.
    let context = constraints.equals.as_ref().or(constraints.subset.as_ref());
    held && exact && covers(parent, GrantOperation::CreateGrant, context, constraints.source_arn.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyreeve_model::encryption_context::EncryptionContext;
    use keyreeve_model::region::AccountId;
    use keyreeve_model::timestamp::Timestamp;

    fn context(pairs: &[(&str, &str)]) -> Option<EncryptionContext> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Some(EncryptionContext::new(pairs).unwrap())
    }

    fn equals(pairs: &[(&str, &str)]) -> GrantConstraints {
        GrantConstraints { equals: context(pairs), ..GrantConstraints::default() }
    }

    fn subset(pairs: &[(&str, &str)]) -> GrantConstraints {
        GrantConstraints { subset: context(pairs), ..GrantConstraints::default() }
    }

    fn source(arn: &str) -> GrantConstraints {
        GrantConstraints { source_arn: Some(arn.to_owned()), ..GrantConstraints::default() }
    }

    fn parent(operations: &[GrantOperation], constraints: GrantConstraints) -> Grant {
        Grant {
            id: "0".repeat(64),
            name: None,
            grantee: "arn:aws:iam::111122223333:user/Alice".to_owned(),
            grantee_id: None,
            grantee_service: false,
            retiring: None,
            retiring_id: None,
            operations: operations.to_vec(),
            constraints,
            issuing_account: AccountId::ZERO,
            created: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn operations_are_those_of_the_parent_or_fewer() {
        use GrantOperation::{CreateGrant, Decrypt, DescribeKey, Encrypt};
        let none = GrantConstraints::default();
        let able = parent(&[CreateGrant, Decrypt, DescribeKey], none.clone());
        assert!(may_pass_on(&able, &[Decrypt], &none));
        assert!(may_pass_on(&able, &[CreateGrant, DescribeKey, Decrypt], &none));
        assert!(!may_pass_on(&able, &[Decrypt, Encrypt], &none));
        assert!(!may_pass_on(&parent(&[Decrypt], none.clone()), &[Decrypt], &none), "without CreateGrant");
    }

    #[test]
    fn constraints_are_those_of_the_parent_or_stricter() {
        let (one, two) = (&[("a", "1")][..], &[("a", "1"), ("b", "2")][..]);
        let none = GrantConstraints::default();
        for (held, asked, allowed) in [
            (none.clone(), none.clone(), true),
            (none.clone(), equals(one), true),
            (subset(one), none.clone(), false),
            (subset(one), subset(one), true),
            (subset(one), subset(two), true),
            (subset(two), subset(one), false),
            (subset(one), subset(&[("A", "1")]), true),
            (subset(one), subset(&[("a", "2")]), false),
            (subset(one), equals(one), true),
            (subset(one), equals(two), true),
            (subset(two), equals(one), false),
            (equals(one), equals(one), true),
            (equals(one), equals(two), false),
            (equals(two), equals(one), false),
            (equals(one), subset(one), false),
            (equals(one), subset(two), false),
            (equals(one), none.clone(), false),
            (equals(&[]), none.clone(), false),
            (source("arn:aws:s3:::one"), source("arn:aws:s3:::one"), true),
            (source("arn:aws:s3:::one"), source("arn:aws:s3:::two"), false),
            (source("arn:aws:s3:::one"), none.clone(), false),
            (none.clone(), source("arn:aws:s3:::one"), true),
        ] {
            let holder = parent(&[GrantOperation::CreateGrant, GrantOperation::Decrypt], held.clone());
            let verdict = may_pass_on(&holder, &[GrantOperation::Decrypt], &asked);
            assert_eq!(verdict, allowed, "{held:?} to {asked:?}");
        }
    }
}
