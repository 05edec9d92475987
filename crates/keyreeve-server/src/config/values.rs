//! Values as they were given, each with its place: read from the file, then from the environment, which wins.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::problem::{Place, Problem};
use super::settings::{
    LISTS, List, SECTIONS, SETTINGS, Setting, Shape, find, find_list, of_section, variable_prefix,
};

/// A value of a setting's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Count(usize),
    Flag(bool),
}

/// What was given, by full name.
#[derive(Debug, Default)]
pub(super) struct Values {
    given: BTreeMap<String, (Value, Place)>,
    /// Where each table of a list stands, by the list's full name. Its values are given under the list's name and the
    /// table's number: `audit.stream.0.kind`.
    lists: BTreeMap<String, Vec<Place>>,
    pub(super) problems: Vec<Problem>,
}

impl Values {
    /// Reads a file's text.
    pub(super) fn read_toml(&mut self, text: &str) {
        let line = |at: usize| Place::Line(text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = error.span().map_or(Place::Absent, |span| line(span.start));
            self.problems.push(Problem { place, text: error.message().to_owned() });
        }
        for (section, value) in document.get_ref() {
            let (name, place) = (section.get_ref().as_ref(), line(section.span().start));
            match value.get_ref() {
                DeValue::Table(table) if SECTIONS.iter().any(|(known, _)| *known == name) => {
                    self.read_section(name, table, &line);
                }
                DeValue::Table(_) => self.refuse(place, unknown_section(name)),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_) => self.refuse(place, outside_sections(name)),
            }
        }
    }

    fn read_section(&mut self, section: &str, table: &DeTable<'_>, line: &impl Fn(usize) -> Place) {
        for (key, value) in table {
            match find_list(section, key.get_ref()) {
                Some(list) => self.read_list(list, value, line(key.span().start), line),
                None => self.read_value(section, section, key, value, line),
            }
        }
    }

    /// Gives a value of a section, or of a list's table, under the name of that.
    fn read_value(
        &mut self,
        section: &str,
        under: &str,
        key: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        line: &impl Fn(usize) -> Place,
    ) {
        let (name, place) = (key.get_ref().as_ref(), line(key.span().start));
        match find(section, name) {
            None => self.refuse(place, unknown_setting(section, name)),
            Some(setting) => match shaped(setting.shape, value) {
                Some(value) => drop(self.given.insert(format!("{under}.{name}"), (value, place))),
                None => self.refuse(place, wrong_shape(setting, value.get_ref().type_str())),
            },
        }
    }

    fn read_list(
        &mut self,
        list: &List,
        value: &Spanned<DeValue<'_>>,
        place: Place,
        line: &impl Fn(usize) -> Place,
    ) {
        let name = list.full_name();
        let tables = value.get_ref().as_array().map(|items| {
            items.iter().map(|item| Some((item.get_ref().as_table()?, line(item.span().start)))).collect()
        });
        let Some(tables): Option<Vec<_>> = tables.flatten() else {
            return self.refuse(place, format!("{name} is a list of tables: write [[{name}]]"));
        };
        for (index, (table, place)) in tables.into_iter().enumerate() {
            self.lists.entry(name.clone()).or_default().push(place);
            for (key, value) in table {
                self.read_value(&name, &format!("{name}.{index}"), key, value, line);
            }
        }
    }

    /// Where each table of a list stands.
    pub(super) fn list(&self, name: &str) -> Vec<Place> {
        self.lists.get(name).cloned().unwrap_or_default()
    }

    /// Reads environment variables; an empty one counts as not set.
    pub(super) fn read_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (variable, text) in variables.filter(|(_, text)| !text.is_empty()) {
            if !SECTIONS.iter().any(|(section, _)| variable.starts_with(&variable_prefix(section))) {
                continue;
            }
            let place = Place::Variable(variable.clone());
            match SETTINGS.iter().find(|setting| setting.variable() == variable) {
                None => self.refuse(place, unknown_variable(&variable)),
                Some(setting) => match parsed(setting.shape, &text) {
                    Some(value) => self.give(setting, value, place),
                    None => self.refuse(place, wrong_shape(setting, "something else")),
                },
            }
        }
    }

    fn give(&mut self, setting: &Setting, value: Value, place: Place) {
        self.given.insert(setting.full_name(), (value, place));
    }

    pub(super) fn refuse(&mut self, place: Place, text: String) {
        self.problems.push(Problem { place, text });
    }

    /// The place of a setting.
    pub(super) fn place(&self, name: &str) -> Place {
        self.given.get(name).map_or(Place::Absent, |(_, place)| place.clone())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.given.get(name) {
            Some((Value::Text(text), _)) => Some(text),
            Some((Value::Texts(_) | Value::Count(_) | Value::Flag(_), _)) | None => None,
        }
    }

    pub(super) fn texts(&self, name: &str) -> Option<&[String]> {
        match self.given.get(name) {
            Some((Value::Texts(texts), _)) => Some(texts),
            Some((Value::Text(_) | Value::Count(_) | Value::Flag(_), _)) | None => None,
        }
    }

    pub(super) fn count(&self, name: &str) -> Option<usize> {
        match self.given.get(name) {
            Some((Value::Count(count), _)) => Some(*count),
            Some((Value::Text(_) | Value::Texts(_) | Value::Flag(_), _)) | None => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.given.get(name), Some((Value::Flag(true), _)))
    }
}

