//! Expiry: from its moment on the key waits for its import, for everybody and before any job has run; then the bytes go.

use keyreeve_store::Store;
use serde_json::json;

use crate::importing::{external, external_symmetric, import_body, import_with};
use crate::rig::{ACCOUNT, Rig, START_SECONDS, b64, id_of};

fn key_until(rig: &Rig, days: i64) -> String {
    let key = external_symmetric(rig);
    let valid_to = START_SECONDS + days * 24 * 3600;
    rig.ok("ImportKeyMaterial", import_with(rig, &key, [9; 32], &json!({"ValidTo": valid_to})));
    key
}

fn rows_of(rig: &Rig, key: &str, kind: &str) -> usize {
    let page = rig.block_on(rig.store.scan("", None, 1000)).unwrap();
    page.rows
        .iter()
        .filter(|(path, _)| path.as_str().contains(kind) && path.as_str().contains(id_of(key)))
        .count()
}

#[test]
fn at_its_moment_every_caller_finds_the_key_pending_import() {
    let rig = Rig::new();
    let key = key_until(&rig, 1);
    let encrypt = json!({"KeyId": key, "Plaintext": b64("x")});
    rig.pass_days(1);
    rig.pass_millis(-1);
    rig.ok("Encrypt", encrypt.clone());
    rig.pass_millis(1);
    let text = format!("{key} is pending import.");
    for rig in [&rig, &rig.restarted()] {
        for operation in ["DisableKey", "EnableKey"] {
            rig.refuses(operation, json!({"KeyId": key}), "KMSInvalidStateException", &text);
        }
        rig.refuses("Encrypt", encrypt.clone(), "KMSInvalidStateException", &text);
        let metadata = rig.metadata(&key);
        assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&json!("PendingImport"), &json!(false)));
        assert!(metadata.get("ExpirationModel").is_none() && metadata.get("ValidTo").is_none());
        let all = rig.operate("ListAllKeys", json!({"AccountId": ACCOUNT}));
        let listed =
            all["Keys"].as_array().unwrap().iter().find(|listed| listed["KeyArn"] == json!(key)).unwrap();
        assert_eq!(listed["KeyState"], "PendingImport");
    }
    assert_eq!(rows_of(&rig, &key, "/material/"), 1, "no job has run");
}

#[test]
fn the_job_deletes_the_bytes_and_says_so() {
    let rig = Rig::new();
    let key = key_until(&rig, 1);
    let id = rig.metadata(&key)["CurrentKeyMaterialId"].clone();
    rig.block_on(rig.service.tend_keys());
    assert_eq!(rows_of(&rig, &key, "/material/"), 1, "not before its moment");
    rig.pass_days(1);
    let restarted = rig.restarted();
    let ((), records) = restarted.recorded(|| restarted.block_on(restarted.service.tend_keys()));
    let [record] = records.as_slice() else { panic!("{records:#?}") };
    assert_eq!(record["eventName"], "DeleteExpiredKeyMaterial");
    assert_eq!(record["eventType"], "AwsServiceEvent");
    assert_eq!(record["userIdentity"], json!({"accountId": ACCOUNT, "invokedBy": "AWS Internal"}));
    assert_eq!(record["serviceEventDetails"], json!({"keyId": id_of(&key), "keyMaterialId": id}));
    assert_eq!(record["resources"][0]["ARN"], json!(key));
    assert_eq!((rows_of(&rig, &key, "/material/"), rows_of(&rig, &key, "due/")), (0, 0));
    // A clock that is set back resurrects nothing.
    rig.pass_days(-1);
    let later = rig.restarted();
    assert_eq!(later.state(&key), "PendingImport");
    later.ok("ImportKeyMaterial", import_body(&later, &key, [9; 32]));
    assert_eq!((later.state(&key).as_str(), rows_of(&rig, &key, "/material/")), ("Enabled", 1));
}

#[test]
fn importing_again_in_time_moves_the_expiry() {
    let rig = Rig::new();
    let key = key_until(&rig, 1);
    let later = json!({"ValidTo": START_SECONDS + 3 * 24 * 3600});
    rig.ok("ImportKeyMaterial", import_with(&rig, &key, [9; 32], &later));
    rig.pass_days(2);
    rig.block_on(rig.service.tend_keys());
    assert_eq!(rig.state(&key), "Enabled");
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    rig.pass_days(300);
    rig.block_on(rig.service.tend_keys());
    assert_eq!((rig.state(&key).as_str(), rows_of(&rig, &key, "due/")), ("Enabled", 0));
}

#[test]
fn importing_again_after_the_moment_and_before_the_job_is_enough() {
    let rig = Rig::new();
    let key = key_until(&rig, 1);
    let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
    rig.pass_days(1);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    rig.block_on(rig.service.tend_keys());
    rig.restarted().ok("Decrypt", json!({"CiphertextBlob": sealed}));
}

#[test]
fn a_material_that_waits_for_its_rotation_does_not_expire() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [1; 32]));
    let soon = json!({"ImportType": "NEW_KEY_MATERIAL", "ValidTo": START_SECONDS + 3600});
    rig.ok("ImportKeyMaterial", import_with(&rig, &key, [2; 32], &soon));
    rig.pass_days(1);
    rig.block_on(rig.service.tend_keys());
    assert_eq!((rig.state(&key).as_str(), rows_of(&rig, &key, "/material/")), ("Enabled", 2));
    assert_eq!(rig.metadata(&key)["ExpirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
}

#[test]
fn the_states_of_deletion_hide_an_expiry_until_they_end() {
    let rig = Rig::new();
    let key = key_until(&rig, 1);
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}));
    rig.pass_days(2);
    assert_eq!(rig.state(&key), "PendingDeletion");
    let early = rig.restarted();
    early.ok("CancelKeyDeletion", json!({"KeyId": key}));
    assert_eq!(early.state(&key), "PendingImport", "before the job");
    rig.restarted().ok("ScheduleKeyDeletion", json!({"KeyId": key}));
    let rig = rig.restarted();
    rig.block_on(rig.service.tend_keys());
    assert_eq!((rig.state(&key).as_str(), rows_of(&rig, &key, "/material/")), ("PendingDeletion", 0));
    rig.ok("CancelKeyDeletion", json!({"KeyId": key}));
    assert_eq!(rig.state(&key), "PendingImport");
}

#[test]
fn a_key_without_material_ids_expires_too_and_knows_its_material_again() {
    let rig = Rig::new();
    let key = external(&rig, "HMAC_256", "GENERATE_VERIFY_MAC");
    let body = import_with(&rig, &key, [9; 40], &json!({"ValidTo": START_SECONDS + 3600}));
    rig.ok("ImportKeyMaterial", body);
    rig.pass_days(1);
    let ((), records) = rig.recorded(|| rig.block_on(rig.service.tend_keys()));
    assert_eq!(records[0]["serviceEventDetails"], json!({"keyId": id_of(&key)}));
    let text = format!("Imported key material is not the key material that was imported into KMS key {key}.");
    let other = import_body(&rig, &key, [8; 40]);
    rig.refuses("ImportKeyMaterial", other, "IncorrectKeyMaterialException", &text);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 40]));
    assert_eq!(rig.state(&key), "Enabled");
}
