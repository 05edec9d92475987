//! Tags: fifty, sorted, nothing reserved, overwritten by name.

use serde_json::{Value, json};

use crate::rig::Rig;

fn tags(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"TagKey": key, "TagValue": value})).collect()
}

fn listed(rig: &Rig, key: &str) -> Value {
    let answer = rig.ok("ListResourceTags", json!({"KeyId": key}));
    assert_eq!((&answer["Truncated"], answer.get("NextMarker")), (&json!(false), None));
    answer["Tags"].clone()
}

#[test]
fn tags_are_overwritten_removed_and_sorted() {
    let rig = Rig::new();
    let key = rig.key(json!({"Tags": tags(&[("b", "1"), ("a", "2")])}));
    assert_eq!(listed(&rig, &key), tags(&[("a", "2"), ("b", "1")]));
    rig.ok("TagResource", json!({"KeyId": key, "Tags": tags(&[("c", ""), ("a", "3")])}));
    assert_eq!(listed(&rig, &key), tags(&[("a", "3"), ("b", "1"), ("c", "")]));
    rig.ok("UntagResource", json!({"KeyId": key, "TagKeys": ["b", "absent", "b"]}));
    assert_eq!(listed(&rig, &key), tags(&[("a", "3"), ("c", "")]));
    assert_eq!(listed(&rig.restarted(), &key), tags(&[("a", "3"), ("c", "")]));
    rig.ok("TagResource", json!({"KeyId": key, "Tags": []}));
    rig.ok("UntagResource", json!({"KeyId": key, "TagKeys": []}));
    assert_eq!(listed(&rig, &key), tags(&[("a", "3"), ("c", "")]));
}

#[test]
fn refusals_have_the_texts_of_aws_and_change_nothing() {
    let rig = Rig::new();
    let key = rig.key(json!({"Tags": tags(&[("a", "1")])}));
    let many: Value = (0..50).map(|i| json!({"TagKey": format!("n{i}"), "TagValue": ""})).collect();
    let too_many: Value = (0..51).map(|i| json!({"TagKey": format!("n{i}"), "TagValue": ""})).collect();
    for (list, text) in [
        (tags(&[("x", "1"), ("x", "1")]), "Duplicate tag keys"),
        (tags(&[("aws:x", "")]), "Tags beginning with aws: are reserved"),
        (tags(&[("AwS:x", "")]), "Tags beginning with aws: are reserved"),
        (too_many, "Too many tags"),
    ] {
        rig.refuses("CreateKey", json!({"Tags": list}), "TagException", text);
        rig.refuses("TagResource", json!({"KeyId": key, "Tags": list}), "TagException", text);
    }
    rig.refuses("TagResource", json!({"KeyId": key, "Tags": many}), "TagException", "Too many tags");
    let text = "Tags beginning with aws: are reserved";
    rig.refuses("UntagResource", json!({"KeyId": key, "TagKeys": ["a", "aws:x"]}), "TagException", text);
    assert_eq!(listed(&rig, &key), tags(&[("a", "1")]));
    rig.key(json!({"Tags": many}));
}

#[test]
fn long_and_foreign_letters_are_counted_as_characters() {
    let rig = Rig::new();
    let (name, value) = ("ä".repeat(128), "😀".repeat(256));
    let key = rig.key(json!({"Tags": tags(&[(&name, &value)])}));
    assert_eq!(listed(&rig, &key), tags(&[(&name, &value)]));
    // Shorter than the prefix in bytes, and cut within a character.
    rig.ok("TagResource", json!({"KeyId": key, "Tags": tags(&[("é", ""), ("awé", "")])}));
}
