//! The members of an input once more, for conditions of policies: read anew from the body when a condition first asks, so
//! that a request whose policies have no conditions pays nothing.

use std::borrow::Cow;

use super::read::{self, Members, Value};
use super::shape::{Kind, Structure};

/// The members of a body that was read before and found to hold its shape.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    shape: &'static Structure,
    members: Members<'a>,
}

impl<'a> Facts<'a> {
    /// Reads a body; one that is not of its shape has no facts.
    pub(crate) fn read(shape: &'static Structure, body: &'a [u8]) -> Self {
        Self { shape, members: read::read(shape, body).unwrap_or_default() }
    }

    fn get(&self, name: &str) -> Option<&Value<'a>> {
        let index = self.shape.members.iter().position(|member| member.name == name)?;
        self.members.get(index)?.as_ref()
    }

    /// A text, number or boolean, as a condition sees it.
    pub(crate) fn scalar(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.get(name)? {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Integer(number) => Some(Cow::Owned(number.to_string())),
            Value::Boolean(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
            Value::Timestamp(millis) => {
                let time = keyreeve_model::timestamp::Timestamp::from_millis(*millis);
                Some(Cow::Owned(time.to_iso_8601()))
            }
            Value::Blob(_) | Value::List(_) | Value::Map(_) | Value::Structure(_) => None,
        }
    }

    /// A list of texts.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<Cow<'_, str>>> {
        let Value::List(values) = self.get(name)? else { return None };
        Some(values.iter().filter_map(text_of).map(Cow::Borrowed).collect())
    }

    /// A map of texts, or the pairs of a list of tags.
    pub(crate) fn pairs(&self, name: &str) -> Option<Vec<(&str, &str)>> {
        match self.get(name)? {
            Value::Map(entries) => Some(entries.iter().map(|(key, value)| (&**key, &**value)).collect()),
            Value::List(values) => Some(values.iter().filter_map(pair_of).collect()),
            Value::Text(_)
            | Value::Integer(_)
            | Value::Boolean(_)
            | Value::Timestamp(_)
            | Value::Blob(_)
            | Value::Structure(_) => None,
        }
    }

    /// A member of a structure that is a member.
    fn nested(&self, name: &str, inner: &str) -> Option<&Value<'a>> {
        let member = self.shape.members.iter().find(|member| member.name == name)?;
        let (Kind::Structure(shape), Some(Value::Structure(members))) = (member.kind, self.get(name)) else {
            return None;
        };
        let index = shape.members.iter().position(|member| member.name == inner)?;
        members.get(index)?.as_ref()
    }

    /// Whether a structure has this member.
    pub(crate) fn has_nested(&self, name: &str, inner: &str) -> bool {
        self.nested(name, inner).is_some()
    }

    /// A text in a structure.
    pub(crate) fn nested_text(&self, name: &str, inner: &str) -> Option<&str> {
        text_of(self.nested(name, inner)?)
    }

    /// A map in a structure.
    pub(crate) fn nested_pairs(&self, name: &str, inner: &str) -> Option<Vec<(&str, &str)>> {
        let Value::Map(entries) = self.nested(name, inner)? else { return None };
        Some(entries.iter().map(|(key, value)| (&**key, &**value)).collect())
    }
}

fn text_of<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Integer(_)
        | Value::Boolean(_)
        | Value::Timestamp(_)
        | Value::Blob(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Structure(_) => None,
    }
}

fn pair_of<'v>(value: &'v Value<'_>) -> Option<(&'v str, &'v str)> {
    let Value::Structure(members) = value else { return None };
    let mut texts = members.iter().map(|member| member.as_ref().and_then(text_of));
    Some((texts.next()??, texts.next()??))
}
