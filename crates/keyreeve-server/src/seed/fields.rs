//! The fields of one object of a seed file: each is taken once, and what is left over is refused with a suggestion.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Problem;
use crate::config::nearest;

/// An object that is being read.
#[derive(Debug)]
pub(super) struct Fields {
    place: String,
    map: Map<String, Value>,
    asked: BTreeSet<&'static str>,
}

impl Fields {
    /// The fields of a value that must be an object; the file itself has the empty place.
    pub(super) fn of(value: Value, place: String) -> Result<Self, Problem> {
        let problem = mistyped(&place, "a table", &value);
        let Value::Object(map) = value else { return Err(problem) };
        Ok(Self { place, map, asked: BTreeSet::new() })
    }

    /// Where a field stands.
    pub(super) fn place(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    pub(super) fn problem(&self, name: &str, what: impl Into<String>) -> Problem {
        Problem { place: self.place(name), what: what.into() }
    }

    /// That a field is missing; where a misspelt one may be meant, that.
    pub(super) fn missing(&self, name: &'static str) -> Problem {
        match self.map.keys().find(|key| nearest(key, [name]).is_some()) {
            Some(meant) => self.problem(meant, format!("there is no such field: did you mean `{name}`?")),
            None => self.problem(name, "it is missing"),
        }
    }

    /// A field of any type; null is as absent.
    pub(super) fn value(&mut self, name: &'static str) -> Option<Value> {
        self.asked.insert(name);
        self.map.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        self.value(name).map(|value| as_text(&self.place(name), value)).transpose()
    }

    pub(super) fn required_text(&mut self, name: &'static str) -> Result<String, Problem> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// A text that is parsed; `expected` says what would be right.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| self.problem(name, format!("{expected} is needed")))
    }

    /// A name out of a table.
    pub(super) fn choice<T>(
        &mut self,
        name: &'static str,
        names: &[&str],
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| {
            let meant = nearest(&text.to_uppercase(), names.iter().copied());
            let meant =
                meant.map_or_else(|| format!("one of {}", names.join(", ")), |name| format!("`{name}`"));
            self.problem(name, format!("there is no such value: did you mean {meant}?"))
        })
    }

    /// A list; absent is empty. Each element comes with its place.
    pub(super) fn list(&mut self, name: &'static str) -> Result<Vec<(String, Value)>, Problem> {
        let place = self.place(name);
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => {
                let placed = values.into_iter().enumerate();
                Ok(placed.map(|(index, value)| (format!("{place}[{index}]"), value)).collect())
            }
            Some(other) => Err(mistyped(&place, "a list", &other)),
        }
    }

    /// A list of texts; absent is empty.
    pub(super) fn texts(&mut self, name: &'static str) -> Result<Vec<(String, String)>, Problem> {
        let elements = self.list(name)?.into_iter();
        elements.map(|(place, value)| as_text(&place, value).map(|text| (place, text))).collect()
    }

    /// Refuses what nobody asked for.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let Some(unknown) = self.map.keys().next() else { return Ok(()) };
        let suggestion = match nearest(unknown, self.asked.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("there are {}", self.asked.iter().copied().collect::<Vec<_>>().join(", ")),
        };
        Err(self.problem(unknown, format!("there is no such field: {suggestion}")))
    }
}

fn as_text(place: &str, value: Value) -> Result<String, Problem> {
    let problem = mistyped(place, "a text (in quotes)", &value);
    if let Value::String(text) = value { Ok(text) } else { Err(problem) }
}

fn mistyped(place: &str, expected: &str, found: &Value) -> Problem {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    };
    Problem { place: place.to_owned(), what: format!("{expected} is needed, and {found} is there") }
}
