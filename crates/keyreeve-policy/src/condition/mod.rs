//! Conditions: one operator, one key, the policy's values; and whether they hold for a request.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

mod arn;
mod date;
mod decimal;
mod ip;
mod operator;
mod value;

use std::borrow::Cow;

use crate::condition_key::ConditionKey;
use crate::context::{Context, Values};
use crate::template::Variables;

pub(crate) use operator::{Operator, OperatorName, Quantifier};
use value::Pattern;

/// One key of an operator's block. The blocks of a statement, and the keys of a block, must all hold.
#[derive(Debug)]
pub(crate) struct Condition {
    /// As the policy spells it, for explanations.
    pub(crate) spelling: Box<str>,
    operator: OperatorName,
    key: ConditionKey,
    patterns: Box<[Pattern]>,
}

impl Condition {
    /// Compiles one key of a block.
    ///
    /// # Errors
    /// What is wrong with a policy variable.
    pub(crate) fn new(
        operator: OperatorName,
        key_text: &str,
        values: &[String],
        variables: Variables,
    ) -> Result<Self, String> {
        let patterns = values
            .iter()
            .map(|value| Pattern::parse(operator.operator, value, variables))
            .collect::<Result<_, _>>()?;
        let spelling = format!("{operator} {key_text}").into_boxed_str();
        Ok(Self { spelling, operator, key: ConditionKey::parse(key_text), patterns })
    }

    /// The condition key.
    pub(crate) const fn key(&self) -> &ConditionKey {
        &self.key
    }

    /// Whether it holds for this request.
    pub(crate) fn holds(&self, context: &dyn Context) -> bool {
        let values = context.values(&self.key).filter(|values| !values.is_empty());
        if self.operator.operator == Operator::Null {
            let absent = if values.is_none() { "true" } else { "false" };
            return self.matches_some(absent, context);
        }
        match values {
            None => self.holds_without_value(),
            Some(Values::One(value)) => self.element(&value, context),
            Some(Values::Many(values)) => self.holds_for_many(&values, context),
        }
    }

    /// Positive operators fail without a value, negated ones hold.
    const fn holds_without_value(&self) -> bool {
        if self.operator.if_exists {
            return true;
        }
        match self.operator.quantifier {
            Quantifier::All => true,
            Quantifier::Any => false,
            Quantifier::None => self.operator.negated,
        }
    }

    /// Without a set operator AWS leaves several values undefined: a positive operator then wants one of them to match,
    /// a negated one none.
    fn holds_for_many(&self, values: &[Cow<'_, str>], context: &dyn Context) -> bool {
        let mut elements = values.iter().map(|value| self.element(value, context));
        match (self.operator.quantifier, self.operator.negated) {
            (Quantifier::Any, _) | (Quantifier::None, false) => elements.any(|holds| holds),
            (Quantifier::All, _) | (Quantifier::None, true) => elements.all(|holds| holds),
        }
    }

    /// One value of the request: it matches some value of the policy, or, negated, none.
    fn element(&self, value: &str, context: &dyn Context) -> bool {
        self.matches_some(value, context) != self.operator.negated
    }

    fn matches_some(&self, value: &str, context: &dyn Context) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(value, context))
    }
}

#[cfg(test)]
mod tests;
