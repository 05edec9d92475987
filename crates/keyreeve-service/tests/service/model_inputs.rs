//! The shape of an input against the model of its API: members, what is required, types, enums, lengths, patterns.

use std::collections::BTreeSet;

use keyreeve_service::catalogue::Row;
use keyreeve_service::input::shape::{Kind, Member, Structure};
use serde_json::Value;

use crate::model::{bounds, members, shape_name, texts};

/// Operations of the model that have no row among these.
pub(crate) fn without_row<'a>(
    model: &'static Value,
    rows: impl Iterator<Item = &'a Row>,
) -> BTreeSet<&'static str> {
    let names: BTreeSet<_> = rows.map(|row| row.name).collect();
    let modelled = model["operations"].as_object().unwrap().keys().map(String::as_str);
    modelled.filter(|name| !names.contains(name)).collect()
}

/// Holds that the row's input is that of the model.
pub(crate) fn compare(model: &'static Value, row: &'static Row) {
    let operation = &model["operations"][row.name];
    assert!(operation.is_object(), "{} is no operation of the model", row.name);
    match operation.get("input") {
        Some(input) => Inputs(model).structure(row.input, Inputs(model).shape(input), row.name),
        None => assert!(row.input.members.is_empty(), "{} has no input", row.name),
    }
}

struct Inputs(&'static Value);

impl Inputs {
    fn shape(&self, reference: &'static Value) -> &'static Value {
        let name = shape_name(reference);
        self.0["shapes"].get(name).unwrap_or_else(|| panic!("no shape {name}"))
    }

    fn structure(&self, ours: &'static Structure, modelled: &'static Value, place: &str) {
        let names = |list: &[Member]| list.iter().map(|member| member.name).collect::<BTreeSet<_>>();
        let theirs: BTreeSet<_> = members(modelled).keys().map(String::as_str).collect();
        assert_eq!(names(ours.members), theirs, "{place}");
        let required: BTreeSet<_> = texts(modelled.get("required")).into_iter().collect();
        let ours_required = ours.members.iter().filter(|member| member.required).map(|member| member.name);
        assert_eq!(ours_required.collect::<BTreeSet<_>>(), required, "{place}: required");
        for member in ours.members {
            let modelled = self.shape(&modelled["members"][member.name]);
            self.kind(member.kind, modelled, &format!("{place}.{}", member.name));
        }
    }

    fn kind(&self, ours: &'static Kind, modelled: &'static Value, place: &str) {
        let kind = modelled["type"].as_str().unwrap();
        let lengths = |min: usize, max: usize| assert_eq!(min..=max, bounds(modelled), "{place}: bounds");
        match (ours, kind) {
            (Kind::Text { min, max, pattern }, "string") => {
                lengths(*min, *max);
                assert!(modelled.get("enum").is_none(), "{place}: is an enum");
                let expression = pattern.map(|pattern| pattern.expression);
                assert_eq!(expression, modelled.get("pattern").and_then(Value::as_str), "{place}: pattern");
            }
            (Kind::Enum(names), "string") => {
                assert_eq!(*names, texts(modelled.get("enum")), "{place}: enum");
            }
            (Kind::Blob { min, max }, "blob") => lengths(*min, *max),
            (Kind::Integer { min, max }, "integer") => {
                let bound = |name| modelled.get(name).and_then(Value::as_i64);
                assert_eq!((Some(*min), Some(*max)), (bound("min"), bound("max")), "{place}: bounds");
            }
            (Kind::Boolean, "boolean") | (Kind::Timestamp, "timestamp") => {}
            (Kind::List { element, min, max }, "list") => {
                lengths(*min, *max);
                self.kind(element, self.shape(&modelled["member"]), &format!("{place}[]"));
            }
            (Kind::Map, "map") => {
                for part in ["key", "value"] {
                    let text = self.shape(&modelled[part]);
                    assert_eq!(text["type"], "string", "{place}: {part}");
                    assert_eq!(bounds(text), 0..=usize::MAX, "{place}: {part} has no bounds here");
                }
            }
            (Kind::Structure(structure), "structure") => self.structure(structure, modelled, place),
            (ours, kind) => panic!("{place}: {ours:?} is not a {kind}"),
        }
    }
}
