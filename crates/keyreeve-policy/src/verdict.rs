//! The outcome of a decision with its reason, and AWS's words for it.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use crate::evidence::{NamedPolicy, PolicyKind};
use crate::principal::Principal;

/// Allowed or denied, and why.
#[derive(Debug, Clone, Copy)]
pub enum Verdict<'a> {
    /// The action may be done.
    Allow(Allowance<'a>),
    /// The action may not be done.
    Deny(Denial<'a>),
}

impl Verdict<'_> {
    /// Whether the action may be done.
    pub const fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// What allowed an action.
#[derive(Debug, Clone, Copy)]
pub enum Allowance<'a> {
    /// A statement.
    Statement(Decisive<'a>),
    /// The grant of this id.
    Grant(&'a str),
    /// The root user acts in its own account.
    AccountRoot,
    /// An operator acts on the deployment.
    Operator,
}

/// The statement that decided.
#[derive(Debug, Clone, Copy)]
pub struct Decisive<'a> {
    /// The policy that holds it.
    pub policy: &'a NamedPolicy,
    /// Its place, from 1.
    pub statement: usize,
    /// Its id, if it has one.
    pub sid: Option<&'a str>,
}

/// Why an action was denied.
#[derive(Debug, Clone, Copy)]
pub enum Denial<'a> {
    /// A Deny statement matches.
    Explicit(Decisive<'a>),
    /// No policy of this kind allows it.
    Implicit(PolicyKind),
    /// The resource belongs to another account, or does not exist: AWS answers all alike.
    OtherAccount,
}

impl Denial<'_> {
    /// AWS's text for this caller, action (`kms:Encrypt`) and resource ARN (`*` for none).
    pub fn message(&self, caller: &Principal, action: &str, resource_arn: &str) -> String {
        if matches!(caller, Principal::Federated(_)) {
            return format!("Not authorized to perform {action}");
        }
        let head = format!("User: {caller} is not authorized to perform: {action}");
        let on = format!("{head} on resource: {resource_arn}");
        let security_token = action.starts_with("sts:");
        match self {
            Self::Explicit(decisive) => {
                format!("{on} with an explicit deny in {}", words(decisive.policy.kind).with_article)
            }
            // STS tells nobody whether a role exists.
            Self::Implicit(PolicyKind::TrustPolicy) => on,
            Self::OtherAccount if security_token => on,
            Self::Implicit(kind) => {
                format!("{on} because no {} allows the {action} action", words(*kind).plain)
            }
            Self::OtherAccount => format!(
                "{head} on this resource because the resource does not exist in this Region, no resource-based \
                 policies allow access, or a resource-based policy explicitly denies access"
            ),
        }
    }
}

struct Words {
    plain: &'static str,
    with_article: &'static str,
}

const fn words(kind: PolicyKind) -> Words {
    let (plain, with_article) = match kind {
        PolicyKind::Guard => ("service control policy", "a service control policy"),
        PolicyKind::KeyPolicy | PolicyKind::TrustPolicy => {
            ("resource-based policy", "a resource-based policy")
        }
        PolicyKind::Identity => ("identity-based policy", "an identity-based policy"),
        PolicyKind::Boundary => ("permissions boundary", "a permissions boundary"),
        PolicyKind::Session => ("session policy", "a session policy"),
    };
    Words { plain, with_article }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyreeve_model::region::AccountId;

    use super::*;
    use crate::policy::{Grammar, Policy};
    use crate::principal::WebIdentity;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    /// Texts: AWS KMS, as captured.
    #[test]
    fn denials_speak_as_aws() {
        let root = Principal::Root(AccountId::ZERO);
        let head = "User: arn:aws:iam::000000000000:root is not authorized to perform: kms:Encrypt";
        let because = |kind| {
            let message = Denial::Implicit(kind).message(&root, "kms:Encrypt", KEY);
            message.strip_prefix(&format!("{head} on resource: {KEY} ")).unwrap_or(&message).to_owned()
        };
        for (kind, text) in [
            (PolicyKind::Identity, "because no identity-based policy allows the kms:Encrypt action"),
            (PolicyKind::KeyPolicy, "because no resource-based policy allows the kms:Encrypt action"),
            (PolicyKind::Session, "because no session policy allows the kms:Encrypt action"),
            (PolicyKind::Boundary, "because no permissions boundary allows the kms:Encrypt action"),
            (PolicyKind::Guard, "because no service control policy allows the kms:Encrypt action"),
        ] {
            assert_eq!(because(kind), text);
        }
        assert_eq!(
            Denial::OtherAccount.message(&root, "kms:Encrypt", KEY),
            format!(
                "{head} on this resource because the resource does not exist in this Region, no resource-based \
                 policies allow access, or a resource-based policy explicitly denies access"
            )
        );
        assert_eq!(
            Denial::Implicit(PolicyKind::Identity).message(&root, "kms:GenerateRandom", "*"),
            "User: arn:aws:iam::000000000000:root is not authorized to perform: kms:GenerateRandom on resource: * \
             because no identity-based policy allows the kms:GenerateRandom action"
        );
    }

    #[test]
    fn explicit_denials_name_the_kind_of_policy() {
        let text = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
        let policy = Arc::new(Policy::parse(text, Grammar::Identity).unwrap());
        let root = Principal::Root(AccountId::ZERO);
        for (kind, words) in [
            (PolicyKind::Identity, "an identity-based policy"),
            (PolicyKind::KeyPolicy, "a resource-based policy"),
            (PolicyKind::Session, "a session policy"),
            (PolicyKind::Boundary, "a permissions boundary"),
            (PolicyKind::Guard, "a service control policy"),
        ] {
            let named = NamedPolicy { kind, name: "p".into(), policy: Arc::clone(&policy) };
            let denial = Denial::Explicit(Decisive { policy: &named, statement: 1, sid: None });
            assert_eq!(
                denial.message(&root, "kms:Sign", KEY),
                format!(
                    "User: arn:aws:iam::000000000000:root is not authorized to perform: kms:Sign on resource: {KEY} \
                     with an explicit deny in {words}"
                )
            );
        }
    }

    #[test]
    fn sts_tells_nothing_of_roles() {
        let (root, role) = (Principal::Root(AccountId::ZERO), "arn:aws:iam::111122223333:role/R");
        let text = format!(
            "User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: {role}"
        );
        for denial in [Denial::OtherAccount, Denial::Implicit(PolicyKind::TrustPolicy)] {
            assert_eq!(denial.message(&root, "sts:AssumeRole", role), text);
        }
        let carol = WebIdentity { provider: "p".into(), subject: "carol".into() };
        assert_eq!(
            Denial::OtherAccount.message(
                &Principal::Federated(Arc::new(carol)),
                "sts:AssumeRoleWithWebIdentity",
                role
            ),
            "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        );
    }
}
