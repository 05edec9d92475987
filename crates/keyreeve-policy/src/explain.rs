//! Why a decision is what it is: every policy, every statement, and what would have to change.

use std::fmt;

use crate::evaluate::{evaluate, policies, request};
use crate::evidence::{Evidence, NamedPolicy, PolicyKind};
use crate::principal_pattern::Naming;
use crate::statement::{Effect, Mismatch, Request, Statement};
use crate::verdict::{Allowance, Decisive, Denial, Verdict};

/// A decision with everything that led to it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Explanation {
    /// ARN of the caller.
    pub caller: String,
    /// The action.
    pub action: String,
    /// ARN of the resource, or `*`.
    pub resource: String,
    /// Whether the action may be done.
    pub allowed: bool,
    /// What decided.
    pub reason: String,
    /// What would have to change; empty when the action is allowed.
    pub remedy: Option<String>,
    /// Id of the grant that was considered.
    pub grant: Option<String>,
    /// Every policy that bears on the request.
    pub policies: Vec<PolicyExplanation>,
}

/// What one policy says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PolicyExplanation {
    /// What it is attached to.
    pub kind: PolicyKind,
    /// Its name.
    pub name: String,
    /// Its statements, in their order.
    pub statements: Vec<StatementExplanation>,
}

/// What one statement says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StatementExplanation {
    /// Its place, from 1.
    pub number: usize,
    /// Its id.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whether it matches the request.
    pub matches: bool,
    /// How it names the caller, if it matches: itself, its role, its account, or everyone.
    pub naming: Option<&'static str>,
    /// Why it does not match: the first element that does not.
    pub mismatch: Option<String>,
}

/// Decides, and tells how.
pub fn explain(evidence: &Evidence<'_>) -> Explanation {
    let verdict = evaluate(evidence);
    let request = request(evidence);
    let (reason, remedy) = match verdict {
        Verdict::Allow(allowance) => (allowance_reason(&allowance), None),
        Verdict::Deny(denial) => {
            let resource = evidence.resource.arn();
            let reason = denial.message(evidence.principal, evidence.action, resource);
            (reason, Some(remedy(&denial, evidence)))
        }
    };
    Explanation {
        caller: evidence.principal.to_string(),
        action: evidence.action.to_owned(),
        resource: evidence.resource.arn().to_owned(),
        allowed: verdict.is_allow(),
        reason,
        remedy,
        grant: evidence.grant.map(|grant| grant.id.to_owned()),
        policies: policies(evidence).map(|policy| explain_policy(policy, &request)).collect(),
    }
}

fn explain_policy(named: &NamedPolicy, request: &Request<'_>) -> PolicyExplanation {
    let statements = named.policy.statements().iter().enumerate();
    PolicyExplanation {
        kind: named.kind,
        name: named.name.to_string(),
        statements: statements.map(|(index, one)| explain_statement(index + 1, one, request)).collect(),
    }
}

fn explain_statement(number: usize, statement: &Statement, request: &Request<'_>) -> StatementExplanation {
    let outcome = statement.check(request);
    // Policies of the caller itself name nobody.
    let names = outcome.as_ref().ok().filter(|_| !statement.principals().is_empty());
    let naming = names.map(|naming| match naming {
        Naming::Account => "its account, as far as the caller's own policies allow",
        Naming::Role => "its role",
        Naming::Everyone => "everyone",
        Naming::Direct => "itself",
    });
    let mismatch = outcome.err().map(|mismatch| match mismatch {
        Mismatch::Action => format!("the action {} is not among its actions", request.action),
        Mismatch::Principal => format!("it does not name {}", request.principal),
        Mismatch::Resource => format!("the resource {} is not among its resources", request.resource),
        Mismatch::Condition(condition) => {
            let absent = request.context.values(condition.key()).is_none();
            let state = if absent { " (the request has no such key)" } else { "" };
            format!("the condition {} does not hold{state}", condition.spelling)
        }
    });
    StatementExplanation {
        number,
        sid: statement.sid.as_deref().map(str::to_owned),
        effect: statement.effect,
        matches: mismatch.is_none(),
        naming,
        mismatch,
    }
}

fn allowance_reason(allowance: &Allowance<'_>) -> String {
    match allowance {
        Allowance::Statement(decisive) => format!("allowed by {}", place(decisive)),
        Allowance::Grant(id) => format!("allowed by the grant {id}"),
        Allowance::AccountRoot => "the root user may do what its account may".to_owned(),
        Allowance::Operator => "an operator acts on the deployment".to_owned(),
    }
}

fn place(decisive: &Decisive<'_>) -> String {
    let sid = decisive.sid.map(|sid| format!(" ({sid})")).unwrap_or_default();
    format!("statement {}{sid} of {}", decisive.statement, decisive.policy.name)
}

