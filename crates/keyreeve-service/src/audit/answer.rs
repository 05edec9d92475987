//! `responseElements`: what CloudTrail shows of an answer. Only answers to changes and to STS are shown, and never a
//! secret of them.

use keyreeve_model::timestamp::Timestamp;
use serde_json::{Map, Value};

use super::parameters::SECRET_MEMBERS;
use super::text::{lower_first, time_text};
use crate::catalogue::{LoggedAnswer, Row};

/// Members that are times, whatever their form on the wire.
const TIMES: &[&str] = &[
    "CreateDate",
    "CreationDate",
    "DeletionDate",
    "Expiration",
    "NextRotationDate",
    "UpdateDate",
    "UploadDate",
    "ValidTo",
];

/// Members of answers that are blobs or too long to be of use.
const OMITTED: &[&str] = &["CiphertextBlob", "ImportToken", "PublicKey", "ResponseMetadata"];

/// The elements of a successful answer, or `null`.
pub(super) fn response_elements(row: &Row, key_arn: Option<&str>, body: &[u8]) -> Value {
    let answer = || serde_json::from_slice::<Value>(body).ok();
    let elements = match row.logged.answer {
        LoggedAnswer::Nothing => return Value::Null,
        LoggedAnswer::Key => Value::Null,
        LoggedAnswer::Whole => answer().map_or(Value::Null, |answer| shown("", answer)),
        LoggedAnswer::Only(names) => answer().map_or(Value::Null, |answer| only(names, answer)),
    };
    let with_key = matches!(row.logged.answer, LoggedAnswer::Key | LoggedAnswer::Only(_));
    match (elements, key_arn.filter(|_| with_key)) {
        (Value::Object(mut members), Some(arn)) => {
            members.insert("keyId".to_owned(), Value::from(arn));
            Value::Object(members)
        }
        (Value::Null, Some(arn)) => serde_json::json!({"keyId": arn}),
        (elements, _) => elements,
    }
}

fn only(names: &[&str], answer: Value) -> Value {
    let Value::Object(members) = answer else { return Value::Null };
    let kept = members.into_iter().filter(|(name, _)| names.contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (lower_first(&name).into_owned(), shown(&name, value))).collect())
}

fn shown(name: &str, value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| {
                !SECRET_MEMBERS.contains(&name.as_str()) && !OMITTED.contains(&name.as_str())
            });
            let kept: Map<String, Value> =
                kept.map(|(name, value)| (lower_first(&name).into_owned(), shown(&name, value))).collect();
            if kept.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        Value::Array(values) => values.into_iter().map(|value| shown("", value)).collect(),
        Value::Number(seconds) if TIMES.contains(&name) => {
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a date; `as` saturates")]
            let millis = seconds.as_f64().map(|seconds| (seconds * 1000.0) as i64);
            millis.map_or(Value::Null, |millis| Value::from(time_text(Timestamp::from_millis(millis))))
        }
        Value::String(text) if TIMES.contains(&name) => {
            Value::from(super::text::iso_to_text(&text).unwrap_or(text))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
