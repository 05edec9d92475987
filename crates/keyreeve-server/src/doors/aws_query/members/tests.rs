//! Forms, and the JSON that comes of them under one shape that has a member of every kind.

use keyreeve_service::input::shape::Member;
use proptest::prelude::*;
use serde_json::json;

use super::*;

static TEXT: Kind = Kind::Text { min: 0, max: 100, pattern: None };
static BLOB: Kind = Kind::Blob { min: 0, max: 100 };
static INTEGER: Kind = Kind::Integer { min: 0, max: 9 };
static TEXTS: Kind = Kind::List { element: &TEXT, min: 0, max: 9 };
static TAG: Structure =
    Structure { members: &[Member::required("Key", &TEXT), Member::required("Value", &TEXT)] };
static TAG_KIND: Kind = Kind::Structure(&TAG);
static TAGS: Kind = Kind::List { element: &TAG_KIND, min: 0, max: 9 };
static ENTRY: Structure =
    Structure { members: &[Member::required("Name", &TEXT), Member::required("Values", &TEXTS)] };
static ENTRY_KIND: Kind = Kind::Structure(&ENTRY);
static ENTRIES: Kind = Kind::List { element: &ENTRY_KIND, min: 0, max: 9 };
static RECURSIVE: Kind = Kind::List { element: &RECURSIVE, min: 0, max: 9 };
static SHAPE: Structure = Structure {
    members: &[
        Member::optional("Name", &TEXT),
        Member::optional("Blob", &BLOB),
        Member::optional("Number", &INTEGER),
        Member::optional("Flag", &Kind::Boolean),
        Member::optional("When", &Kind::Timestamp),
        Member::optional("Texts", &TEXTS),
        Member::optional("Tags", &TAGS),
        Member::optional("Entries", &ENTRIES),
        Member::optional("Map", &Kind::Map),
        Member::optional("Tag", &TAG_KIND),
        Member::optional("Deep", &RECURSIVE),
    ],
};

fn read(body: &str) -> Result<Value, Malformed> {
    let form = Form::parse(body.as_bytes())?;
    to_json(&form, &SHAPE).map(|json| serde_json::from_slice(&json).unwrap())
}

#[test]
fn every_kind_of_member_is_read() {
    for (body, expected) in [
        ("", json!({})),
        ("Action=A&Version=V&Unknown=1&Unknown.member.1=2", json!({})),
        ("Name=a+b", json!({"Name": "a b"})),
        ("Name=", json!({"Name": ""})),
        ("Blob=QUJD", json!({"Blob": "QUJD"})),
        ("Number=-7", json!({"Number": -7})),
        ("Flag=true", json!({"Flag": true})),
        ("When=2026-01-02T03:04:05Z", json!({"When": 1_767_323_045})),
        ("When=2026-01-02T03:04:05.250Z", json!({"When": 1_767_323_045.25})),
        ("Texts=", json!({"Texts": []})),
        ("Texts.member.1=a&Texts.member.2=b", json!({"Texts": ["a", "b"]})),
        ("Texts=&Texts.member.1=a", json!({"Texts": ["a"]})),
        (
            "Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=l",
            json!({"Tags": [{"Key": "k", "Value": "v"}, {"Key": "l"}]}),
        ),
        (
            "Entries.member.1.Name=n&Entries.member.1.Values.member.1=x&Entries.member.1.Values.member.2=y",
            json!({"Entries": [{"Name": "n", "Values": ["x", "y"]}]}),
        ),
        (
            "Map.entry.2.key=b&Map.entry.2.value=2&Map.entry.1.key=a&Map.entry.1.value=1",
            json!({"Map": {"a": "1", "b": "2"}}),
        ),
        ("Map=", json!({"Map": {}})),
        ("Tag.Key=k&Tag.Value=v&Tag.Unknown=x", json!({"Tag": {"Key": "k", "Value": "v"}})),
    ] {
        assert_eq!(read(body), Ok(expected), "{body}");
    }
}

