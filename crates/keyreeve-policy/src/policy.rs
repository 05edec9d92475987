//! A policy: its text, and what it means, compiled once.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use std::collections::BTreeMap;

use keyreeve_model::error::PolicyFault;

use crate::parse;
use crate::principal_pattern::PrincipalPattern;
use crate::statement::Statement;

/// Which elements a policy may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grammar {
    /// Of a KMS key: has principals; a statement without Resource has no effect.
    KeyPolicy,
    /// Of a role: has principals, has no resources.
    TrustPolicy,
    /// Managed and inline policies, boundaries, session policies, guards: have resources, have no principals.
    Identity,
}

/// A policy, immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct Policy {
    text: Box<str>,
    statements: Box<[Statement]>,
}

impl Policy {
    /// Parses and compiles a document.
    ///
    /// # Errors
    /// [`PolicyFault::Grammar`] names the place; [`PolicyFault::Principal`] for a principal that has no form.
    pub fn parse(text: &str, grammar: Grammar) -> Result<Self, PolicyFault> {
        Self::parse_pinned(text, grammar, &BTreeMap::new())
    }

    /// As [`Self::parse`], with the unique ids that the ARNs of users and roles had when the policy was put: a pinned
    /// ARN matches only a principal of this ARN and this id.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_pinned(
        text: &str,
        grammar: Grammar,
        pins: &BTreeMap<String, String>,
    ) -> Result<Self, PolicyFault> {
        let statements = parse::policy(text, grammar, pins)?.into_boxed_slice();
        Ok(Self { text: text.into(), statements })
    }

    /// Every principal that the policy names, with those of NotPrincipal: for existence checks and pins.
    pub fn principals(&self) -> impl Iterator<Item = &PrincipalPattern> {
        self.statements.iter().flat_map(Statement::principals)
    }

    /// The text as it was put.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

/// Characters that count against IAM's size limits: all but whitespace.
/// AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub fn characters_without_whitespace(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace()).count()
}
