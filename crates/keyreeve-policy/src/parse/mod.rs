//! From a document to compiled statements: the grammar, and where a document breaks it.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

mod conditions;
mod elements;
mod principals;

use std::collections::BTreeMap;

use keyreeve_model::error::PolicyFault;
use keyreeve_model::limits::POLICY_BYTES_MAX;

use crate::json::Node;
use crate::policy::Grammar;
use crate::statement::{Effect, Principals, Resources, Statement};
use crate::template::Variables;

/// An object's entries, in their order.
type Entries = [(String, Node)];

/// What holds for a whole document.
#[derive(Clone, Copy)]
struct Rules<'a> {
    grammar: Grammar,
    variables: Variables,
    pins: &'a BTreeMap<String, String>,
}

const POLICY_ELEMENTS: &[&str] = &["Version", "Id", "Statement"];
const STATEMENT_ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Parses and compiles a document.
pub(crate) fn policy(
    text: &str,
    grammar: Grammar,
    pins: &BTreeMap<String, String>,
) -> Result<Vec<Statement>, PolicyFault> {
    check_text(text, grammar)?;
    let document = Node::parse(text).map_err(PolicyFault::Grammar)?;
    let document = object(&document, "The policy")?;
    known(document, POLICY_ELEMENTS, "The policy")?;
    if let Some(id) = find(document, "Id") {
        if grammar == Grammar::Identity {
            return Err(fault("The policy has an Id, which only resource-based policies may have."));
        }
        string(id, "Id")?;
    }
    let rules = Rules { grammar, variables: version(document)?, pins };
    let mut statements = Vec::new();
    for (index, node) in statement_list(document)?.iter().enumerate() {
        statements.push(statement(node, &format!("Statement {}", index + 1), rules)?);
    }
    unique_sids(&statements, grammar)?;
    Ok(statements)
}

fn check_text(text: &str, grammar: Grammar) -> Result<(), PolicyFault> {
    if grammar == Grammar::KeyPolicy && text.len() > POLICY_BYTES_MAX {
        return Err(fault(format!("The key policy exceeds the maximum size of {POLICY_BYTES_MAX} bytes.")));
    }
    let allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{FF}');
    match text.chars().find(|character| !allowed(*character)) {
        Some(character) => Err(fault(format!(
            "The policy has the character U+{:04X}, which is neither ASCII nor Latin-1.",
            u32::from(character)
        ))),
        None => Ok(()),
    }
}

/// Variables came with 2012-10-17; without Version it is 2008-10-17.
fn version(document: &Entries) -> Result<Variables, PolicyFault> {
    match find(document, "Version") {
        None => Ok(Variables::No),
        Some(Node::Text(version)) if version == "2008-10-17" => Ok(Variables::No),
        Some(Node::Text(version)) if version == "2012-10-17" => Ok(Variables::Yes),
        Some(_) => Err(fault("Version must be 2012-10-17 or 2008-10-17.")),
    }
}

fn statement_list(document: &Entries) -> Result<&[Node], PolicyFault> {
    let list = match find(document, "Statement") {
        Some(Node::List(list)) => list.as_slice(),
        Some(one @ Node::Object(_)) => std::slice::from_ref(one),
        Some(_) | None => &[],
    };
    if list.is_empty() { Err(fault("The policy must have at least one statement.")) } else { Ok(list) }
}

fn statement(node: &Node, place: &str, rules: Rules<'_>) -> Result<Statement, PolicyFault> {
    let entries = object(node, place)?;
    known(entries, STATEMENT_ELEMENTS, place)?;
    let sid = match find(entries, "Sid") {
        Some(node) => Some(elements::sid(node, place, rules.grammar)?),
        None => None,
    };
    Ok(Statement {
        sid,
        effect: effect(entries, place)?,
        principals: statement_principals(entries, place, rules)?,
        actions: elements::actions(entries, place)?,
        resources: statement_resources(entries, place, rules)?,
        conditions: conditions::conditions(find(entries, "Condition"), place, rules)?,
    })
}

fn effect(entries: &Entries, place: &str) -> Result<Effect, PolicyFault> {
    match find(entries, "Effect") {
        Some(Node::Text(effect)) if effect == "Allow" => Ok(Effect::Allow),
        Some(Node::Text(effect)) if effect == "Deny" => Ok(Effect::Deny),
        Some(_) | None => Err(fault(format!("{place}: Effect must be Allow or Deny."))),
    }
}

