//! The models of the APIs (`model/*.json`): what an operation may answer, and which errors it declares.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_model::error::WireError;
use serde_json::{Map, Value};

pub(crate) static MODEL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../model/kms.json")).unwrap());
pub(crate) static IAM_MODEL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../model/iam.json")).unwrap());
pub(crate) static STS_MODEL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../model/sts.json")).unwrap());

pub(crate) static CLOUDTRAIL_MODEL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../model/cloudtrail.json")).unwrap());

/// Errors of every AWS service, which no model declares; and the store's, which most operations declare, and the others
/// read the same store.
const UNMODELLED: &[&str] = &[
    "DependencyTimeoutException",
    "ValidationException",
    "SerializationException",
    "AccessDeniedException",
    "NotAuthorizedException",
];

/// What else is answered without being declared, and why.
const UNDECLARED: &[(&str, &str)] = &[
    // No marker of this list was ever given out, as it has one page; ignoring one would hide a client's mistake.
    ("ListKeyPolicies", "InvalidMarkerException"),
    // It takes grant tokens, so that it needs a way to refuse them.
    ("DescribeKey", "InvalidGrantTokenException"),
];

/// Errors of the query APIs and CloudTrail, which no operation declares: AccessDenied, and what every request can be refused for.
const UNMODELLED_QUERY: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "InternalFailure",
    "ServiceUnavailable",
    "UnsupportedOperationException",
    "ValidationError",
    "ValidationException",
];

/// What AWS answers all the same.
const UNDECLARED_QUERY: &[(&str, &str)] = &[
    ("GetAccessKeyLastUsed", "NoSuchEntity"),
    // No token of this list was ever given out, as it has one page; ignoring one would hide a client's mistake.
    ("ListTrails", "InvalidTokenException"),
];

/// The text of a modelled member that is not honoured yet: the same for all operations, declared or not.
pub(crate) const NOT_HONOURED: &str =
    "is not supported by this version of Keyreeve, and ignoring it would be unsafe.";

pub(crate) fn operation(name: &str) -> &'static Value {
    MODEL.pointer(&format!("/operations/{name}")).unwrap_or_else(|| panic!("no operation {name}"))
}

pub(crate) fn members(shape: &'static Value) -> &'static Map<String, Value> {
    shape.get("members").and_then(Value::as_object).unwrap()
}

/// The name of the shape that a member, an element or an input refers to.
pub(crate) fn shape_name(reference: &'static Value) -> &'static str {
    reference.get("shape").and_then(Value::as_str).unwrap()
}

pub(crate) fn texts(value: Option<&'static Value>) -> Vec<&'static str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Holds that the model, or a list above, knows the error for the operation.
pub(crate) fn check_declared(name: &str, error: &WireError) {
    let declared = operation(name).get("errors").and_then(Value::as_array).unwrap();
    let known = declared.iter().any(|reference| shape_name(reference) == error.code)
        || UNMODELLED.contains(&error.code)
        || UNDECLARED.contains(&(name, error.code))
        || error.message.as_deref().is_some_and(|text| text.ends_with(NOT_HONOURED));
    assert!(known, "{name} does not declare {error:?}");
}

/// Holds that the model of the query API or CloudTrail, or a list above, knows the error for the operation.
pub(crate) fn check_declared_by(model: &'static Value, name: &str, error: &WireError) {
    let declared = model["operations"][name]["errors"].as_array().into_iter().flatten();
    let mut codes = declared.map(|reference| {
        let shape = &model["shapes"][shape_name(reference)];
        shape.pointer("/error/code").and_then(Value::as_str).unwrap_or_else(|| shape_name(reference))
    });
    let known = UNMODELLED_QUERY.contains(&error.code)
        || UNDECLARED_QUERY.contains(&(name, error.code))
        || codes.any(|code| code == error.code);
    assert!(known, "{name} does not declare {error:?}");
}

/// The answer as JSON, after it was held against the output shape. No output is an empty body.
pub(crate) fn checked_answer(name: &str, answer: &[u8]) -> Value {
    checked_answer_by(&MODEL, name, answer)
}

/// The answer as JSON, after it was held against the output shape of this model. No output is an empty body.
pub(crate) fn checked_answer_by(model: &'static Value, name: &str, answer: &[u8]) -> Value {
    match model["operations"][name].get("output") {
        None => {
            assert!(answer.is_empty(), "{name} has no output");
            Value::Null
        }
        Some(output) => {
            let answer = serde_json::from_slice(answer).unwrap();
            check(model, shape_name(output), &answer, name);
            answer
        }
    }
}

fn check(model: &'static Value, name: &'static str, value: &Value, place: &str) {
    let shape = &model["shapes"][name];
    match (shape.get("type").and_then(Value::as_str).unwrap(), value) {
        ("structure", Value::Object(found)) => check_structure(model, shape, found, place),
        ("list", Value::Array(elements)) => {
            let element = shape_name(shape.get("member").unwrap());
            elements
                .iter()
                .enumerate()
                .for_each(|(i, one)| check(model, element, one, &format!("{place}[{i}]")));
        }
        ("map", Value::Object(entries)) => {
            let (key, element) = (shape_name(&shape["key"]), shape_name(&shape["value"]));
            for (entry, one) in entries {
                check(model, key, &Value::from(entry.as_str()), place);
                check(model, element, one, &format!("{place}[{entry}]"));
            }
        }
        ("string", Value::String(text)) => check_text(name, shape, text, place),
        ("blob", Value::String(text)) => {
            let len = STANDARD.decode(text).unwrap_or_else(|_| panic!("{place}: base64")).len();
            assert!(bounds(shape).contains(&len), "{place}: {len} bytes");
        }
        // In the query protocols as ISO 8601.
        ("timestamp", Value::String(text)) => assert!(text.ends_with('Z'), "{place}: {text}"),
        ("timestamp", Value::Number(_)) | ("boolean", Value::Bool(_)) => {}
        ("integer", Value::Number(number)) => assert!(number.is_i64(), "{place}"),
        (kind, _) => panic!("{place}: {value} is no {kind}"),
    }
}

fn check_structure(model: &'static Value, shape: &'static Value, found: &Map<String, Value>, place: &str) {
    for (name, value) in found {
        let member = members(shape).get(name).unwrap_or_else(|| panic!("{place}: {name} is not modelled"));
        check(model, shape_name(member), value, &format!("{place}.{name}"));
    }
    for required in texts(shape.get("required")) {
        assert!(found.contains_key(required), "{place}: {required} is required");
    }
}

fn check_text(name: &str, shape: &'static Value, text: &str, place: &str) {
    // A grant without a name has an empty one, though names have a least length.
    let nameless = name == "GrantNameType" && text.is_empty();
    assert!(nameless || bounds(shape).contains(&text.chars().count()), "{place}: length of {text}");
    let variants = texts(shape.get("enum"));
    // AWS answers the new specs in this member too, though the deprecated enum never got them.
    let frozen = name == "CustomerMasterKeySpec";
    // What AWS's reference of IAM names as the only value, though the enum spells it otherwise.
    let documented = (name, text) == ("PermissionsBoundaryAttachmentType", "Policy");
    let known = variants.is_empty() || variants.contains(&text);
    assert!(known || frozen || documented, "{place}: {text}");
}

pub(crate) fn bounds(shape: &'static Value) -> std::ops::RangeInclusive<usize> {
    let bound = |name| shape.get(name).and_then(Value::as_u64).map(|bound| usize::try_from(bound).unwrap());
    bound("min").unwrap_or(0)..=bound("max").unwrap_or(usize::MAX)
}
