//! The rotations that time makes due: over restarts, downtime and clock steps, once whoever does it, with their records.

use keyreeve_service::catalogue::{Api, find};
use keyreeve_store::Store;
use serde_json::{Value, json};

use crate::audit_rig;
use crate::importing::{import_body, import_with};
use crate::meddling::Meddling;
use crate::rig::{ACCOUNT, REGION, Rig, START_SECONDS, b64, id_of, root, root_of, runtime, text};
use crate::rotation::{rotate, rotations};

const DAY: i64 = 86_400;
const WEST: &str = "eu-west-1";

fn tend(rig: &Rig) {
    rig.block_on(rig.service.tend_keys());
}

fn rotating(rig: &Rig, days: u16) -> String {
    let key = rig.key(json!({}));
    rig.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": days}));
    key
}

fn count(rig: &Rig, key: &str) -> usize {
    rotations(rig, key, "ROTATIONS_ONLY").len()
}

fn next_day(rig: &Rig, key: &str) -> f64 {
    let next = rig.ok("GetKeyRotationStatus", json!({"KeyId": key}))["NextRotationDate"].as_f64().unwrap();
    (next - START_SECONDS as f64) / DAY as f64
}

#[test]
fn a_key_rotates_on_its_date_and_not_before_nor_twice() {
    let rig = Rig::new();
    let key = rotating(&rig, 90);
    rig.pass_days(90);
    rig.pass_millis(-1);
    tend(&rig);
    assert_eq!(count(&rig, &key), 0);
    rig.pass_millis(1);
    (0..3).for_each(|_| tend(&rig));
    assert_eq!((count(&rig, &key), next_day(&rig, &key)), (1, 180.0));
}

#[test]
fn after_a_long_downtime_it_rotates_once_and_begins_anew() {
    let rig = Rig::new();
    let key = rotating(&rig, 90);
    rig.pass_days(1000);
    let restarted = rig.restarted();
    (0..3).for_each(|_| tend(&restarted));
    assert_eq!((count(&restarted, &key), next_day(&restarted, &key)), (1, 1090.0));
}

#[test]
fn a_clock_that_steps_back_rotates_nothing_twice() {
    let rig = Rig::new();
    let key = rotating(&rig, 90);
    rig.pass_days(90);
    tend(&rig);
    rig.pass_days(-30);
    tend(&rig);
    rig.pass_days(30);
    tend(&rig);
    assert_eq!((count(&rig, &key), next_day(&rig, &key)), (1, 180.0));
}

#[test]
fn a_disabled_key_rotates_when_it_is_enabled_again_and_one_that_is_going_does_not() {
    let rig = Rig::new();
    let key = rotating(&rig, 90);
    rig.ok("DisableKey", json!({"KeyId": key}));
    rig.pass_days(100);
    tend(&rig);
    assert_eq!(count(&rig, &key), 0);
    rig.ok("EnableKey", json!({"KeyId": key}));
    tend(&rig);
    assert_eq!((count(&rig, &key), next_day(&rig, &key)), (1, 190.0));
    let going = rotating(&rig, 90);
    rig.pass_days(89);
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": going, "PendingWindowInDays": 7}));
    rig.pass_days(2);
    tend(&rig);
    assert_eq!(count(&rig, &going), 0);
}

#[test]
fn aws_managed_keys_rotate_yearly() {
    let rig = Rig::new();
    let key = text(&rig.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"})), "/KeyMetadata/Arn");
    for year in 1..=3 {
        rig.pass_days(365);
        tend(&rig);
        assert_eq!(count(&rig, &key), year);
    }
}

#[test]
fn a_rotation_on_demand_that_a_crash_interrupted_is_done_at_the_start() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    let restarted = rig.restarted();
    tend(&restarted);
    assert_eq!(count(&restarted, &key), 1);
    assert!(
        restarted
            .ok("GetKeyRotationStatus", json!({"KeyId": key}))
            .get("OnDemandRotationStartDate")
            .is_none()
    );
}

#[test]
fn who_waits_for_what_is_due_is_woken_by_a_rotation_on_demand() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    rig.block_on(rig.service.until_due());
}

