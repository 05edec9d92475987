//! The catalogue against the model of the API: names, members, types, enums, lengths, patterns.
//! Answers and errors are held against it in every other test (`model.rs`).

use std::collections::BTreeSet;

use keyreeve_service::input::shape::Kind;
use serde_json::{Value, json};

use crate::kit::{Kit, kms_rows};
use crate::model::{MODEL, NOT_HONOURED};
use crate::model_inputs::{compare, without_row};
use crate::rig::{Rig, root};

/// Operations that have no row yet, and what brings them.
const LATER: &[(&str, &[&str])] = &[(
    "custom key stores",
    &[
        "ConnectCustomKeyStore",
        "CreateCustomKeyStore",
        "DeleteCustomKeyStore",
        "DescribeCustomKeyStores",
        "DisconnectCustomKeyStore",
        "UpdateCustomKeyStore",
    ],
)];

#[test]
fn the_operations_without_a_row_are_exactly_those_that_come_later() {
    let later: BTreeSet<_> = LATER.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    assert_eq!(without_row(&MODEL, kms_rows()), later);
}

#[test]
fn every_row_has_the_members_of_its_modelled_input() {
    kms_rows().for_each(|row| compare(&MODEL, row));
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
        ("ImportKeyMaterial", "KeyMaterialId", "0123456789abcdef", "ABC"),
        ("ImportKeyMaterial", "KeyMaterialDescription", "aZ09:/_\t\n .-", "a=b"),
        ("ImportKeyMaterial", "KeyMaterialDescription", " ", ""),
        ("CreateGrant", "Name", "aZ09/_-:", "a.b"),
        ("CreateGrant", "GranteePrincipal", "aZ_9+=,.@:/-", "a b"),
        ("CreateGrant", "GranteePrincipal", "x", "*"),
        ("CreateGrant", "GranteeServicePrincipal", "s3.eu-1.amazonaws.com", "s3.amazonaws"),
        ("CreateGrant", "GranteeServicePrincipal", "a.b.c", "a..c.d"),
        ("CreateGrant", "GranteeServicePrincipal", "-.b.c", "a.b.c."),
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