fn statement_principals(entries: &Entries, place: &str, rules: Rules<'_>) -> Result<Principals, PolicyFault> {
    if rules.grammar == Grammar::Identity {
        forbid(entries, &["Principal", "NotPrincipal"], place, "identity-based")?;
        return Ok(Principals::Bearer);
    }
    let (negated, node) = exactly_one(entries, "Principal", "NotPrincipal", place)?;
    let patterns = principals::principals(node, place, rules.pins)?;
    Ok(if negated { Principals::AllBut(patterns) } else { Principals::Named(patterns) })
}

fn statement_resources(entries: &Entries, place: &str, rules: Rules<'_>) -> Result<Resources, PolicyFault> {
    match rules.grammar {
        Grammar::TrustPolicy => {
            forbid(entries, &["Resource", "NotResource"], place, "trust")?;
            Ok(Resources::Bearer)
        }
        Grammar::KeyPolicy if find(entries, "Resource").or(find(entries, "NotResource")).is_none() => {
            Ok(Resources::Absent)
        }
        Grammar::KeyPolicy | Grammar::Identity => elements::resources(entries, place, rules.variables),
    }
}

/// IAM wants them unique; a key policy may repeat one.
fn unique_sids(statements: &[Statement], grammar: Grammar) -> Result<(), PolicyFault> {
    let mut seen = std::collections::HashSet::new();
    let mut sids = statements.iter().filter_map(|statement| statement.sid.as_deref());
    if grammar == Grammar::Identity && !sids.all(|sid| sid.is_empty() || seen.insert(sid)) {
        return Err(fault("Statement IDs (SID) in a single policy must be unique."));
    }
    Ok(())
}

fn fault(text: impl Into<String>) -> PolicyFault {
    PolicyFault::Grammar(text.into())
}

fn object<'a>(node: &'a Node, place: &str) -> Result<&'a Entries, PolicyFault> {
    match node {
        Node::Object(entries) => Ok(entries),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
            Err(fault(format!("{place} must be a JSON object.")))
        }
    }
}

fn string<'a>(node: &'a Node, place: &str) -> Result<&'a str, PolicyFault> {
    match node {
        Node::Text(text) => Ok(text),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
            Err(fault(format!("{place} must be a string.")))
        }
    }
}

/// A string, or a list of strings that is not empty.
fn strings<'a>(node: &'a Node, place: &str) -> Result<Vec<&'a str>, PolicyFault> {
    let texts: Option<Vec<&str>> = node
        .as_list()
        .iter()
        .map(|item| if let Node::Text(text) = item { Some(text.as_str()) } else { None })
        .collect();
    texts
        .filter(|texts| !texts.is_empty())
        .ok_or_else(|| fault(format!("{place} must be a string or a list of strings.")))
}

fn find<'a>(entries: &'a Entries, name: &str) -> Option<&'a Node> {
    entries.iter().find(|(have, _)| have == name).map(|(_, node)| node)
}

fn known(entries: &Entries, names: &[&str], place: &str) -> Result<(), PolicyFault> {
    match entries.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => Err(fault(format!("{place} has an unknown element {name}."))),
        None => Ok(()),
    }
}

fn forbid(entries: &Entries, names: &[&str], place: &str, kind: &str) -> Result<(), PolicyFault> {
    match names.iter().find(|name| find(entries, name).is_some()) {
        Some(name) => {
            Err(fault(format!("{place} has {name}, which a statement of a {kind} policy may not have.")))
        }
        None => Ok(()),
    }
}

/// The element or its negation, and which.
fn exactly_one<'a>(
    entries: &'a Entries,
    name: &str,
    negation: &str,
    place: &str,
) -> Result<(bool, &'a Node), PolicyFault> {
    match (find(entries, name), find(entries, negation)) {
        (Some(node), None) => Ok((false, node)),
        (None, Some(node)) => Ok((true, node)),
        (Some(_), Some(_)) | (None, None) => {
            Err(fault(format!("{place} must have exactly one of {name} and {negation}.")))
        }
    }
}

#[cfg(test)]
mod tests;
