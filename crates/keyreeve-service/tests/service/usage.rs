//! Last uses survive crashes: the audit log knows every one. And of each material is known when it last decrypted.

use std::sync::Arc;

use keyreeve_store::{Commit, CommitId, Path, Store};
use serde_json::{Value, json};

use crate::meddling::{Meanwhile, Meddling};
use crate::rig::{OTHER_ACCOUNT, REGION, Rig, START_SECONDS, b64, id_of, root_of, text};
use crate::rotation::rotate;

fn last(rig: &Rig, key: &str) -> Value {
    rig.ok("GetKeyLastUsage", json!({"KeyId": key}))
}

fn usage(rig: &Rig, key: &str) -> Vec<Value> {
    rig.operate("DescribeKeyUsage", json!({"KeyId": key}))["Materials"].as_array().unwrap().clone()
}

fn flush(rig: &Rig) {
    rig.block_on(rig.service.flush_usage());
}

#[test]
fn what_was_used_since_the_last_flush_is_known_after_a_crash() {
    let rig = Rig::new();
    let keys: Vec<String> = (0..50).map(|_| rig.key(json!({}))).collect();
    let mac = rig.key_of("HMAC_256", "GENERATE_VERIFY_MAC");
    flush(&rig);
    for key in &keys {
        rig.pass_millis(1000);
        rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    }
    rig.ok("GenerateMac", json!({"KeyId": mac, "Message": b64("x"), "MacAlgorithm": "HMAC_SHA_256"}));
    let (known, of_mac): (Vec<_>, _) = (keys.iter().map(|key| last(&rig, key)).collect(), last(&rig, &mac));
    let crashed = rig.restarted();
    assert_eq!(last(&crashed, &mac), of_mac);
    assert_eq!(keys.iter().map(|key| last(&crashed, key)).collect::<Vec<_>>(), known);
    assert_eq!(known[7]["KeyLastUsage"]["Operation"], "Encrypt");
    assert_eq!(known[7]["KeyLastUsage"]["Timestamp"].as_f64(), Some((START_SECONDS + 8) as f64));
    flush(&crashed);
    assert_eq!(last(&crashed.restarted(), &keys[0]), known[0]);
}

#[test]
fn a_crash_before_the_first_flush_loses_nothing_either() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    let known = last(&rig, &key);
    assert_eq!(last(&rig.restarted(), &key), known);
    assert!(known.get("KeyLastUsage").is_some());
}

#[test]
fn a_failed_or_dry_call_is_no_use_after_a_crash_either() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    let known = last(&rig, &key);
    rig.pass_millis(1000);
    let dry = json!({"KeyId": key, "Plaintext": b64("x"), "DryRun": true});
    rig.try_as(&crate::rig::root(), "Encrypt", &dry).unwrap_err();
    rig.ok("DescribeKey", json!({"KeyId": key}));
    assert_eq!(last(&rig, &key), known);
    assert_eq!(last(&rig.restarted(), &key), known);
}

#[test]
fn the_use_by_another_account_is_told_with_the_same_event_after_a_crash() {
    let rig = Rig::new();
    let key = rig.key(json!({"Policy": crate::kit::OPEN_POLICY}));
    let stranger = root_of(OTHER_ACCOUNT, REGION);
    rig.ok_as(&stranger, "Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    assert_eq!(last(&rig.restarted(), &key), last(&rig, &key));
}

#[test]
fn a_use_that_is_older_than_the_stored_one_does_not_replace_it() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    let crashed = rig.restarted();
    crashed.pass_millis(5000);
    crashed.ok("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"}));
    flush(&crashed);
    assert_eq!(last(&crashed, &key)["KeyLastUsage"]["Operation"], "GenerateDataKey");
    assert_eq!(last(&crashed.restarted(), &key)["KeyLastUsage"]["Operation"], "GenerateDataKey");
}

#[test]
fn while_the_log_is_not_read_yet_no_older_use_is_told_as_the_last() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.pass_millis(5000);
    rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    let known = last(&rig, &key);
    let crashed = rig.restarted();
    // A use that is known before the later one was read of.
    crashed.pass_millis(-1000);
    crashed.ok("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"}));
    assert_eq!(last(&crashed, &key), known);
}

#[test]
fn tracking_began_with_the_key_or_with_what_the_log_still_tells() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.pass_days(1);
    let started = rig.with_new_log();
    let young = started.key(json!({}));
    for (key, days) in [(&key, 1), (&young, 1)] {
        let answer = last(&started, key);
        let since = Some((START_SECONDS + days * 86_400) as f64);
        assert_eq!(answer["TrackingStartDate"].as_f64(), since);
        let described = started.operate("DescribeKeyUsage", json!({"KeyId": key}));
        assert_eq!(described["TrackingSince"].as_f64(), since);
    }
    assert_eq!(last(&rig, &key)["TrackingStartDate"].as_f64(), Some(START_SECONDS as f64));
}

fn row_of(rig: &Rig, key: &str, kind: &str) -> (Path, Vec<u8>) {
    let page = rig.block_on(rig.store.scan("kms/", None, 1000)).unwrap();
    let is = |path: &Path| path.as_str().contains(kind) && path.as_str().contains(id_of(key));
    let (path, row) = page.rows.into_iter().find(|(path, _)| is(path)).unwrap();
    (path, row.value.to_vec())
}

fn put(rig: &Rig, path: &Path, value: Vec<u8>, number: u8) {
    let commit = Commit::new(CommitId::new([number; 16])).put(path.clone(), value);
    rig.block_on(rig.store.commit(commit)).unwrap();
}

