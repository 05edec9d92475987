//! The model's constraints: every violated one is listed, in the words of AWS.

use super::read::{Members, Value};
use super::shape::{Kind, Member, Structure};

/// Violations that one answer lists. A body of 1 MiB can break a rule hundreds of thousands of times, and the answer must
/// not outgrow it; no honest request comes near.
const LISTED_MAX: usize = 100;

/// One text for each violation, in the order of the members; the first 100 of them.
pub(super) fn violations(shape: &'static Structure, members: &Members<'_>) -> Vec<String> {
    let mut found = Vec::new();
    check_structure(shape, members, "", &mut found);
    found.truncate(LISTED_MAX);
    found
}

fn check_structure(shape: &'static Structure, members: &Members<'_>, prefix: &str, found: &mut Vec<String>) {
    for (member, value) in shape.members.iter().zip(members) {
        match value {
            Some(value) => check_value(member.kind, value, &|| path(prefix, member), found),
            None if member.required => {
                found.push(format!(
                    "Value null at '{}' failed to satisfy constraint: Member must not be null",
                    path(prefix, member)
                ));
            }
            None => {}
        }
    }
}

/// `KeyId` is `keyId` in messages.
fn path(prefix: &str, member: &Member) -> String {
    let mut name = member.name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    format!("{prefix}{name}")
}

/// Paths are made only for what is violated: the usual request allocates nothing here.
fn check_value(kind: &'static Kind, value: &Value<'_>, path: &dyn Fn() -> String, found: &mut Vec<String>) {
    match (kind, value) {
        (Kind::Text { min, max, pattern }, Value::Text(text)) => {
            let shown = || format!("Value '{text}'");
            check_length(characters(text), (*min, *max), &shown, path, found);
            if let Some(pattern) = pattern.filter(|pattern| !(pattern.matches)(text)) {
                let rule = format!("Member must satisfy regular expression pattern: {}", pattern.expression);
                found.push(violation(&shown(), path, &rule));
            }
        }
        (Kind::Enum(names), Value::Text(text)) if !names.contains(&text.as_ref()) => {
            let rule = format!("Member must satisfy enum value set: [{}]", names.join(", "));
            found.push(violation(&format!("Value '{text}'"), path, &rule));
        }
        // Blobs may be secret: their value is never shown.
        (Kind::Blob { min, max }, Value::Blob(bytes)) => {
            check_length(bytes.expose_secret().len(), (*min, *max), &|| "Value".to_owned(), path, found);
        }
        (Kind::Integer { min, max }, Value::Integer(number)) => {
            for (violated, rule) in [
                (number < min, format_args!("Member must have value greater than or equal to {min}")),
                (number > max, format_args!("Member must have value less than or equal to {max}")),
            ] {
                if violated {
                    found.push(violation(&format!("Value '{number}'"), path, &rule.to_string()));
                }
            }
        }
        (Kind::List { element, min, max }, Value::List(values)) => {
            check_length(values.len(), (*min, *max), &|| "Value".to_owned(), path, found);
            for (index, value) in values.iter().enumerate() {
                if found.len() >= LISTED_MAX {
                    break;
                }
                check_value(element, value, &|| format!("{}.{}.member", path(), index + 1), found);
            }
        }
        (Kind::Structure(shape), Value::Structure(members)) => {
            check_structure(shape, members, &format!("{}.", path()), found);
        }
        _ => {}
    }
}

/// Lengths of strings are counted in characters.
fn characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

fn check_length(
    len: usize,
    (min, max): (usize, usize),
    shown: &dyn Fn() -> String,
    path: &dyn Fn() -> String,
    found: &mut Vec<String>,
) {
    if len < min {
        found.push(violation(
            &shown(),
            path,
            &format!("Member must have length greater than or equal to {min}"),
        ));
    }
    if len > max {
        found.push(violation(
            &shown(),
            path,
            &format!("Member must have length less than or equal to {max}"),
        ));
    }
}

fn violation(shown: &str, path: &dyn Fn() -> String, rule: &str) -> String {
    format!("{shown} at '{}' failed to satisfy constraint: {rule}", path())
}
