//! Multi-Region keys with all Regions in one process: what the primary decides, and who is the next one.

use serde_json::json;

use crate::multi_region_kit::{EAST, WEST, ask, in_region, metadata, ok, replicated, settle, state};
use crate::rig::{ACCOUNT, REGION, Rig, b64, blob, id_of, text};

#[test]
fn a_rotation_is_known_everywhere_before_anybody_encrypts_with_it() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST, EAST]);
    let id = json!({"KeyId": id_of(&key)});
    let before = metadata(&rig, REGION, &key)["CurrentKeyMaterialId"].clone();
    let old = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("old")}))["CiphertextBlob"].clone();
    rig.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90}));
    settle(&rig);
    let status = ok(&rig, WEST, "GetKeyRotationStatus", id.clone());
    assert_eq!((&status["KeyRotationEnabled"], &status["RotationPeriodInDays"]), (&json!(true), &json!(90)));
    rig.pass_days(90);
    // New material waits.
    rig.block_on(rig.service.tend_keys());
    assert_eq!(metadata(&rig, REGION, &key)["CurrentKeyMaterialId"], before);
    settle(&rig);
    let after = metadata(&rig, REGION, &key)["CurrentKeyMaterialId"].clone();
    assert_ne!(after, before);
    for region in [WEST, EAST] {
        assert_eq!(metadata(&rig, region, &key)["CurrentKeyMaterialId"], after, "{region}");
        let opened = ok(&rig, region, "Decrypt", json!({"CiphertextBlob": old}));
        assert_eq!((blob(&opened, "/Plaintext"), &opened["KeyMaterialId"]), (b"old".to_vec(), &before));
        assert_eq!(
            ok(&rig, region, "ListKeyRotations", id.clone())["Rotations"].as_array().unwrap().len(),
            1
        );
    }
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    settle(&rig);
    let last = metadata(&rig, REGION, &key)["CurrentKeyMaterialId"].clone();
    assert_ne!(last, after);
    assert_eq!(metadata(&rig, EAST, &key)["CurrentKeyMaterialId"], last);
}

#[test]
fn the_primary_moves_and_everything_works_on() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST, EAST]);
    let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": REGION}));
    assert_eq!(state(&rig, REGION, &key), "Enabled", "it is there already");
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": WEST}));
    let here = metadata(&rig, REGION, &key);
    assert_eq!((&here["KeyState"], &here["Enabled"]), (&json!("Updating"), &json!(false)));
    assert_eq!(here["MultiRegionConfiguration"]["MultiRegionKeyType"], "REPLICA", "swapped already");
    rig.ok("Decrypt", json!({"CiphertextBlob": sealed}));
    rig.refuses(
        "DisableKey",
        json!({"KeyId": key}),
        "KMSInvalidStateException",
        &format!("{key} is updating."),
    );
    let again = json!({"KeyId": key, "PrimaryRegion": WEST});
    rig.ok("UpdatePrimaryRegion", again);
    let other = json!({"KeyId": key, "PrimaryRegion": EAST});
    rig.refuses("UpdatePrimaryRegion", other, "KMSInvalidStateException", &format!("{key} is updating."));
    settle(&rig);
    let regions = |region: &str| metadata(&rig, region, &key)["MultiRegionConfiguration"].clone();
    for region in [REGION, WEST, EAST] {
        assert_eq!(state(&rig, region, &key), "Enabled", "{region}");
        let kind = if region == WEST { "PRIMARY" } else { "REPLICA" };
        assert_eq!(regions(region)["MultiRegionKeyType"], kind, "{region}");
        assert_eq!(regions(region)["PrimaryKey"]["Region"], WEST);
        let names: Vec<_> = regions(region)["ReplicaKeys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| text(key, "/Region"))
            .collect();
        assert_eq!(names, [REGION, EAST]);
        ok(&rig, region, "Decrypt", json!({"CiphertextBlob": sealed}));
    }
    ok(&rig, WEST, "RotateKeyOnDemand", json!({"KeyId": id_of(&key)}));
    settle(&rig);
    let current = |region| metadata(&rig, region, &key)["CurrentKeyMaterialId"].clone();
    assert_eq!(current(REGION), current(WEST));
    assert_eq!(current(EAST), current(WEST));
    ok(&rig, WEST, "UpdatePrimaryRegion", json!({"KeyId": id_of(&key), "PrimaryRegion": REGION}));
    settle(&rig);
    assert_eq!(regions(REGION)["MultiRegionKeyType"], "PRIMARY");
}

#[test]
fn the_region_that_becomes_primary_has_a_say() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    let (id, replica) = (id_of(&key), in_region(&key, WEST));
    let update = json!({"KeyId": key, "PrimaryRegion": WEST});
    ok(&rig, WEST, "DisableKey", json!({"KeyId": id}));
    rig.refuses(
        "UpdatePrimaryRegion",
        update.clone(),
        "DisabledException",
        &format!("{replica} is disabled."),
    );
    ok(&rig, WEST, "ScheduleKeyDeletion", json!({"KeyId": id}));
    let pending = format!("{replica} is pending deletion.");
    rig.refuses("UpdatePrimaryRegion", update.clone(), "KMSInvalidStateException", &pending);
    ok(&rig, WEST, "CancelKeyDeletion", json!({"KeyId": id}));
    ok(&rig, WEST, "EnableKey", json!({"KeyId": id}));
    let denies = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "kms:UpdatePrimaryRegion", "Resource": "*"},
    ]});
    ok(&rig, WEST, "PutKeyPolicy", json!({"KeyId": id, "Policy": denies.to_string()}));
    let error = ask(&rig, REGION, "UpdatePrimaryRegion", update.clone()).unwrap_err();
    assert_eq!(error.0, "AccessDeniedException");
    assert!(error.1.contains(&replica), "{}", error.1);
    assert_eq!(state(&rig, REGION, &key), "Enabled");
    let nowhere = json!({"KeyId": key, "PrimaryRegion": EAST});
    let missing = format!("Key '{}' does not exist", in_region(&key, EAST));
    rig.refuses("UpdatePrimaryRegion", nowhere, "NotFoundException", &missing);
}

#[test]
fn a_replica_that_is_disabled_at_the_last_moment_refuses_and_the_primary_stays() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": WEST}));
    ok(&rig, WEST, "DisableKey", json!({"KeyId": id_of(&key)}));
    settle(&rig);
    let here = metadata(&rig, REGION, &key);
    assert_eq!(here["KeyState"], "Enabled");
    assert_eq!(here["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    ok(&rig, WEST, "EnableKey", json!({"KeyId": id_of(&key)}));
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": WEST}));
    settle(&rig);
    assert_eq!(metadata(&rig, WEST, &key)["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
}
