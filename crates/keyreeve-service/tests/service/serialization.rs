//! Bodies that are not JSON of the operation's shape.

use keyreeve_service::input::shape::Kind;
use serde_json::{Value, json};

use crate::kit::{Kit, kms_rows};
use crate::rig::{Rig, root};

fn is_serialization_fault(rig: &Rig, operation: &str, body: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
    let error = rig.try_bytes(&root(), operation, body).expect_err(&shown);
    assert_eq!(error.code, "SerializationException", "{operation} {shown}");
    error.message.unwrap()
}

#[test]
fn every_member_of_a_wrong_type_is_told_apart() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let values = [json!("text"), json!(1), json!(1.5), json!(true), json!([]), json!({})];
    for row in kms_rows() {
        for member in row.input.members {
            let expected = match member.kind {
                Kind::Text { .. } | Kind::Enum(_) | Kind::Blob { .. } => "a string",
                Kind::Integer { .. } => "an integer",
                Kind::Boolean => "a boolean",
                Kind::Timestamp => "a timestamp",
                Kind::List { .. } => "a list",
                Kind::Map => "a map",
                Kind::Structure(_) => "a structure",
            };
            for value in &values {
                let (found, fits) = match value {
                    Value::String(_) => ("A string", expected == "a string"),
                    Value::Number(number) => {
                        let whole = expected == "an integer" && number.is_i64();
                        ("A number", whole || expected == "a timestamp")
                    }
                    Value::Bool(_) => ("A boolean", expected == "a boolean"),
                    Value::Array(_) => ("A list", expected == "a list"),
                    Value::Null | Value::Object(_) => ("A map", matches!(expected, "a map" | "a structure")),
                };
                if fits {
                    continue;
                }
                let mut body = kit.body(row.name);
                body[member.name] = value.clone();
                let text = is_serialization_fault(&rig, row.name, body.to_string().as_bytes());
                assert_eq!(
                    text,
                    format!("{found} found where {expected} was expected."),
                    "{}.{}",
                    row.name,
                    member.name
                );
            }
        }
    }
}

#[test]
fn elements_and_values_of_a_wrong_type_are_told_apart_too() {
    let rig = Rig::new();
    for (operation, body, text) in [
        ("Encrypt", json!({"EncryptionContext": {"a": 1}}), "A number found where a string was expected."),
        ("Encrypt", json!({"EncryptionContext": {"a": null}}), "Null found where a string was expected."),
        ("Encrypt", json!({"GrantTokens": [null]}), "Null found where a string was expected."),
        ("Encrypt", json!({"GrantTokens": [["x"]]}), "A list found where a string was expected."),
        ("TagResource", json!({"Tags": ["x"]}), "A string found where a structure was expected."),
        ("TagResource", json!({"Tags": [null]}), "Null found where a structure was expected."),
        ("TagResource", json!({"Tags": [{"TagKey": 1}]}), "A number found where a string was expected."),
    ] {
        assert_eq!(is_serialization_fault(&rig, operation, body.to_string().as_bytes()), text, "{body}");
    }
}

#[test]
fn a_body_that_is_no_structure_is_refused() {
    let rig = Rig::new();
    for body in ["null", "[]", "1", "1.5", "-1", "true", "\"x\""] {
        let text = is_serialization_fault(&rig, "ListKeys", body.as_bytes());
        assert!(text.ends_with("found where a structure was expected."), "{body}: {text}");
    }
    for body in [
        "{",
        "}",
        "{]",
        "{} {}",
        "{}x",
        "{'a':1}",
        "{\"a\":}",
        "{\"Limit\":01}",
        "{\"Limit\":1,}",
        "\u{feff}{}",
        "nul",
        " ",
    ] {
        assert_eq!(
            is_serialization_fault(&rig, "ListKeys", body.as_bytes()),
            "The request body is not valid JSON.",
            "{body}"
        );
    }
    for body in ["", "{}", " {}\n", "{\"Unknown\":[{\"deep\":1}]}"] {
        rig.try_bytes(&root(), "ListKeys", body.as_bytes()).unwrap();
    }
}