/// From TOML. One text stands for a list of one.
fn shaped(shape: Shape, value: &Spanned<DeValue<'_>>) -> Option<Value> {
    match (shape, value.get_ref()) {
        (Shape::Text, DeValue::String(text)) => Some(Value::Text(text.to_string())),
        (Shape::Texts, DeValue::String(text)) => Some(Value::Texts(vec![text.to_string()])),
        (Shape::Texts, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map(Value::Texts)
        }
        (Shape::Flag, DeValue::Boolean(flag)) => Some(Value::Flag(*flag)),
        (Shape::Count, DeValue::Integer(number)) => {
            let count = usize::from_str_radix(number.as_str(), number.radix()).ok();
            count.filter(|count| *count > 0).map(Value::Count)
        }
        (Shape::Text | Shape::Texts | Shape::Flag | Shape::Count, _) => None,
    }
}

/// From an environment variable.
fn parsed(shape: Shape, text: &str) -> Option<Value> {
    match shape {
        Shape::Text => Some(Value::Text(text.to_owned())),
        Shape::Texts => Some(Value::Texts(text.split(',').map(|item| item.trim().to_owned()).collect())),
        Shape::Count => text.parse().ok().filter(|count| *count > 0).map(Value::Count),
        Shape::Flag => text.parse().ok().map(Value::Flag),
    }
}

fn wrong_shape(setting: &Setting, found: &str) -> String {
    let wanted = match setting.shape {
        Shape::Text => "a text in quotes",
        Shape::Texts => "a list of texts",
        Shape::Count => "a whole number above zero",
        Shape::Flag => "true or false",
    };
    format!("{} takes {wanted}, and this is {found}; for example {}", setting.full_name(), setting.example)
}

fn unknown_setting(section: &str, name: &str) -> String {
    let lists = LISTS.iter().filter(|list| list.section == section).map(|list| list.name);
    let names: Vec<_> = of_section(section).map(|setting| setting.name).chain(lists).collect();
    let elsewhere = SETTINGS.iter().find(|setting| setting.name == name);
    match (nearest(name, names.iter().copied()), elsewhere) {
        (_, Some(setting)) => {
            format!("unknown setting {section}.{name}: {name} belongs in [{}]", setting.section)
        }
        (Some(near), None) => format!("unknown setting {section}.{name}: did you mean {near}?"),
        (None, None) => format!("unknown setting {section}.{name}: [{section}] has {}", names.join(", ")),
    }
}

fn unknown_section(name: &str) -> String {
    let names: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("unknown section [{name}]: did you mean [{near}]?"),
        None => format!("unknown section [{name}]: there are {}", names.join(", ")),
    }
}

fn outside_sections(name: &str) -> String {
    let setting = SETTINGS.iter().find(|setting| setting.name == name).or_else(|| {
        let near = nearest(name, SETTINGS.iter().map(|setting| setting.name))?;
        SETTINGS.iter().find(|setting| setting.name == near)
    });
    match setting {
        Some(setting) => {
            format!(
                "{name} stands outside of a section: did you mean {} in [{}]?",
                setting.name, setting.section
            )
        }
        None => format!("unknown setting {name}"),
    }
}

fn unknown_variable(variable: &str) -> String {
    let known: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
    match nearest(variable, known.iter().map(String::as_str)) {
        Some(near) => format!("there is no such setting: did you mean {near}?"),
        None => "there is no such setting: `keyreeve config example` lists them".to_owned(),
    }
}
