//! Texts with policy variables, `${key}` and `${key, 'default'}`, and how they become patterns for one request.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use std::borrow::Cow;

use crate::condition_key::ConditionKey;
use crate::context::{Context, Values};
use crate::glob::{Token, literal, tokens};

/// Whether `*` and `?` are wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wildcards {
    Yes,
    No,
}

/// Whether `${…}` are variables: with version 2012-10-17 only, and not everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variables {
    Yes,
    No,
}

/// A compiled text.
#[derive(Debug)]
pub(crate) enum Template {
    Fixed(Box<[Token]>),
    WithVariables(Box<[Piece]>),
}

#[derive(Debug)]
pub(crate) enum Piece {
    Fixed(Box<[Token]>),
    Variable { key: ConditionKey, default: Option<Box<str>> },
}

impl Template {
    /// Compiles a text.
    ///
    /// # Errors
    /// What is wrong with a variable.
    pub(crate) fn parse(text: &str, wildcards: Wildcards, variables: Variables) -> Result<Self, String> {
        let mut rest = text;
        let (mut pieces, mut fixed) = (Vec::new(), Vec::new());
        while let Some((before, after)) = rest.split_once("${").filter(|_| variables == Variables::Yes) {
            push_text(&mut fixed, before, wildcards);
            let (inside, after) = split_variable(after)?;
            match inside {
                "*" | "?" | "$" => fixed.extend(literal(inside)),
                _ => {
                    pieces.push(Piece::Fixed(std::mem::take(&mut fixed).into_boxed_slice()));
                    pieces.push(variable(inside)?);
                }
            }
            rest = after;
        }
        push_text(&mut fixed, rest, wildcards);
        if pieces.is_empty() {
            return Ok(Self::Fixed(fixed.into_boxed_slice()));
        }
        pieces.push(Piece::Fixed(fixed.into_boxed_slice()));
        Ok(Self::WithVariables(pieces.into_boxed_slice()))
    }

    /// The pattern for this request; `None` when a variable has no value, or several. Allocates for variables only.
    pub(crate) fn expand(&self, context: &dyn Context) -> Option<Cow<'_, [Token]>> {
        let pieces = match self {
            Self::Fixed(tokens) => return Some(Cow::Borrowed(tokens)),
            Self::WithVariables(pieces) => pieces,
        };
        let mut pattern = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Fixed(tokens) => pattern.extend_from_slice(tokens),
                Piece::Variable { key, default } => match (context.values(key), default) {
                    (Some(Values::One(value)), _) => pattern.extend(literal(&value)),
                    (None, Some(default)) => pattern.extend(literal(default)),
                    (None, None) | (Some(Values::Many(_)), _) => return None,
                },
            }
        }
        Some(Cow::Owned(pattern))
    }
}

fn push_text(fixed: &mut Vec<Token>, text: &str, wildcards: Wildcards) {
    match wildcards {
        Wildcards::Yes => fixed.extend(tokens(text)),
        Wildcards::No => fixed.extend(literal(text)),
    }
}

/// What stands in the braces, and what follows them. A default may hold a brace.
fn split_variable(text: &str) -> Result<(&str, &str), String> {
    let unclosed = || "a policy variable has no closing brace".to_owned();
    let end = text.find('}').ok_or_else(unclosed)?;
    let end = match text.find(", '") {
        Some(quote) if quote < end => {
            let start = quote + 3;
            let length = text.get(start..).and_then(|default| default.find("'}")).ok_or_else(unclosed)?;
            start + length + 1
        }
        Some(_) | None => end,
    };
    match (text.get(..end), text.get(end + 1..)) {
        (Some(inside), Some(after)) => Ok((inside, after)),
        _ => Err(unclosed()),
    }
}

fn variable(inside: &str) -> Result<Piece, String> {
    let (name, default) = match inside.split_once(", '") {
        Some((name, default)) => (name, default.strip_suffix('\'').map(Into::into)),
        None => (inside, None),
    };
    let name = name.trim();
    if name.is_empty() || name.contains(['$', '{', '\'', ',', ' ']) {
        return Err(format!("${{{inside}}} is no policy variable"));
    }
    Ok(Piece::Variable { key: ConditionKey::parse(name), default })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MapContext;
    use crate::glob::{Case, matches};

    fn check(template: &str, text: &str) -> bool {
        let context = MapContext::new()
            .with("aws:username", "al*ce")
            .with("aws:PrincipalTag/team", "x${y}")
            .with_many("aws:TagKeys", ["a"]);
        let template = Template::parse(template, Wildcards::Yes, Variables::Yes).unwrap();
        template.expand(&context).is_some_and(|pattern| matches(&pattern, text, Case::Exact))
    }

    #[test]
    fn variables_are_put_in_literally() {
        for (template, text, expected) in [
            ("${aws:username}", "al*ce", true),
            ("${aws:username}", "alice", false),
            ("${AWS:UserName}/*", "al*ce/x", true),
            ("a-${aws:PrincipalTag/Team}", "a-x${y}", true),
            ("${aws:none}", "", false),
            ("${aws:none, 'd}*'}!", "d}*!", true),
            ("${aws:none, 'd*'}", "dx", false),
            ("${aws:username, 'd'}", "d", false),
            ("${aws:TagKeys}", "a", false),
            ("${aws:TagKeys, 'a'}", "a", false),
            ("${*}${?}${$}", "*?$", true),
            ("${*}", "x", false),
            ("$", "$", true),
            ("}", "}", true),
        ] {
            assert_eq!(check(template, text), expected, "{template} {text}");
        }
    }

    #[test]
    fn older_versions_know_no_variables() {
        let template = Template::parse("${aws:username}", Wildcards::Yes, Variables::No).unwrap();
        let pattern = template.expand(&MapContext::new()).unwrap();
        assert!(matches(&pattern, "${aws:username}", Case::Exact));
    }

    #[test]
    fn malformed_variables_are_refused() {
        for text in ["${", "${aws:username", "${}", "${a, 'b}", "${ , 'x'}", "${${a}}"] {
            assert!(Template::parse(text, Wildcards::Yes, Variables::Yes).is_err(), "{text}");
        }
    }
}
