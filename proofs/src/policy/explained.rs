//! Where the oracle is known to differ from AWS's documentation: one row a quirk. The second opinion can be told to have
//! these quirks, and must then decide as the oracle in every case; so each row explains exactly what it changes.

/// A rule that the oracle has otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quirk {
    /// The root user needs an identity policy.
    RootNeedsPolicy,
    /// A session policy limits even what a key policy gives to the session or to everyone.
    SessionPolicyLimitsAll,
    /// An account in NotPrincipal excepts everyone in the account.
    NotPrincipalAccount,
    /// A key policy's statement without a resource is about the key.
    NoResourceIsAnyResource,
    /// Unique ids name nobody.
    NoUniqueIds,
    /// A role's ARN is compared by the role's name alone, in any letter case.
    RolePathIgnored,
    /// `ForAnyValue:…IfExists` is false when the key is absent.
    ForAnyValueIfExists,
    /// An operator without a set prefix is false for a key with many values, negated or not.
    ManyNeedSet,
    /// Without a value of its variable, a value is no match for a negated operator nor for NotResource either.
    NullNeverHolds,
    /// Digits alone are milliseconds, whatever they are compared with.
    EpochMilliseconds,
    /// Addresses are compared as text, `/0` of IPv4 as `/32`, and NotIpAddress fails for the other family.
    AddressText,
    /// Variables are replaced in policies of every version.
    OldVersionVariables,
    /// `${*}`, `${?}` and `${$}` are text to operators without wildcards.
    SignsStayText,
    /// Nothing tells operations that AWS keeps to the key's own account.
    AnyAccountMayCall,
    /// A key with many values is there for `Null` even when it has none.
    EmptySetIsThere,
    /// Nothing is outside a NotResource that ends before the sixth part of an ARN.
    ShortNeverOutside,
    /// What is no number, date, address or ARN is no match for a negated operator either.
    UnreadableNeverHolds,
    /// A variable whose value is empty takes its default; without one, it matches nothing.
    EmptyValueIsNone,
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// Which quirk.
    pub(crate) quirk: Quirk,
    /// What AWS does.
    pub(crate) rule: &'static str,
    /// The page that says so.
    pub(crate) page: &'static str,
}

/// Every quirk.
pub(crate) const QUIRKS: &[Row] = &[
    Row {
        quirk: Quirk::RootNeedsPolicy,
        rule: "the root user may do in its account whatever the key policy gives to the account",
        page: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    },
    Row {
        quirk: Quirk::SessionPolicyLimitsAll,
        rule: "what a resource policy gives to a session's own ARN is not limited by an implicit deny of its session policy",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
    },
    Row {
        quirk: Quirk::NotPrincipalAccount,
        rule: "an account in NotPrincipal with Deny excepts the account's root user, nobody else in it",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html",
    },
    Row {
        quirk: Quirk::NoResourceIsAnyResource,
        rule: "a key policy's statement without Resource has no effect",
        page: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html",
    },
    Row {
        quirk: Quirk::NoUniqueIds,
        rule: "a principal may be the unique id of a user or role (AWS puts it there itself)",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids",
    },
    Row {
        quirk: Quirk::RolePathIgnored,
        rule: "a principal is the whole ARN of a role with its path; role names differ not only by case within an account",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles",
    },
    Row {
        quirk: Quirk::ForAnyValueIfExists,
        rule: "with IfExists an absent key makes the condition true",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists",
    },
    Row {
        quirk: Quirk::ManyNeedSet,
        rule: "(left open) a key with many values wants a set operator; here any value counts without one, negated or not",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html",
    },
    Row {
        quirk: Quirk::NullNeverHolds,
        rule: "a variable without a value is null, which equals nothing: negated operators hold",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value",
    },
    Row {
        quirk: Quirk::EpochMilliseconds,
        rule: "a date is written as ISO 8601 or in seconds since 1970",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date",
    },
    Row {
        quirk: Quirk::AddressText,
        rule: "an address is in a range or not, however it is spelled",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress",
    },
    Row {
        quirk: Quirk::OldVersionVariables,
        rule: "variables need version 2012-10-17; before it, `${` is text",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html",
    },
    Row {
        quirk: Quirk::SignsStayText,
        rule: "`${*}`, `${?}` and `${$}` are variables like others, with these characters as their values",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars",
    },
    Row {
        quirk: Quirk::AnyAccountMayCall,
        rule: "some operations, such as PutKeyPolicy, cannot be called across accounts whatever a policy says",
        page: "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html",
    },
    Row {
        quirk: Quirk::EmptySetIsThere,
        rule: "Null is about a key without a value, and an empty set has none",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null",
    },
    Row {
        quirk: Quirk::ShortNeverOutside,
        rule: "NotResource names all that Resource does not, however long",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html",
    },
    Row {
        quirk: Quirk::UnreadableNeverHolds,
        rule: "a negated operator holds when its positive one does not (no request of ours has such values)",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
    },
    Row {
        quirk: Quirk::EmptyValueIsNone,
        rule: "a default stands for a variable that is not in the request; an empty tag is",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-default-values",
    },
];

/// A case that the oracle is not asked about, as it answers something else than the question.
#[derive(Debug)]
pub(crate) struct Blind {
    /// Why.
    pub(crate) why: &'static str,
    /// What such a case holds somewhere.
    marks: &'static [&'static str],
}

/// Every reason not to ask.
pub(crate) const BLIND: &[Blind] = &[
    Blind { why: "an IPv4 address written as IPv6 is no IPv4 address to it", marks: &["::ffff:"] },
    Blind {
        why: "variables before the fifth colon of an ARN are taken apart at their own colon",
        marks: &["iam::${aws:PrincipalAccount}"],
    },
];

/// Why the oracle cannot be asked, if so.
pub(crate) fn blind(line: &str) -> Option<&'static Blind> {
    BLIND.iter().find(|blind| blind.marks.iter().any(|mark| line.contains(mark)))
}

/// The quirks that are wanted at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quirks(u32);

impl Quirks {
    /// As AWS documents it.
    pub(crate) const NONE: Self = Self(0);
    /// As the oracle does it.
    pub(crate) const ALL: Self = Self(u32::MAX);

    /// Only this one.
    pub(crate) const fn only(quirk: Quirk) -> Self {
        Self(1 << quirk as u32)
    }

    /// Whether this one is among them.
    pub(crate) const fn has(self, quirk: Quirk) -> bool {
        self.0 & (1 << quirk as u32) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::{QUIRKS, Quirk, Quirks, blind};

    #[test]
    fn every_quirk_has_one_row_and_a_page_of_aws() {
        for (at, row) in QUIRKS.iter().enumerate() {
            assert_eq!(row.quirk as usize, at, "{:?} is not in the order of the table", row.quirk);
            assert!(row.page.starts_with("https://docs.aws.amazon.com/"), "{:?}", row.quirk);
            assert!(Quirks::ALL.has(row.quirk) && !Quirks::NONE.has(row.quirk));
        }
        assert_eq!(QUIRKS.last().map(|row| row.quirk), Some(Quirk::EmptyValueIsNone));
    }

    #[test]
    fn only_marked_cases_are_not_heard() {
        assert!(blind(r#"{"aws:SourceIp": "::ffff:203.0.113.7"}"#).is_some());
        assert!(blind(r#"{"aws:SourceIp": "203.0.113.7"}"#).is_none());
    }
}