#[test]
fn a_use_that_a_damaged_row_keeps_from_being_written_is_not_forgotten() {
    for kind in ["/key/", "/last-usage/", "/material-usage/"] {
        let rig = Rig::new();
        let (key, other) = (rig.key(json!({})), rig.key(json!({})));
        let encrypt = |key: &str| rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
        let sealed = encrypt(&key)["CiphertextBlob"].clone();
        rig.ok("Decrypt", json!({"CiphertextBlob": sealed}));
        flush(&rig);
        rig.pass_millis(1000);
        encrypt(&other);
        rig.ok("Decrypt", json!({"CiphertextBlob": sealed}));
        let known = [&key, &other].map(|key| last(&rig, key));
        let (path, whole) = row_of(&rig, &key, kind);
        put(&rig, &path, vec![0; 100], 1);
        flush(&rig.restarted());
        put(&rig, &path, whole, 2);
        let mended = rig.restarted();
        assert_eq!([&key, &other].map(|key| last(&mended, key)), known, "{kind}");
    }
}

#[test]
fn a_key_that_is_deleted_while_its_last_use_is_written_leaves_none() {
    let (rig, store) = Meddling::rig();
    let key = rig.key(json!({}));
    rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    let service = Arc::clone(&rig.service);
    let mut deletion: Option<Meanwhile> = Some(Box::pin(async move { service.tend_keys().await }));
    rig.pass_days(7);
    store.meddle(move |commit| {
        let writes = commit.puts.iter().any(|(path, _)| path.as_str().contains("/last-usage/"));
        if writes { deletion.take() } else { None }
    });
    flush(&rig);
    let rows = rig.block_on(rig.store.scan("kms/", None, 1000)).unwrap().rows;
    let left: Vec<_> = rows.iter().filter(|(path, _)| path.as_str().contains(id_of(&key))).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_idle_server_writes_nothing() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    flush(&rig);
    let revision = || rig.block_on(rig.store.scan("audit/usage/", None, 10)).unwrap().rows[0].1.revision;
    let before = (revision(), rig.log_end());
    (0..3).for_each(|_| flush(&rig));
    assert_eq!((revision(), rig.log_end()), before);
}

#[test]
fn each_material_tells_when_it_last_decrypted() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let seal = || rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
    let old = seal();
    rotate(&rig, &key);
    let new = seal();
    rotate(&rig, &key);
    let states = |rig: &Rig| -> Vec<(String, Option<f64>)> {
        let of = |used: &Value| (text(used, "/State"), used.get("LastDecrypt").and_then(Value::as_f64));
        usage(rig, &key).iter().map(of).collect()
    };
    let at = |seconds: i64| Some((START_SECONDS + seconds) as f64);
    let named = |state: &str, at| (state.to_owned(), at);
    let (past, now) = ("NON_CURRENT", "CURRENT");
    assert_eq!(states(&rig), [named(past, None), named(past, None), named(now, None)]);
    rig.pass_millis(1000);
    let (_, records) = rig.recorded(|| rig.ok("Decrypt", json!({"CiphertextBlob": old})));
    assert_eq!(usage(&rig, &key)[0]["LastDecryptEventId"], records[0]["eventID"]);
    rig.pass_millis(1000);
    rig.ok("ReEncrypt", json!({"CiphertextBlob": new, "DestinationKeyId": key}));
    let told = [named(past, at(1)), named(past, at(2)), named(now, None)];
    assert_eq!(states(&rig), told);
    // The log tells it after a crash, the rows after a flush.
    let crashed = rig.restarted();
    assert_eq!(states(&crashed), told);
    flush(&crashed);
    assert_eq!(states(&crashed.restarted()), told);
    let answer = rig.operate("DescribeKeyUsage", json!({"KeyId": key}));
    assert_eq!((&answer["KeyId"], answer["TrackingSince"].as_f64()), (&json!(key), at(0)));
}

#[test]
fn of_a_re_encryption_between_a_symmetric_key_and_a_key_pair_the_right_material_is_told_after_a_crash() {
    let rig = Rig::new();
    let (key, pair) = (rig.key(json!({})), rig.key_of("RSA_2048", "ENCRYPT_DECRYPT"));
    let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
    let oaep = "RSAES_OAEP_SHA_256";
    let to_pair =
        json!({"CiphertextBlob": sealed, "DestinationKeyId": pair, "DestinationEncryptionAlgorithm": oaep});
    let moved = rig.ok("ReEncrypt", to_pair)["CiphertextBlob"].clone();
    let first = usage(&rig, &key);
    assert!(first[0].get("LastDecrypt").is_some());
    rig.pass_millis(1000);
    let back = json!({"CiphertextBlob": moved, "SourceKeyId": pair, "SourceEncryptionAlgorithm": oaep,
        "DestinationKeyId": key});
    rig.ok("ReEncrypt", back);
    // To be encrypted to is no decryption.
    assert_eq!(usage(&rig, &key), first);
    assert_eq!(usage(&rig.restarted(), &key), first);
    assert_eq!(usage(&rig, &pair), Vec::<Value>::new());
}

#[test]
fn a_deleted_key_leaves_no_last_use() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    rig.ok("Decrypt", json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
    flush(&rig);
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    rig.pass_days(8);
    rig.block_on(rig.service.tend_keys());
    flush(&rig.restarted());
    let rows = rig.block_on(rig.store.scan("kms/", None, 1000)).unwrap().rows;
    let left: Vec<_> =
        rows.iter().filter(|(path, _)| path.as_str().contains(crate::rig::id_of(&key))).collect();
    assert!(left.is_empty(), "{left:?}");
}