#[test]
fn names_that_occur_twice_are_refused_at_every_depth() {
    let rig = Rig::new();
    for (operation, body) in [
        ("ListKeys", r#"{"Limit":1,"Limit":1}"#),
        ("ListKeys", r#"{"Limit":null,"Limit":1}"#),
        ("ListKeys", r#"{"Limit":1,"\u004cimit":2}"#),
        ("Encrypt", r#"{"EncryptionContext":{"a":"1","a":"2"}}"#),
        ("Encrypt", r#"{"EncryptionContext":{"a":"1","\u0061":"1"}}"#),
        ("TagResource", r#"{"Tags":[{"TagKey":"a","TagKey":"b"}]}"#),
    ] {
        let text = is_serialization_fault(&rig, operation, body.as_bytes());
        assert_eq!(text, "The request body names a member twice.", "{body}");
    }
}

#[test]
fn blobs_are_standard_padded_base64() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for bad in ["x", "eA", "eA=", "eA===", "eA==\n", " eA==", "-_8=", "é", "e?==", "eB=="] {
        let body = json!({"KeyId": key, "Plaintext": bad});
        let text = is_serialization_fault(&rig, "Encrypt", body.to_string().as_bytes());
        assert_eq!(text, "The value of a blob member is not valid base64.", "{bad}");
    }
    for good in ["eA==", "+/8=", "AAAA"] {
        rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": good}));
    }
}

#[test]
fn deep_nesting_is_answered_and_not_recursed_into() {
    let rig = Rig::new();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = 100_000;
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for member in ["Limit", "Marker", "ResourceOwners"] {
            is_serialization_fault(&rig, "ListKeys", format!("{{\"{member}\":{deep}}}").as_bytes());
        }
        // Whatever is not modelled is skipped, however deep.
        rig.try_bytes(&root(), "ListKeys", format!("{{\"Unknown\":{deep}}}").as_bytes()).unwrap();
    }
    is_serialization_fault(&rig, "ListKeys", "[".repeat(100_000).as_bytes());
    is_serialization_fault(&rig, "ListKeys", "{\"a\":".repeat(100_000).as_bytes());
}

#[test]
fn text_that_is_not_unicode_is_refused() {
    let rig = Rig::new();
    for body in [
        &b"{\"Marker\":\"\xff\"}"[..],
        b"{\"Marker\":\"\xc0\xaf\"}",
        b"{\"Marker\":\"\xed\xa0\x80\"}",
        b"{\"\xff\":1}",
        b"{\"Marker\":\"\\ud800\"}",
        b"{\"Marker\":\"\\u00\"}",
        b"{\"Marker\":\"\x01\"}",
        b"\xff\xfe{\0}\0",
    ] {
        is_serialization_fault(&rig, "ListKeys", body);
    }
    let key = rig.key(json!({}));
    let body = format!("{{\"KeyId\":\"{key}\",\"Description\":\"\\ud83d\\ude00 \\u00e9\"}}");
    rig.try_bytes(&root(), "UpdateKeyDescription", body.as_bytes()).unwrap();
    let answer = rig.ok("DescribeKey", json!({"KeyId": key}));
    assert_eq!(answer["KeyMetadata"]["Description"], "😀 é");
}

#[test]
fn whole_numbers_may_be_written_as_fractions_and_others_may_not() {
    let rig = Rig::new();
    rig.try_bytes(&root(), "ListKeys", b"{\"Limit\":1.0}").unwrap();
    rig.try_bytes(&root(), "ListKeys", b"{\"Limit\":1e2}").unwrap();
    is_serialization_fault(&rig, "ListKeys", b"{\"Limit\":1.5}");
    is_serialization_fault(&rig, "ListKeys", b"{\"Limit\":1e999}");
}