#[test]
fn two_processes_over_one_store_rotate_once() {
    for round in 0..20 {
        let rig = Rig::new();
        let key = rotating(&rig, 90);
        let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("kept")}));
        let other = rig.restarted();
        // Both have the key in their caches.
        other.ok("Decrypt", json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
        rig.pass_days(90);
        std::thread::scope(|scope| {
            for service in [&rig.service, &other.service] {
                scope.spawn(move || runtime().block_on(service.tend_keys()));
            }
        });
        tend(&rig);
        tend(&other);
        let third = rig.restarted();
        assert_eq!(count(&third, &key), 1, "round {round}");
        let made = third.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("new")}));
        for rig in [&rig, &other, &third] {
            for (blob, plain) in [(&sealed, "kept"), (&made, "new")] {
                let opened = rig.ok("Decrypt", json!({"CiphertextBlob": blob["CiphertextBlob"]}));
                assert_eq!(opened["Plaintext"], b64(plain));
            }
        }
    }
}

#[test]
fn a_process_does_what_another_one_made_due() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let other = rig.restarted();
    other.ok("DescribeKey", json!({"KeyId": key}));
    rig.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90}));
    rig.pass_days(90);
    tend(&other);
    assert_eq!(count(&rig.restarted(), &key), 1);
}

#[test]
fn what_is_sealed_decrypts_after_a_thousand_rotations() {
    const ROTATIONS: usize = 1000;
    let rig = Rig::new();
    let key = rotating(&rig, 90);
    let seal = |plain: &str| {
        let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64(plain)}));
        (sealed["CiphertextBlob"].clone(), plain.to_owned())
    };
    let mut sealed = vec![seal("0")];
    for number in 1..=ROTATIONS {
        rig.pass_days(90);
        tend(&rig);
        if number % 100 == 0 {
            sealed.push(seal(&number.to_string()));
        }
    }
    assert_eq!(next_day(&rig, &key), 90.0 * (ROTATIONS + 1) as f64);
    let mut materials = std::collections::BTreeSet::new();
    for rig in [&rig, &rig.restarted()] {
        for (blob, plain) in &sealed {
            let opened = rig.ok("Decrypt", json!({"CiphertextBlob": blob}));
            assert_eq!(opened["Plaintext"], b64(plain));
            materials.insert(text(&opened, "/KeyMaterialId"));
        }
    }
    assert_eq!(materials.len(), 1 + ROTATIONS / 100);
    let answer = rig.ok("ListKeyRotations", json!({"KeyId": key, "Limit": 1000}));
    assert_eq!(answer["Rotations"].as_array().unwrap().len(), ROTATIONS);
}

#[test]
fn a_key_whose_primary_is_moving_keeps_no_other_from_its_rotation() {
    let rig = Rig::new();
    let moving = rig.key(json!({"MultiRegion": true, "Origin": "EXTERNAL"}));
    rig.ok("ImportKeyMaterial", import_body(&rig, &moving, [1; 32]));
    rig.ok("ReplicateKey", json!({"KeyId": moving, "ReplicaRegion": WEST}));
    rig.block_on(rig.service.tend_regions());
    let new = json!({"ImportType": "NEW_KEY_MATERIAL"});
    rig.ok("ImportKeyMaterial", import_with(&rig, &moving, [2; 32], &new));
    rig.block_on(rig.service.tend_regions());
    let replica = moving.replace(REGION, WEST);
    for material in [[1; 32], [2; 32]] {
        let body = import_body(&rig, &replica, material);
        rig.ok_as(&root_of(ACCOUNT, WEST), "ImportKeyMaterial", body);
    }
    rig.block_on(rig.service.tend_regions());
    rig.ok("RotateKeyOnDemand", json!({"KeyId": moving}));
    // From here on the next primary decides, who is not heard of.
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": moving, "PrimaryRegion": WEST}));
    rig.pass_millis(1);
    let other = rig.key(json!({}));
    rig.ok("RotateKeyOnDemand", json!({"KeyId": other}));
    tend(&rig);
    assert_eq!((count(&rig, &moving), count(&rig, &other)), (0, 1));
}

#[test]
fn new_material_that_cannot_be_read_back_never_becomes_current() {
    let (rig, store) = Meddling::rig();
    let key = rig.key(json!({}));
    let current = |rig: &Rig| rig.metadata(&key)["CurrentKeyMaterialId"].clone();
    let before = current(&rig);
    store.meddle(|commit| {
        let materials = commit.puts.iter_mut().filter(|(path, _)| path.as_str().contains("/material/"));
        materials.for_each(|(_, sealed)| sealed.truncate(sealed.len() / 2));
        None
    });
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    for _ in 0..3 {
        tend(&rig);
        let started = rig.restarted();
        tend(&started);
        assert_eq!(current(&started), before);
        started.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    }
}

