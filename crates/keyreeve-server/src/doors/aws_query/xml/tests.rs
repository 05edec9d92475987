//! JSON, and the XML that comes of it; the tables, held to the models.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

fn content(name: &str, value: &Value) -> String {
    let mut xml = String::new();
    element(&mut xml, name, value);
    xml
}

#[test]
fn every_kind_of_value_has_its_form() {
    for (name, value, expected) in [
        ("A", json!("x"), "<A>x</A>"),
        ("A", json!(""), "<A></A>"),
        ("A", json!(true), "<A>true</A>"),
        ("A", json!(-3), "<A>-3</A>"),
        ("A", json!(null), ""),
        ("A", json!([]), "<A></A>"),
        ("A", json!({}), "<A></A>"),
        ("A", json!(["x", 1]), "<A><member>x</member><member>1</member></A>"),
        ("Z", json!({"B": "<&>", "A": null}), "<Z><B>&lt;&amp;&gt;</B></Z>"),
        (
            "Users",
            json!([{"UserName": "u", "Arn": "a"}]),
            "<Users><member><UserName>u</UserName><Arn>a</Arn></member></Users>",
        ),
        (
            "SummaryMap",
            json!({"Users": 3, "<": 1}),
            "<SummaryMap><entry><key>Users</key><value>3</value></entry><entry><key>&lt;</key><value>1</value></entry></SummaryMap>",
        ),
        ("CreateDate", json!(1_767_323_045), "<CreateDate>2026-01-02T03:04:05Z</CreateDate>"),
        ("CreateDate", json!("2026-01-02T03:04:05Z"), "<CreateDate>2026-01-02T03:04:05Z</CreateDate>"),
        ("CreateDate", json!(i64::MAX), "<CreateDate>9223372036854775807</CreateDate>"),
        ("AttachmentCount", json!(1_767_323_045), "<AttachmentCount>1767323045</AttachmentCount>"),
    ] {
        assert_eq!(content(name, &value), expected);
    }
}

#[test]
fn only_operations_with_a_result_have_a_result_element() {
    let end =
        "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>";
    let written = |operation, reply: &[u8]| response(NAMESPACE, operation, reply, Uuid::nil());
    for (operation, reply, expected) in [
        ("DeleteUser", &b""[..], ""),
        ("UpdateRole", b"", "<UpdateRoleResult></UpdateRoleResult>"),
        ("ListUsers", b"{}", "<ListUsersResult></ListUsersResult>"),
        (
            "GetUser",
            br#"{"User":{"B":1,"A":2}}"#,
            "<GetUserResult><User><B>1</B><A>2</A></User></GetUserResult>",
        ),
    ] {
        let expected =
            format!(r#"<{operation}Response xmlns="{NAMESPACE}">{expected}{end}</{operation}Response>"#);
        assert_eq!(written(operation, reply), Some(expected));
    }
    for wrong in [&b"[]"[..], b"7", b"{"] {
        assert_eq!(written("GetUser", wrong), None);
    }
}

#[test]
fn text_is_escaped_and_holds_no_character_that_xml_cannot() {
    for (text, expected) in [
        ("<&>\"'", "&lt;&amp;&gt;&quot;'"),
        ("a\tb\nc\rd", "a\tb\nc&#xD;d"),
        ("\0\u{1}\u{b}\u{1f}\u{fffe}\u{ffff}", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        ("\u{7f}\u{20ac}\u{10ffff}", "\u{7f}\u{20ac}\u{10ffff}"),
        ("]]>", "]]&gt;"),
    ] {
        assert_eq!(Escaped(text).to_string(), expected);
    }
}

proptest! {
    #[test]
    fn escaped_text_holds_only_characters_of_xml_and_no_markup(text in proptest::collection::vec(any::<char>(), 0..50)) {
        let escaped = Escaped(&text.iter().collect::<String>()).to_string();
        let of_xml = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..);
        prop_assert!(escaped.chars().all(|c| of_xml(c) && !matches!(c, '<' | '>' | '"' | '\r')));
    }
}

/// What the answers of the models hold: names of members that are maps or timestamps, operations without members.
#[derive(Default)]
struct Found {
    maps: BTreeSet<String>,
    timestamps: BTreeSet<String>,
    empty: BTreeSet<String>,
}

fn walk(shapes: &Value, shape: &str, name: &str, found: &mut Found) {
    let described = &shapes[shape];
    match described["type"].as_str().unwrap() {
        "map" => {
            found.maps.insert(name.to_owned());
        }
        "timestamp" => {
            found.timestamps.insert(name.to_owned());
        }
        "list" => walk(shapes, described["member"]["shape"].as_str().unwrap(), "member", found),
        "structure" => {
            for (name, member) in described["members"].as_object().unwrap() {
                // ResourceSpecificResult holds no result of its own kind; no other shape of an answer contains itself.
                walk(shapes, member["shape"].as_str().unwrap(), name, found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_tables_are_those_of_the_models() {
    let models =
        [include_str!("../../../../../../model/iam.json"), include_str!("../../../../../../model/sts.json")];
    let mut found = Found::default();
    for model in models {
        let model: Value = serde_json::from_str(model).unwrap();
        for (operation, described) in model["operations"].as_object().unwrap() {
            let Some(shape) = described["output"]["shape"].as_str() else { continue };
            assert_eq!(described["output"]["resultWrapper"], format!("{operation}Result"));
            if model["shapes"][shape]["members"].as_object().unwrap().is_empty() {
                found.empty.insert(operation.clone());
            }
            walk(&model["shapes"], shape, "", &mut found);
        }
    }
    assert_eq!(found.maps, MAPS.map(str::to_owned).into());
    assert_eq!(found.timestamps, TIMESTAMPS.map(str::to_owned).into());
    assert_eq!(found.empty, EMPTY_RESULTS.map(str::to_owned).into());
}
