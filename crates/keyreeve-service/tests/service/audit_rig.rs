//! What the audit log says: the records of a rig, and the schema that each of them must satisfy.

use std::sync::LazyLock;

use jsonschema::Validator;
use keyreeve_audit::{Entry, FrameKind, Place};
use serde_json::Value;

use crate::rig::Rig;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../../../model/cloudtrail_record.schema.json");
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
});

/// Holds that a record has the form of CloudTrail's.
pub(crate) fn check(record: &Value) {
    let errors: Vec<String> =
        SCHEMA.iter_errors(record).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{record:#}");
}

impl Rig {
    /// Where the log stands.
    pub(crate) fn log_end(&self) -> Place {
        self.service.audit().durable()
    }

    /// The entries after a place.
    pub(crate) fn entries_after(&self, mut place: Place) -> Vec<Entry> {
        let mut entries = Vec::new();
        loop {
            let frames = self.service.audit().read(place, 1 << 20).unwrap();
            let Some(last) = frames.last() else { return entries };
            place = last.number;
            let of_entries = frames.iter().filter(|frame| frame.kind == FrameKind::Entry);
            entries.extend(of_entries.map(|frame| Entry::from_payload(&frame.payload).unwrap()));
        }
    }

    /// The records after a place, each of them checked.
    pub(crate) fn records_after(&self, place: Place) -> Vec<Value> {
        let entries = self.entries_after(place).into_iter().filter(|entry| !entry.event.is_empty());
        let records: Vec<Value> =
            entries.map(|entry| serde_json::from_slice(&entry.event).unwrap()).collect();
        records.iter().for_each(check);
        records
    }

    /// The records of what is done meanwhile.
    pub(crate) fn recorded<T>(&self, act: impl FnOnce() -> T) -> (T, Vec<Value>) {
        let before = self.log_end();
        let result = act();
        (result, self.records_after(before))
    }
}