#[test]
fn a_replica_forgets_its_expired_material_although_its_primary_is_late_with_a_rotation() {
    let rig = Rig::new();
    let key = rig.key(json!({"MultiRegion": true, "Origin": "EXTERNAL"}));
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [1; 32]));
    rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": WEST}));
    rig.block_on(rig.service.tend_regions());
    let replica = key.replace(REGION, WEST);
    let there = root_of(ACCOUNT, WEST);
    let until = json!({"ValidTo": START_SECONDS + DAY});
    rig.ok_as(&there, "ImportKeyMaterial", import_with(&rig, &replica, [1; 32], &until));
    let new = json!({"ImportType": "NEW_KEY_MATERIAL"});
    rig.ok("ImportKeyMaterial", import_with(&rig, &key, [2; 32], &new));
    rig.block_on(rig.service.tend_regions());
    rig.ok_as(&there, "ImportKeyMaterial", import_body(&rig, &replica, [2; 32]));
    rig.block_on(rig.service.tend_regions());
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    // The replica hears that a rotation was asked for; then the primary goes before it did it.
    rig.block_on(rig.service.tend_regions());
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}));
    rig.pass_days(1);
    let materials = || {
        let page = rig.block_on(rig.store.scan(&format!("kms/{WEST}/"), None, 1000)).unwrap();
        page.rows.iter().filter(|(path, _)| path.as_str().contains("/material/")).count()
    };
    assert_eq!(materials(), 2);
    tend(&rig);
    assert_eq!(materials(), 1);
}

#[test]
fn a_rotation_is_recorded_as_aws_records_it() {
    let rig = Rig::new();
    let key = rotating(&rig, 90);
    let current = || text(&rig.ok("DescribeKey", json!({"KeyId": key})), "/KeyMetadata/CurrentKeyMaterialId");
    for kind in ["AUTOMATIC", "ON_DEMAND"] {
        let previous = current();
        let ((), records) = rig.recorded(|| {
            if kind == "AUTOMATIC" {
                rig.pass_days(90);
                tend(&rig);
            } else {
                rotate(&rig, &key);
            }
        });
        let record = records.last().unwrap();
        audit_rig::check(record);
        let details = json!({"rotationType": kind, "keyOrigin": "AWS_KMS", "previousKeyMaterialId": previous,
            "currentKeyMaterialId": current(), "keyId": id_of(&key)});
        for (member, expected) in [
            ("eventName", json!("RotateKey")),
            ("eventSource", json!("kms.amazonaws.com")),
            ("eventType", json!("AwsServiceEvent")),
            ("userIdentity", json!({"accountId": ACCOUNT, "invokedBy": "AWS Internal"})),
            ("awsRegion", json!(REGION)),
            ("requestParameters", Value::Null),
            ("responseElements", Value::Null),
            ("readOnly", json!(false)),
            ("resources", json!([{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}])),
            ("serviceEventDetails", details),
        ] {
            assert_eq!(record[member], expected, "{kind} {member}");
        }
        assert!(record.get("requestID").is_none());
    }
}

#[test]
fn requests_during_a_rotation_work_with_either_material() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    std::thread::scope(|scope| {
        let (service, name) = (&rig.service, &key);
        for _ in 0..2 {
            scope.spawn(move || {
                let call = |operation: &str, body: Value| {
                    let row = find(Api::Kms, operation).unwrap();
                    let answer = runtime().block_on(service.call(&root(), row, body.to_string().as_bytes()));
                    serde_json::from_slice::<Value>(&answer.unwrap()).unwrap()
                };
                for number in 0..200 {
                    let plain = b64(number.to_string());
                    let made = call("Encrypt", json!({"KeyId": name, "Plaintext": plain}));
                    let opened = call("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"]}));
                    assert_eq!(opened["Plaintext"], plain);
                }
            });
        }
        (0..25).for_each(|_| rotate(&rig, &key));
    });
    assert_eq!(count(&rig, &key), 25);
}