#[test]
fn lists_are_in_the_order_of_their_indexes_and_gaps_close() {
    for body in ["Texts.member.10=b&Texts.member.2=a", "Texts.member.4294967295=b&Texts.member.1=a"] {
        assert_eq!(read(body), Ok(json!({"Texts": ["a", "b"]})), "{body}");
    }
}

#[test]
fn what_is_not_of_its_kind_stays_a_text_for_the_reader_to_refuse() {
    for (body, expected) in [
        ("Number=1.5", json!({"Number": "1.5"})),
        ("Number=", json!({"Number": ""})),
        ("Number=9223372036854775808", json!({"Number": "9223372036854775808"})),
        ("Flag=yes", json!({"Flag": "yes"})),
        ("When=yesterday", json!({"When": "yesterday"})),
        ("Texts=a", json!({"Texts": "a"})),
        ("Texts=a&Texts.member.1=b", json!({"Texts": "a"})),
        ("Texts.member.1=b&Texts=a", json!({"Texts": "a"})),
        ("Tag=a&Tag.Key=b", json!({"Tag": "a"})),
        ("Map=a&Map.entry.1.key=b", json!({"Map": "a"})),
    ] {
        assert_eq!(read(body), Ok(expected), "{body}");
    }
}

#[test]
fn paths_that_lead_nowhere_are_refused_not_ignored() {
    for name in [
        "Name.x",
        "Name.member.1",
        "Texts.1",
        "Texts.member",
        "Texts.member.",
        "Texts.member.0",
        "Texts.member.01",
        "Texts.member.+1",
        "Texts.member.-1",
        "Texts.member.x",
        "Texts.member.4294967296",
        "Texts.member.1.x",
        "Texts.membership.1",
        "Texts.entry.1",
        "Map.entry.1",
        "Map.entry.1.word",
        "Map.entry.1.key.x",
        "Map.member.1.key",
    ] {
        let encoded = name.replace('+', "%2B");
        assert_eq!(read(&format!("{encoded}=v")), Err(Malformed::Misplaced(name.to_owned())));
    }
    assert_eq!(read("Map.entry.3.key=k"), Err(Malformed::Misplaced("entry.3".to_owned())));
    assert_eq!(
        read("Map.entry.1.key=k&Map.entry.1.value=1&Map.entry.2.key=k&Map.entry.2.value=2"),
        Err(Malformed::Repeated("k".to_owned()))
    );
}

#[test]
fn a_name_of_a_mebibyte_is_as_deep_as_the_shape_and_no_deeper() {
    let deep = format!("Deep{}=x", ".member.1".repeat(100_000));
    assert!(matches!(read(&deep), Err(Malformed::Misplaced(_))));
    let unknown = format!("X{}=x", ".member.1".repeat(100_000));
    assert_eq!(read(&unknown), Ok(json!({})));
}

proptest! {
    #[test]
    fn no_name_panics_and_every_answer_is_json(
        names in proptest::collection::vec(
            "(Name|Number|Texts|Tags|Entries|Map|Tag|Deep|X)(\\.(member|entry|Key|Value|Values|key|value|[0-9]{1,12}|)){0,6}",
            0..12,
        ),
        value in "[a-z0-9]{0,3}",
    ) {
        let body: Vec<_> = names.iter().map(|name| format!("{name}={value}")).collect();
        if let Ok(input) = read(&body.join("&")) {
            prop_assert!(input.is_object());
        }
    }

    #[test]
    fn lists_of_structures_come_back_as_they_were_written(
        tags in proptest::collection::vec(("[a-z]{0,5}", "[a-z]{0,5}"), 0..20)
    ) {
        let body: Vec<_> = tags
            .iter()
            .enumerate()
            .map(|(at, (key, value))| {
                format!("Tags.member.{n}.Key={key}&Tags.member.{n}.Value={value}", n = at + 1)
            })
            .collect();
        let expected: Vec<_> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        let read = read(&body.join("&")).unwrap();
        prop_assert_eq!(read.get("Tags").cloned().unwrap_or(json!([])), json!(expected));
    }
}
