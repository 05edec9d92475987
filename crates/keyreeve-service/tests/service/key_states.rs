//! Every operation on a key in every state that can be reached without key stores.
//! The catalogue says what is allowed; the texts are AWS's (captures and the guide's table of key states).

use keyreeve_model::key_state::{KeyState, StateRefusal, StateRule};
use keyreeve_service::catalogue::{Row, Scope};
use serde_json::{Value, json};

use crate::importing::import_body;
use crate::kit::{IMPORTED, Kit, kms_rows};
use crate::rig::{ACCOUNT, REGION, Rig, root_of, text};

const STATES: &[KeyState] = &[
    KeyState::Enabled,
    KeyState::Disabled,
    KeyState::PendingDeletion,
    KeyState::PendingImport,
    KeyState::Creating,
    KeyState::Updating,
    KeyState::PendingReplicaDeletion,
];

/// States of multi-Region keys alone.
const OF_SEVERAL_REGIONS: &[KeyState] = &[KeyState::Updating, KeyState::PendingReplicaDeletion];

/// Another Region than the tests' own.
const ELSEWHERE: &str = "eu-north-1";

/// A replica here, of which the primary has not told everything yet.
fn in_the_making(rig: &Rig, like: &Value) -> String {
    let there = root_of(ACCOUNT, ELSEWHERE);
    let body = json!({"KeySpec": like["KeySpec"], "KeyUsage": like["KeyUsage"], "Origin": like["Origin"], "MultiRegion": true});
    let primary = text(&rig.ok_as(&there, "CreateKey", body), "/KeyMetadata/Arn");
    if like["Origin"] == "EXTERNAL" {
        rig.ok_as(&there, "ImportKeyMaterial", import_body(rig, &primary, [7; 32]));
    }
    let body = json!({"KeyId": primary, "ReplicaRegion": REGION});
    text(&rig.ok_as(&there, "ReplicateKey", body), "/ReplicaKeyMetadata/Arn")
}

fn replicate(rig: &Rig, key: &str) {
    rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": ELSEWHERE}));
    rig.block_on(rig.service.tend_regions());
}

/// The key that the row's request is about, brought into the state; `None` where no such key can be.
fn key_in(state: KeyState, rig: &Rig, kit: &Kit, row: &Row) -> Option<String> {
    let key = if row.name == "ReEncrypt" { &kit.other } else { kit.key(row) }.to_owned();
    match state {
        KeyState::Disabled => drop(rig.ok("DisableKey", json!({"KeyId": key}))),
        KeyState::PendingDeletion => drop(rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}))),
        // No grant was ever made on a key without material.
        KeyState::PendingImport | KeyState::Creating if matches!(row.name, "RetireGrant" | "RevokeGrant") => {
            return None;
        }
        KeyState::Creating => {
            return Some(in_the_making(rig, &rig.ok("DescribeKey", json!({"KeyId": key}))["KeyMetadata"]));
        }
        KeyState::Updating => {
            replicate(rig, &key);
            if row.origin.is_some() {
                // No bytes cross: the next primary has them by its own import.
                let replica = key.replace(REGION, ELSEWHERE);
                let body = import_body(rig, &replica, IMPORTED);
                rig.ok_as(&root_of(ACCOUNT, ELSEWHERE), "ImportKeyMaterial", body);
                rig.block_on(rig.service.tend_regions());
            }
            rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": ELSEWHERE}));
        }
        KeyState::PendingReplicaDeletion => {
            replicate(rig, &key);
            rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}));
        }
        // Its token is for this key.
        KeyState::PendingImport if row.origin.is_some() => {
            rig.ok("DeleteImportedKeyMaterial", json!({"KeyId": key}));
        }
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
        KeyState::Enabled | KeyState::Unavailable => {}
    }
    Some(key)
}

fn expected(refusal: StateRefusal) -> (&'static str, &'static str) {
    match refusal {
        StateRefusal::Disabled => ("DisabledException", "is disabled."),
        StateRefusal::PendingDeletion => ("KMSInvalidStateException", "is pending deletion."),
        StateRefusal::PendingImport => ("KMSInvalidStateException", "is pending import."),
        StateRefusal::NotPendingDeletion => ("KMSInvalidStateException", "is not pending deletion."),
        StateRefusal::PendingReplicaDeletion => ("KMSInvalidStateException", "is pending replica deletion."),
        StateRefusal::Creating => ("KMSInvalidStateException", "is creating."),
        StateRefusal::Updating => ("KMSInvalidStateException", "is updating."),
        StateRefusal::Unavailable => panic!("{refusal:?} cannot be reached"),
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
            let several = OF_SEVERAL_REGIONS.contains(state);
            let kit = if several { Kit::multi_region(&rig) } else { Kit::new(&rig) };
            let Some(key) = key_in(*state, &rig, &kit, row) else { continue };
            assert_eq!(rig.state(&key), state.as_str());
            let body = kit.body_for(row, &key);
            if *state == KeyState::PendingImport && row.states == StateRule::Rotation {
                let text = format!("{key} origin is EXTERNAL which is not valid for this operation.");
                rig.refuses(row.name, body, "UnsupportedOperationException", &text);
                continue;
            }
            let decided_by_the_next_primary = matches!(row.name, "EnableKeyRotation" | "RotateKeyOnDemand");
            if *state == KeyState::Updating && decided_by_the_next_primary {
                rig.refuses(row.name, body, "KMSInvalidStateException", &format!("{key} is updating."));
                continue;
            }
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
