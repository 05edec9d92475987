//! Multi-Region keys with all Regions in one process: primaries wait for their replicas, and replicas for nobody.

use serde_json::json;

use crate::multi_region_kit::{EAST, WEST, ask, metadata, ok, replicated, settle, state};
use crate::rig::{REGION, Rig, START_SECONDS, b64, id_of};

const DAY: i64 = 86_400;

#[test]
fn a_primary_waits_for_its_replicas_and_then_for_itself() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST, EAST]);
    let id = id_of(&key);
    let answer = rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 9}));
    assert_eq!(answer, json!({"KeyId": key, "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 9}));
    let here = metadata(&rig, REGION, &key);
    assert_eq!(here["PendingDeletionWindowInDays"], 9);
    assert!(here.get("DeletionDate").is_none());
    let pending = format!("{key} is pending replica deletion.");
    rig.refuses(
        "Encrypt",
        json!({"KeyId": key, "Plaintext": b64("x")}),
        "KMSInvalidStateException",
        &pending,
    );
    ok(&rig, WEST, "Encrypt", json!({"KeyId": id, "Plaintext": b64("x")}));
    rig.ok("CancelKeyDeletion", json!({"KeyId": key}));
    assert_eq!(state(&rig, REGION, &key), "Disabled");
    assert!(metadata(&rig, REGION, &key).get("PendingDeletionWindowInDays").is_none());
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 9}));
    for region in [WEST, EAST] {
        ok(&rig, region, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    }
    rig.pass_days(7);
    settle(&rig);
    let here = metadata(&rig, REGION, &key);
    assert_eq!(here["KeyState"], "PendingDeletion");
    assert_eq!(here["DeletionDate"], json!(START_SECONDS + 16 * DAY));
    assert_eq!(here["MultiRegionConfiguration"]["ReplicaKeys"], json!([]));
    let error = ask(&rig, WEST, "DescribeKey", json!({"KeyId": id})).unwrap_err();
    assert_eq!(error.0, "NotFoundException");
    rig.pass_days(9);
    settle(&rig);
    assert_eq!(ask(&rig, REGION, "DescribeKey", json!({"KeyId": id})).unwrap_err().0, "NotFoundException");
}

#[test]
fn a_replica_can_be_deleted_and_made_anew() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    let id = id_of(&key);
    for round in 0..3 {
        ok(&rig, WEST, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
        rig.pass_days(7);
        settle(&rig);
        assert!(ask(&rig, WEST, "DescribeKey", json!({"KeyId": id})).is_err(), "round {round}");
        assert_eq!(metadata(&rig, REGION, &key)["MultiRegionConfiguration"]["ReplicaKeys"], json!([]));
        rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": WEST}));
        settle(&rig);
        assert_eq!(state(&rig, WEST, &key), "Enabled");
    }
}
