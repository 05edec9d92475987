//! ArnEquals and ArnLike, which are one: six parts, each matched on its own.

use crate::context::Context;
use crate::glob::{Case, Token, matches};
use crate::template::Template;

/// An ARN with wildcards.
#[derive(Debug)]
pub(crate) struct ArnPattern(Template);

impl ArnPattern {
    pub(crate) const fn new(template: Template) -> Self {
        Self(template)
    }

    /// Whether all six parts match; a text of fewer parts is no ARN and matches nothing.
    pub(crate) fn matches(&self, arn: &str, context: &dyn Context) -> bool {
        let Some(pattern) = self.0.expand(context) else { return false };
        let mut wanted = pattern.splitn(6, |token| *token == Token::Byte(b':'));
        let mut have = arn.splitn(6, ':');
        (0..6).all(|_| match (wanted.next(), have.next()) {
            (Some(wanted), Some(have)) => matches(wanted, have, Case::Exact),
            _ => false,
        })
    }
}
