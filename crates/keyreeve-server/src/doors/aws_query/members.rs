//! From a form to the JSON that the corridor reads: `Tags.member.1.Key` is a path into the shape of the operation's
//! input. The shape directs everything, so that no name of a stranger decides how deep or how large the tree gets.
//! Smithy: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#serialization>

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyreeve_service::input::shape::{Kind, Structure};
use serde_json::{Map, Value};

use super::form::{Form, Malformed};

/// Parameters that are about the request and no members of it.
const ENVELOPE: [&str; 2] = ["Action", "Version"];
/// Shapes nest three or four levels deep; this holds should one ever contain itself.
const DEPTH_MAX: usize = 16;

/// The members of an operation's input as JSON.
///
/// # Errors
/// [`Malformed::Misplaced`] and, for the keys of a map, [`Malformed::Repeated`].
pub(in crate::doors) fn to_json(form: &Form<'_>, shape: &'static Structure) -> Result<Vec<u8>, Malformed> {
    let mut input = BTreeMap::new();
    for (name, value) in form.iter().filter(|(name, _)| !ENVELOPE.contains(name)) {
        if place_member(&mut input, shape, name, value, 0).is_none() {
            return Err(Malformed::Misplaced(name.to_owned()));
        }
    }
    structure(shape, &input).map(|members| members.to_string().into_bytes())
}

/// Members by name.
type Placed<'f> = BTreeMap<&'static str, Node<'f>>;

/// What the parameters say of one member.
#[derive(Debug, Default)]
enum Node<'f> {
    /// Nothing yet.
    #[default]
    Empty,
    /// A value. Where the shape has no scalar the reader will say so.
    Text(&'f str),
    /// By their index from 1. Gaps close: the order is what the indexes are for.
    List(BTreeMap<u32, Self>),
    /// Key and value, by their index.
    Map(BTreeMap<u32, Entry<'f>>),
    /// By their name.
    Structure(Placed<'f>),
}

/// An entry of a map: both halves are needed.
#[derive(Debug, Default)]
struct Entry<'f> {
    key: Option<&'f str>,
    value: Option<&'f str>,
}

/// Puts a value where a path leads; `None` when it leads nowhere. Names that the shape has not are ignored, as AWS does.
fn place_member<'f>(
    members: &mut Placed<'f>,
    shape: &'static Structure,
    path: &'f str,
    value: &'f str,
    depth: usize,
) -> Option<()> {
    let (name, rest) = step(path);
    match shape.members.iter().find(|member| member.name == name) {
        Some(member) => place(members.entry(member.name).or_default(), member.kind, rest, value, depth),
        None => Some(()),
    }
}

fn place<'f>(
    node: &mut Node<'f>,
    kind: &'static Kind,
    path: Option<&'f str>,
    value: &'f str,
    depth: usize,
) -> Option<()> {
    let Some(path) = path else {
        put_here(node, kind, value);
        return Some(());
    };
    if depth == DEPTH_MAX {
        return None;
    }
    match kind {
        Kind::Structure(shape) => match structure_of(node) {
            Some(members) => place_member(members, shape, path, value, depth + 1),
            None => Some(()),
        },
        Kind::List { element, .. } => {
            let (index, rest) = indexed(path, "member")?;
            match list_of(node) {
                Some(elements) => place(elements.entry(index).or_default(), element, rest, value, depth + 1),
                None => Some(()),
            }
        }
        Kind::Map => {
            let (index, half) = indexed(path, "entry")?;
            let Some(entries) = map_of(node) else { return Some(()) };
            let entry = entries.entry(index).or_default();
            match half? {
                "key" => entry.key = Some(value),
                "value" => entry.value = Some(value),
                _ => return None,
            }
            Some(())
        }
        Kind::Text { .. }
        | Kind::Enum(_)
        | Kind::Blob { .. }
        | Kind::Integer { .. }
        | Kind::Boolean
        | Kind::Timestamp => None,
    }
}

