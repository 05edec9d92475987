//! The catalogue against the model of the API: names, members, types, enums, lengths, patterns.
//! Answers and errors are held against it in every other test (`model.rs`).

use std::collections::BTreeSet;

use keyreeve_service::input::shape::{Kind, Member, Structure};
use serde_json::{Value, json};

use crate::kit::{Kit, kms_rows};
use crate::model::{self, MODEL, NOT_HONOURED, bounds, members, shape, shape_name, texts};
use crate::rig::{Rig, root};

/// Operations that have no row yet, and what brings them.
const LATER: &[(&str, &[&str])] = &[
    (
        "custom key stores",
        &[
            "ConnectCustomKeyStore",
            "CreateCustomKeyStore",
            "DeleteCustomKeyStore",
            "DescribeCustomKeyStores",
            "DisconnectCustomKeyStore",
            "UpdateCustomKeyStore",
        ],
    ),
    ("grants", &["CreateGrant", "ListGrants", "ListRetirableGrants", "RetireGrant", "RevokeGrant"]),
    ("imported key material", &["DeleteImportedKeyMaterial", "GetParametersForImport", "ImportKeyMaterial"]),
    ("rotation", &["DisableKeyRotation", "EnableKeyRotation", "ListKeyRotations", "RotateKeyOnDemand"]),
    ("multi-Region replicas", &["ReplicateKey", "UpdatePrimaryRegion"]),
];

#[test]
fn the_operations_without_a_row_are_exactly_those_that_come_later() {
    let modelled = MODEL["operations"].as_object().unwrap().keys().map(String::as_str);
    let rows: BTreeSet<_> = kms_rows().map(|row| row.name).collect();
    let missing: BTreeSet<_> = modelled.filter(|name| !rows.contains(name)).collect();
    let later: BTreeSet<_> = LATER.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    assert_eq!(missing, later);
}

#[test]
fn every_row_has_the_members_of_its_modelled_input() {
    for row in kms_rows() {
        let input = shape_name(&model::operation(row.name)["input"]);
        compare_structure(row.input, shape(input), row.name);
    }
}

fn compare_structure(ours: &'static Structure, modelled: &'static Value, place: &str) {
    let names = |list: &[Member]| list.iter().map(|member| member.name).collect::<BTreeSet<_>>();
    let theirs: BTreeSet<_> = members(modelled).keys().map(String::as_str).collect();
    assert_eq!(names(ours.members), theirs, "{place}");
    let required: BTreeSet<_> = texts(modelled.get("required")).into_iter().collect();
    let ours_required = ours.members.iter().filter(|member| member.required).map(|member| member.name);
    assert_eq!(ours_required.collect::<BTreeSet<_>>(), required, "{place}: required");
    for member in ours.members {
        let reference = &modelled["members"][member.name];
        compare_kind(member.kind, shape(shape_name(reference)), &format!("{place}.{}", member.name));
    }
}

fn compare_kind(ours: &'static Kind, modelled: &'static Value, place: &str) {
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
            compare_kind(element, shape(shape_name(&modelled["member"])), &format!("{place}[]"));
        }
        (Kind::Map, "map") => {
            for part in ["key", "value"] {
                let text = shape(shape_name(&modelled[part]));
                assert_eq!(text["type"], "string", "{place}: {part}");
                assert_eq!(bounds(text), 0..=usize::MAX, "{place}: {part} has no bounds here");
            }
        }
        (Kind::Structure(structure), "structure") => compare_structure(structure, modelled, place),
        (ours, kind) => panic!("{place}: {ours:?} is not a {kind}"),
    }
}

/// The hand-written matchers agree with what the expressions of the model say.
#[test]
fn patterns_match_what_their_expressions_match() {
    for (operation, member, good, bad) in [
        ("CreateAlias", "AliasName", "alias/aZ09/_-:", "alias/ä"),
        ("CreateAlias", "AliasName", "a", "alias/a b"),
        ("GetKeyPolicy", "PolicyName", "aZ_9", "a-b"),
        ("ListKeys", "Marker", " ÿ~", "\u{1f}"),
        ("ListKeys", "Marker", "x", "\u{100}"),
        ("CreateKey", "Policy", "\t\n\r ÿ", "\u{b}"),
        ("CreateKey", "Policy", "{", "\u{100}"),
        ("CreateKey", "XksKeyId", "a-Z_9.", "a/b"),
    ] {
        let row = kms_rows().find(|row| row.name == operation).unwrap();
        let found = row.input.members.iter().find(|candidate| candidate.name == member).unwrap();
        let Kind::Text { pattern: Some(pattern), .. } = found.kind else { panic!("{member}") };
        assert!((pattern.matches)(good), "{operation}.{member} {good}");
        assert!(!(pattern.matches)(bad), "{operation}.{member} {bad}");
    }
}

#[test]
fn members_that_are_not_honoured_are_refused_when_present() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let mut refused = 0;
    for row in kms_rows() {
        for member in row.input.members.iter().filter(|member| !member.honoured) {
            let mut body = kit.body(row.name);
            let structure = matches!(member.kind, Kind::Structure(_));
            body[member.name] = if structure { json!({}) } else { json!("x") };
            let error = rig.try_as(&root(), row.name, &body).expect_err(row.name);
            assert_eq!(error.code, "UnsupportedOperationException", "{}", row.name);
            let text = error.message.unwrap();
            assert_eq!(text, format!("The parameter {} {NOT_HONOURED}", member.name));
            refused += 1;
            body[member.name] = Value::Null;
            rig.ok(row.name, body);
        }
    }
    assert_eq!(refused, 8, "Recipient four times more, key stores twice, an external key once");
}

#[test]
fn every_valid_request_of_the_kit_is_answered_as_modelled() {
    for row in kms_rows() {
        let rig = Rig::new();
        let kit = Kit::new(&rig);
        if row.name == "CancelKeyDeletion" {
            rig.ok("ScheduleKeyDeletion", kit.body("ScheduleKeyDeletion"));
        }
        rig.ok(row.name, kit.body(row.name));
    }
}