fn remedy(denial: &Denial<'_>, evidence: &Evidence<'_>) -> String {
    let action = evidence.action;
    match denial {
        Denial::Explicit(decisive) => format!("Change or remove {}: a Deny always wins.", place(decisive)),
        Denial::OtherAccount => format!(
            "If the resource exists: its policy must allow {action} to the caller or its account, the operation must \
             be open to other accounts, and the caller's own policies must allow it too."
        ),
        Denial::Implicit(PolicyKind::Guard) => format!("Every guard of the account must allow {action}."),
        Denial::Implicit(PolicyKind::KeyPolicy) => format!(
            "The key policy must allow {action} to the caller, or to its account (identity policies count only then), \
             or a grant must cover the request."
        ),
        Denial::Implicit(PolicyKind::TrustPolicy) => {
            format!("The role's trust policy must allow {action} to the caller.")
        }
        Denial::Implicit(PolicyKind::Identity) => format!("A policy of the caller must allow {action}."),
        Denial::Implicit(PolicyKind::Boundary) => {
            format!("The caller's permissions boundary must allow {action}.")
        }
        Denial::Implicit(PolicyKind::Session) => {
            format!("The policy that was passed when the session began must allow {action}.")
        }
    }
}

/// A short tree.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = if self.allowed { "ALLOW" } else { "DENY" };
        writeln!(f, "{outcome} {} on {} for {}", self.action, self.resource, self.caller)?;
        writeln!(f, "  {}", self.reason)?;
        if let Some(remedy) = &self.remedy {
            writeln!(f, "  {remedy}")?;
        }
        for policy in &self.policies {
            writeln!(f, "  {}", policy.name)?;
            for statement in &policy.statements {
                let sid = statement.sid.as_deref().map(|sid| format!(" ({sid})")).unwrap_or_default();
                write!(f, "    {} {:?}{sid}: ", statement.number, statement.effect)?;
                match (&statement.mismatch, statement.naming) {
                    (Some(mismatch), _) => writeln!(f, "{mismatch}")?,
                    (None, Some(naming)) => writeln!(f, "matches, naming {naming}")?,
                    (None, None) => writeln!(f, "matches")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyreeve_model::region::AccountId;

    use super::*;
    use crate::context::MapContext;
    use crate::evidence::Resource;
    use crate::policy::{Grammar, Policy};
    use crate::principal::Principal;

    const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/k";

    fn explained(statements: &str) -> Explanation {
        let text = format!(r#"{{"Statement":[{statements}]}}"#);
        let policy = Arc::new(Policy::parse(&text, Grammar::KeyPolicy).unwrap());
        let policy = NamedPolicy { kind: PolicyKind::KeyPolicy, name: "key policy".into(), policy };
        explain(&Evidence {
            principal: &Principal::Root(AccountId::ZERO),
            action: "kms:Encrypt",
            resource: Resource::Key { arn: KEY, owner: AccountId::ZERO, policy: &policy },
            context: &MapContext::new().with("kms:KeyUsage", "SIGN_VERIFY"),
            guards: &[],
            identity: &[],
            boundary: None,
            sessions: None,
            grant: None,
            other_accounts: true,
        })
    }

    #[test]
    fn every_statement_tells_why_it_does_not_match() {
        let explanation = explained(
            r#"{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"},
            {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
            {"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"arn:aws:kms:*:*:key/x"},
            {"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
                "Condition":{"stringequals":{"kms:KeyUsage":"ENCRYPT_DECRYPT"}}},
            {"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
                "Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}"#,
        );
        let told: Vec<&str> =
            explanation.policies[0].statements.iter().map(|one| one.mismatch.as_deref().unwrap()).collect();
        assert_eq!(
            told,
            [
                "the action kms:Encrypt is not among its actions",
                "it does not name arn:aws:iam::000000000000:root",
                "the resource arn:aws:kms:us-east-1:000000000000:key/k is not among its resources",
                "the condition StringEquals kms:KeyUsage does not hold",
                "the condition Bool aws:MultiFactorAuthPresent does not hold (the request has no such key)",
            ]
        );
        assert!(!explanation.allowed);
        assert!(
            explanation.reason.ends_with("because no resource-based policy allows the kms:Encrypt action")
        );
        assert!(explanation.remedy.unwrap().starts_with("The key policy must allow kms:Encrypt"));
    }

    #[test]
    fn what_decides_is_named() {
        let allow = r#"{"Sid":"Owner may","Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:*","Resource":"*"}"#;
        let deny = r#"{"Sid":"No","Effect":"Deny","Principal":"*","Action":"kms:E*","Resource":"*"}"#;
        let explanation = explained(allow);
        assert_eq!(explanation.reason, "allowed by statement 1 (Owner may) of key policy");
        assert_eq!(explanation.remedy, None);
        let explanation = explained(&format!("{allow},{deny}"));
        assert_eq!(
            explanation.remedy.as_deref(),
            Some("Change or remove statement 2 (No) of key policy: a Deny always wins.")
        );
        let tree = explanation.to_string();
        assert_eq!(
            tree,
            format!(
                "DENY kms:Encrypt on {KEY} for arn:aws:iam::000000000000:root\n  \
                 User: arn:aws:iam::000000000000:root is not authorized to perform: kms:Encrypt on resource: {KEY} \
                 with an explicit deny in a resource-based policy\n  \
                 Change or remove statement 2 (No) of key policy: a Deny always wins.\n  \
                 key policy\n    \
                 1 Allow (Owner may): matches, naming its account, as far as the caller's own policies allow\n    \
                 2 Deny (No): matches, naming everyone\n"
            )
        );
        let json = serde_json::to_value(&explanation).unwrap();
        assert_eq!(json["policies"][0]["kind"], "key-policy");
        assert_eq!(json["policies"][0]["statements"][1]["effect"], "Deny");
    }
}