/// A path ends here. An empty value is how clients write an empty list.
fn put_here<'f>(node: &mut Node<'f>, kind: &'static Kind, value: &'f str) {
    let empty = match kind {
        Kind::List { .. } => Node::List(BTreeMap::new()),
        Kind::Map => Node::Map(BTreeMap::new()),
        Kind::Structure(_) => Node::Structure(BTreeMap::new()),
        Kind::Text { .. }
        | Kind::Enum(_)
        | Kind::Blob { .. }
        | Kind::Integer { .. }
        | Kind::Boolean
        | Kind::Timestamp => Node::Text(value),
    };
    if !value.is_empty() {
        *node = Node::Text(value);
    } else if matches!(node, Node::Empty) {
        *node = empty;
    }
}

fn structure_of<'n, 'f>(node: &'n mut Node<'f>) -> Option<&'n mut Placed<'f>> {
    if matches!(node, Node::Empty) {
        *node = Node::Structure(BTreeMap::new());
    }
    if let Node::Structure(members) = node { Some(members) } else { None }
}

fn list_of<'n, 'f>(node: &'n mut Node<'f>) -> Option<&'n mut BTreeMap<u32, Node<'f>>> {
    if matches!(node, Node::Empty) {
        *node = Node::List(BTreeMap::new());
    }
    if let Node::List(elements) = node { Some(elements) } else { None }
}

fn map_of<'n, 'f>(node: &'n mut Node<'f>) -> Option<&'n mut BTreeMap<u32, Entry<'f>>> {
    if matches!(node, Node::Empty) {
        *node = Node::Map(BTreeMap::new());
    }
    if let Node::Map(entries) = node { Some(entries) } else { None }
}

/// The first step of a path, and what is left of it.
fn step(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)))
}

/// `member.7` and what is left. One index has one spelling: `07` would name an element twice.
fn indexed<'f>(path: &'f str, word: &str) -> Option<(u32, Option<&'f str>)> {
    let (index, rest) = step(path.strip_prefix(word)?.strip_prefix('.')?);
    let spelt = index.bytes().all(|byte| byte.is_ascii_digit()) && !index.starts_with('0');
    Some((index.parse().ok().filter(|_| spelt)?, rest))
}

fn structure(shape: &'static Structure, placed: &Placed<'_>) -> Result<Value, Malformed> {
    let mut members = Map::new();
    for member in shape.members {
        if let Some(node) = placed.get(member.name) {
            members.insert(member.name.to_owned(), json(member.kind, node)?);
        }
    }
    Ok(Value::Object(members))
}

fn json(kind: &'static Kind, node: &Node<'_>) -> Result<Value, Malformed> {
    match (kind, node) {
        (_, Node::Text(text)) => Ok(scalar(kind, text)),
        (Kind::Structure(shape), Node::Structure(members)) => structure(shape, members),
        (Kind::List { element, .. }, Node::List(elements)) => {
            elements.values().map(|node| json(element, node)).collect::<Result<_, _>>().map(Value::Array)
        }
        (_, Node::Map(entries)) => map(entries),
        (_, Node::Empty | Node::List(_) | Node::Structure(_)) => Ok(Value::Null),
    }
}

fn map(entries: &BTreeMap<u32, Entry<'_>>) -> Result<Value, Malformed> {
    let mut members = Map::new();
    for (index, entry) in entries {
        let (Some(key), Some(value)) = (entry.key, entry.value) else {
            return Err(Malformed::Misplaced(format!("entry.{index}")));
        };
        if members.insert(key.to_owned(), Value::from(value)).is_some() {
            return Err(Malformed::Repeated(key.to_owned()));
        }
    }
    Ok(Value::Object(members))
}

/// A text as its kind. What is not of its kind stays a text, and the reader refuses it.
fn scalar(kind: &'static Kind, text: &str) -> Value {
    let converted = match kind {
        Kind::Integer { .. } => text.parse::<i64>().ok().map(Value::from),
        Kind::Boolean => text.parse::<bool>().ok().map(Value::from),
        Kind::Timestamp => text.parse::<Timestamp>().ok().map(seconds),
        Kind::Text { .. }
        | Kind::Enum(_)
        | Kind::Blob { .. }
        | Kind::List { .. }
        | Kind::Map
        | Kind::Structure(_) => None,
    };
    converted.unwrap_or_else(|| Value::from(text))
}

fn seconds(timestamp: Timestamp) -> Value {
    keyreeve_model::timestamp::Timestamp::from_millis(timestamp.as_millisecond()).to_json_number().into()
}

#[cfg(test)]
mod tests;
