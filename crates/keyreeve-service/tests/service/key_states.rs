//! Every operation on a key in every state that can be reached without key stores, replicas and rotation.
//! The catalogue says what is allowed; the texts are AWS's (captures and the guide's table of key states).

use keyreeve_model::key_state::{KeyState, StateRefusal};
use keyreeve_service::catalogue::{Row, Scope};
use serde_json::json;

use crate::kit::{Kit, kms_rows};
use crate::rig::Rig;

const STATES: &[KeyState] =
    &[KeyState::Enabled, KeyState::Disabled, KeyState::PendingDeletion, KeyState::PendingImport];

/// The key that the row's request is about, brought into the state; `None` where no such key can be.
fn key_in(state: KeyState, rig: &Rig, kit: &Kit, row: &Row) -> Option<String> {
    let key = if row.name == "ReEncrypt" { &kit.other } else { kit.key(row) }.to_owned();
    match state {
        KeyState::Disabled => drop(rig.ok("DisableKey", json!({"KeyId": key}))),
        KeyState::PendingDeletion => drop(rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}))),
        // No grant was ever made on a key without material.
        KeyState::PendingImport if matches!(row.name, "RetireGrant" | "RevokeGrant") => return None,
        KeyState::PendingImport => {
            let like = rig.ok("DescribeKey", json!({"KeyId": key}));
            let like = &like["KeyMetadata"];
            if like["KeySpec"].as_str().unwrap().starts_with("ML_KEM") {
                return None;
            }
            return Some(rig.key(
                json!({"KeySpec": like["KeySpec"], "KeyUsage": like["KeyUsage"], "Origin": "EXTERNAL"}),
            ));
        }
        KeyState::Enabled
        | KeyState::Creating
        | KeyState::PendingReplicaDeletion
        | KeyState::Unavailable
        | KeyState::Updating => {}
    }
    Some(key)
}

fn expected(refusal: StateRefusal) -> (&'static str, &'static str) {
    match refusal {
        StateRefusal::Disabled => ("DisabledException", "is disabled."),
        StateRefusal::PendingDeletion => ("KMSInvalidStateException", "is pending deletion."),
        StateRefusal::PendingImport => ("KMSInvalidStateException", "is pending import."),
        StateRefusal::NotPendingDeletion => ("KMSInvalidStateException", "is not pending deletion."),
        StateRefusal::PendingReplicaDeletion
        | StateRefusal::Unavailable
        | StateRefusal::Creating
        | StateRefusal::Updating => panic!("{refusal:?} cannot be reached"),
    }
}

#[test]
fn every_operation_obeys_the_state_table() {
    let rows = kms_rows().filter(|row| {
        matches!(row.scope, Scope::Key { .. }) || matches!(row.name, "CreateAlias" | "UpdateAlias")
    });
    let mut refused = 0;
    for row in rows {
        for state in STATES {
            let rig = Rig::new();
            let kit = Kit::new(&rig);
            let Some(key) = key_in(*state, &rig, &kit, row) else { continue };
            assert_eq!(rig.state(&key), state.as_str());
            let body = kit.body_for(row, &key);
            match row.states.check(*state) {
                Ok(()) => drop(rig.ok(row.name, body)),
                Err(refusal) => {
                    let (code, text) = expected(refusal);
                    rig.refuses(row.name, body, code, &format!("{key} {text}"));
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 50, "only {refused} refusals: the table is not walked");
}

#[test]
fn the_source_key_of_re_encrypt_must_be_usable_too() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let body = kit.body("ReEncrypt");
    rig.ok("DisableKey", json!({"KeyId": kit.symmetric}));
    rig.refuses("ReEncrypt", body, "DisabledException", &format!("{} is disabled.", kit.symmetric));
}

#[test]
fn transitions_leave_the_state_that_aws_leaves() {
    let rig = Rig::new();
    for (origin, steps) in [
        ("AWS_KMS", &[("EnableKey", "Enabled"), ("DisableKey", "Disabled"), ("DisableKey", "Disabled")][..]),
        ("AWS_KMS", &[("DisableKey", "Disabled"), ("EnableKey", "Enabled")]),
        ("AWS_KMS", &[("ScheduleKeyDeletion", "PendingDeletion"), ("CancelKeyDeletion", "Disabled")]),
        (
            "AWS_KMS",
            &[
                ("DisableKey", "Disabled"),
                ("ScheduleKeyDeletion", "PendingDeletion"),
                ("CancelKeyDeletion", "Disabled"),
            ],
        ),
        ("EXTERNAL", &[("ScheduleKeyDeletion", "PendingDeletion"), ("CancelKeyDeletion", "PendingImport")]),
    ] {
        let key = rig.key(json!({"Origin": origin}));
        for (operation, state) in steps {
            rig.ok(operation, json!({"KeyId": key}));
            assert_eq!(rig.state(&key), *state, "after {operation}");
            assert_eq!(rig.restarted().state(&key), *state, "stored after {operation}");
        }
    }
}

#[test]
fn metadata_of_each_state_has_what_aws_shows() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let metadata = |key: &str| rig.ok("DescribeKey", json!({"KeyId": key}))["KeyMetadata"].clone();
    assert_eq!(metadata(&key)["Enabled"], true);
    assert!(metadata(&key).get("DeletionDate").is_none());
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}));
    assert_eq!(metadata(&key)["Enabled"], false);
    assert!(metadata(&key)["DeletionDate"].is_number());
    rig.ok("CancelKeyDeletion", json!({"KeyId": key}));
    assert!(metadata(&key).get("DeletionDate").is_none());
    let waiting = metadata(&rig.key(json!({"Origin": "EXTERNAL"})));
    assert!(waiting.get("CurrentKeyMaterialId").is_none());
    assert!(waiting.get("ExpirationModel").is_none());
}
