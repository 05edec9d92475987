//! Condition: blocks of an operator, each with keys and values.

use keyreeve_model::error::PolicyFault;

use super::{Rules, fault, object};
use crate::condition::{Condition, OperatorName, Quantifier};
use crate::condition_key::{ConditionKey, KeyFact, Source};
use crate::json::Node;
use crate::policy::Grammar;

pub(super) fn conditions(
    node: Option<&Node>,
    place: &str,
    rules: Rules<'_>,
) -> Result<Box<[Condition]>, PolicyFault> {
    let Some(node) = node else { return Ok(Box::new([])) };
    let place = format!("{place}: Condition");
    let mut conditions = Vec::new();
    for (name, keys) in object(node, &place)? {
        let operator = OperatorName::parse(name)
            .ok_or_else(|| fault(format!("{place}: unknown condition operator {name}.")))?;
        let place = format!("{place} {name}");
        for (key, values) in object(keys, &place)? {
            let place = format!("{place} {key}");
            if key.is_empty() {
                return Err(fault(format!("{place}: the condition key is empty.")));
            }
            if rules.grammar == Grammar::KeyPolicy {
                refuse_overly_permissive(operator, key)?;
            }
            let values = values_of(values, &place)?;
            let condition = Condition::new(operator, key, &values, rules.variables)
                .map_err(|why| fault(format!("{place}: {why}.")))?;
            conditions.push(condition);
        }
    }
    Ok(conditions.into_boxed_slice())
}

/// Strings, numbers and booleans, one or a list; an empty list matches no value.
fn values_of(node: &Node, place: &str) -> Result<Vec<String>, PolicyFault> {
    node.as_list()
        .iter()
        .map(|item| match item {
            Node::Text(text) | Node::Number(text) => Ok(text.clone()),
            Node::Bool(value) => Ok(value.to_string()),
            Node::Null | Node::List(_) | Node::Object(_) => {
                Err(fault(format!("{place}: values are strings, numbers or booleans.")))
            }
        })
        .collect()
}

/// `ForAllValues:` holds when the key is absent, so that on a key with one value it opens what it seems to close.
/// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>
fn refuse_overly_permissive(operator: OperatorName, key: &str) -> Result<(), PolicyFault> {
    let source = ConditionKey::parse(key).row().map(|row| row.source);
    let what = match source {
        Some(Source::EncryptionContext) => "encryption context",
        Some(Source::Key(KeyFact::Tag) | Source::RequestTag) => "tag",
        Some(_) | None => return Ok(()),
    };
    if operator.quantifier != Quantifier::All {
        return Ok(());
    }
    Err(fault(format!(
        "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key matches \
         requests without the specified {what} or with an unspecified {what}. To fix, remove ForAllValues."
    )))
}
