//! What is known about a request, by condition key; asked only when a condition or a policy variable needs it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::condition_key::ConditionKey;

/// The values of one condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values<'a> {
    /// A single-valued key.
    One(Cow<'a, str>),
    /// A multivalued key; no element counts as absent.
    Many(Vec<Cow<'a, str>>),
}

impl Values<'_> {
    /// Whether there is no value at all.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Many(values) if values.is_empty())
    }
}

/// Answers condition keys.
///
/// Texts are as AWS writes them: `true` and `false`, decimal numbers, ISO 8601 or epoch seconds, base64 for binary.
/// Names and parts of keys come in lower case; to find an encryption context pair or a tag whatever its letter case is
/// the implementor's work.
pub trait Context {
    /// The values of a key; `None` when the request has none.
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>>;
}

/// Knows nothing: every key is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoContext;

impl Context for NoContext {
    fn values(&self, _: &ConditionKey) -> Option<Values<'_>> {
        None
    }
}

/// A map of names to values: for tests, oracles and IAM's simulation of policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MapContext {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    values: Vec<String>,
    multivalued: bool,
}

impl MapContext {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a single-valued key; the name in any letter case.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let entry = Entry { values: vec![value.into()], multivalued: false };
        self.entries.insert(name.to_lowercase(), entry);
        self
    }

    /// With a multivalued key; the name in any letter case.
    #[must_use]
    pub fn with_many<V: Into<String>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        let entry = Entry { values: values.into_iter().map(Into::into).collect(), multivalued: true };
        self.entries.insert(name.to_lowercase(), entry);
        self
    }
}

impl Context for MapContext {
    fn values(&self, key: &ConditionKey) -> Option<Values<'_>> {
        let entry = self.entries.get(key.name())?;
        match (entry.multivalued, entry.values.first()) {
            (false, Some(value)) => Some(Values::One(Cow::Borrowed(value))),
            (_, None) | (true, Some(_)) => {
                Some(Values::Many(entry.values.iter().map(|value| Cow::Borrowed(value.as_str())).collect()))
            }
        }
    }
}
