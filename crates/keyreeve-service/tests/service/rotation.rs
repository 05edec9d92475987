//! EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand and ListKeyRotations: what AWS answers,
//! with its oddities.

use serde_json::{Value, json};

use crate::importing::{external_symmetric, import_body, import_with};
use crate::kit::Kit;
use crate::rig::{Rig, START_SECONDS, b64, text};

const DAY: i64 = 86_400;

fn status(rig: &Rig, key: &str) -> Value {
    let answer = rig.ok("GetKeyRotationStatus", json!({"KeyId": key}));
    assert_eq!(answer["KeyId"], key);
    answer
}

/// The status of a key that rotates next so many days after the start.
fn enabled(key: &str, period: i64, next_day: i64) -> Value {
    let next = START_SECONDS + next_day * DAY;
    json!({"KeyId": key, "KeyRotationEnabled": true, "RotationPeriodInDays": period, "NextRotationDate": next as f64})
}

fn same(one: &Value, other: &Value) {
    let seconds = |value: &Value| value["NextRotationDate"].as_f64();
    assert_eq!(seconds(one), seconds(other), "{one} {other}");
    let without = |value: &Value| {
        let mut value = value.clone();
        value.as_object_mut().unwrap().remove("NextRotationDate");
        value
    };
    assert_eq!(without(one), without(other));
}

pub(crate) fn rotate(rig: &Rig, key: &str) {
    assert_eq!(rig.ok("RotateKeyOnDemand", json!({"KeyId": key})), json!({"KeyId": key}));
    rig.block_on(rig.service.tend_keys());
}

pub(crate) fn rotations(rig: &Rig, key: &str, include: &str) -> Vec<Value> {
    let answer = rig.ok("ListKeyRotations", json!({"KeyId": key, "IncludeKeyMaterial": include}));
    assert_eq!(answer["Truncated"], false);
    answer["Rotations"].as_array().unwrap().clone()
}

#[test]
fn a_key_does_not_rotate_until_it_is_asked_to_and_then_yearly() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let off = json!({"KeyId": key, "KeyRotationEnabled": false});
    same(&status(&rig, &key), &off);
    assert_eq!(rig.ok("EnableKeyRotation", json!({"KeyId": key})), Value::Null);
    same(&status(&rig, &key), &enabled(&key, 365, 365));
    same(&status(&rig.restarted(), &key), &enabled(&key, 365, 365));
    rig.ok("DisableKeyRotation", json!({"KeyId": key}));
    rig.ok("DisableKeyRotation", json!({"KeyId": key}));
    same(&status(&rig, &key), &off);
}

#[test]
fn enabling_again_keeps_period_and_date_and_another_period_begins_now() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let enable =
        |period: Value| rig.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": period}));
    enable(json!(100));
    rig.pass_days(10);
    enable(Value::Null);
    same(&status(&rig, &key), &enabled(&key, 100, 100));
    enable(json!(100));
    same(&status(&rig, &key), &enabled(&key, 100, 100));
    enable(json!(2560));
    same(&status(&rig, &key), &enabled(&key, 2560, 2570));
    rig.ok("DisableKeyRotation", json!({"KeyId": key}));
    enable(Value::Null);
    same(&status(&rig, &key), &enabled(&key, 365, 375));
}

#[test]
fn a_period_has_the_bounds_of_the_model() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for (period, rule) in [(89, "greater than or equal to 90"), (2561, "less than or equal to 2560")] {
        let text = format!(
            "1 validation error detected: Value '{period}' at 'rotationPeriodInDays' failed to satisfy constraint: Member \
             must have value {rule}"
        );
        let body = json!({"KeyId": key, "RotationPeriodInDays": period});
        rig.refuses("EnableKeyRotation", body, "ValidationException", &text);
    }
}

#[test]
fn the_schedule_is_hidden_while_a_key_is_going_and_comes_back() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90}));
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}));
    same(&status(&rig, &key), &json!({"KeyId": key, "KeyRotationEnabled": false}));
    rig.ok("CancelKeyDeletion", json!({"KeyId": key}));
    same(&status(&rig, &key), &enabled(&key, 90, 90));
}

#[test]
fn keys_that_cannot_rotate_say_false_and_refuse_the_rest_without_a_word() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for key in [&kit.signer, &kit.hmac, &kit.agreement, &kit.kem] {
        same(&status(&rig, key), &json!({"KeyId": key, "KeyRotationEnabled": false}));
        for operation in ["EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"] {
            rig.refuses(operation, json!({"KeyId": key}), "UnsupportedOperationException", "");
        }
        assert_eq!(rotations(&rig, key, "ALL_KEY_MATERIAL"), Vec::<Value>::new());
        // The state comes first.
        rig.ok("DisableKey", json!({"KeyId": key}));
        let text = format!("{key} is disabled.");
        rig.refuses("RotateKeyOnDemand", json!({"KeyId": key}), "DisabledException", &text);
    }
    let external = rig.key(json!({"Origin": "EXTERNAL"}));
    same(&status(&rig, &external), &json!({"KeyId": external, "KeyRotationEnabled": false}));
    let managed = text(&rig.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"})), "/KeyMetadata/Arn");
    same(&status(&rig, &managed), &json!({"KeyId": managed, "KeyRotationEnabled": false}));
}

#[test]
fn a_rotation_on_demand_is_shown_until_it_is_done_and_asked_for_again_is_the_same() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("EnableKeyRotation", json!({"KeyId": key}));
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    let mut expected = enabled(&key, 365, 365);
    expected["OnDemandRotationStartDate"] = json!(START_SECONDS);
    same(&status(&rig, &key), &expected);
    rig.pass_millis(60_000);
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    same(&status(&rig, &key), &expected);
    rig.block_on(rig.service.tend_keys());
    // It does not move the date of the automatic one.
    same(&status(&rig, &key), &enabled(&key, 365, 365));
    let listed = rotations(&rig, &key, "ROTATIONS_ONLY");
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["RotationType"], "ON_DEMAND");
    assert_eq!(listed[0]["RotationDate"].as_f64(), Some((START_SECONDS + 60) as f64));
}

#[test]
fn twenty_five_rotations_on_demand_are_the_most() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    (0..25).for_each(|_| rotate(&rig, &key));
    let text = format!(
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for \
         this key: {key}"
    );
    rig.refuses("RotateKeyOnDemand", json!({"KeyId": key}), "LimitExceededException", &text);
    assert_eq!(rotations(&rig, &key, "ROTATIONS_ONLY").len(), 25);
}

#[test]
fn within_twenty_minutes_of_an_automatic_rotation_none_begins_on_demand() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90}));
    rig.pass_days(90);
    rig.pass_millis(-20 * 60 * 1000);
    let error = rig.try_as(&crate::rig::root(), "RotateKeyOnDemand", &json!({"KeyId": key})).unwrap_err();
    assert_eq!(error.code, "ConflictException");
    rig.pass_millis(-1);
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
}

#[test]
fn an_imported_key_rotates_only_to_material_that_waits() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    let refuses = |text: &str| {
        let text = text.replace("KEY", &key);
        rig.refuses("RotateKeyOnDemand", json!({"KeyId": key}), "KMSInvalidStateException", &text);
    };
    refuses("KEY is pending import.");
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [1; 32]));
    refuses("No available key material pending rotation for the key: KEY.");
    let new = json!({"ImportType": "NEW_KEY_MATERIAL"});
    rig.ok("ImportKeyMaterial", import_with(&rig, &key, [2; 32], &new));
    let waiting = text(&rotations(&rig, &key, "ALL_KEY_MATERIAL")[1], "/KeyMaterialId");
    rotate(&rig, &key);
    assert_eq!(rig.metadata(&key)["CurrentKeyMaterialId"], json!(waiting));
    refuses("No available key material pending rotation for the key: KEY.");
}

#[test]
fn all_materials_are_listed_oldest_first_and_rotations_without_the_first() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let current = || {
        let metadata = rig.ok("DescribeKey", json!({"KeyId": key}));
        text(&metadata, "/KeyMetadata/CurrentKeyMaterialId")
    };
    let first = current();
    let all = rotations(&rig, &key, "ALL_KEY_MATERIAL");
    assert_eq!(all, [json!({"KeyId": key, "KeyMaterialId": first, "KeyMaterialState": "CURRENT"})]);
    assert_eq!(rotations(&rig, &key, "ROTATIONS_ONLY"), Vec::<Value>::new());
    let mut ids = vec![first];
    for _ in 0..3 {
        rotate(&rig, &key);
        ids.push(current());
    }
    let all = rotations(&rig.restarted(), &key, "ALL_KEY_MATERIAL");
    let listed: Vec<_> = all.iter().map(|entry| text(entry, "/KeyMaterialId")).collect();
    assert_eq!(listed, ids);
    let states: Vec<_> = all.iter().map(|entry| text(entry, "/KeyMaterialState")).collect();
    assert_eq!(states, ["NON_CURRENT", "NON_CURRENT", "NON_CURRENT", "CURRENT"]);
    assert_eq!(rotations(&rig, &key, "ROTATIONS_ONLY"), all[1..]);
    assert!(all[0].get("RotationDate").is_none() && all[0].get("RotationType").is_none());
}

#[test]
fn pages_of_rotations_are_complete_and_a_marker_is_good_for_its_own_list() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    (0..7).for_each(|_| rotate(&rig, &key));
    for (include, whole) in
        ["ROTATIONS_ONLY", "ALL_KEY_MATERIAL"].map(|name| (name, rotations(&rig, &key, name)))
    {
        for limit in 1..9 {
            let (mut all, mut marker) = (Vec::new(), Value::Null);
            loop {
                let body =
                    json!({"KeyId": key, "IncludeKeyMaterial": include, "Limit": limit, "Marker": marker});
                let answer = rig.ok("ListKeyRotations", body);
                all.extend(answer["Rotations"].as_array().unwrap().clone());
                marker = answer["NextMarker"].clone();
                assert_eq!(answer["Truncated"], !marker.is_null());
                if marker.is_null() {
                    break;
                }
                assert_eq!(all.len() % limit, 0);
                let other =
                    json!({"KeyId": rig.key(json!({})), "IncludeKeyMaterial": include, "Marker": marker});
                rig.refuses("ListKeyRotations", other, "InvalidMarkerException", "");
            }
            assert_eq!(all, whole, "{include} {limit}");
        }
    }
    let body = json!({"KeyId": key, "Marker": "made up"});
    rig.refuses("ListKeyRotations", body, "InvalidMarkerException", "");
}

#[test]
fn answers_name_the_material_that_worked() {
    let rig = Rig::new();
    let (key, other) = (rig.key(json!({})), rig.key(json!({})));
    let describe =
        |key: &str| text(&rig.ok("DescribeKey", json!({"KeyId": key})), "/KeyMetadata/CurrentKeyMaterialId");
    let old = describe(&key);
    let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("kept")}));
    rotate(&rig, &key);
    let new = describe(&key);
    assert_ne!(old, new);
    let (decrypted, records) =
        rig.recorded(|| rig.ok("Decrypt", json!({"CiphertextBlob": sealed["CiphertextBlob"]})));
    assert_eq!((&decrypted["KeyMaterialId"], &decrypted["Plaintext"]), (&json!(old), &json!(b64("kept"))));
    assert_eq!(records[0]["additionalEventData"]["keyMaterialId"], old);
    for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
        let (made, records) = rig.recorded(|| rig.ok(operation, json!({"KeyId": key, "KeySpec": "AES_256"})));
        assert_eq!(made["KeyMaterialId"], new, "{operation}");
        assert_eq!(records[0]["additionalEventData"]["keyMaterialId"], new, "{operation}");
        let opened = rig.ok("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"]}));
        assert_eq!(opened["KeyMaterialId"], new, "{operation}");
    }
    let pair = rig.ok("GenerateDataKeyPair", json!({"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}));
    assert_eq!(pair["KeyMaterialId"], new);
    let (moved, records) = rig.recorded(|| {
        rig.ok("ReEncrypt", json!({"CiphertextBlob": sealed["CiphertextBlob"], "DestinationKeyId": key}))
    });
    assert_eq!(
        (&moved["SourceKeyMaterialId"], &moved["DestinationKeyMaterialId"]),
        (&json!(old), &json!(new))
    );
    let named = &records[0]["additionalEventData"];
    assert_eq!(
        (&named["sourceKeyMaterialId"], &named["destinationKeyMaterialId"]),
        (&json!(old), &json!(new))
    );
    let away =
        rig.ok("ReEncrypt", json!({"CiphertextBlob": sealed["CiphertextBlob"], "DestinationKeyId": other}));
    assert_eq!(away["DestinationKeyMaterialId"], describe(&other));
    let (_, records) = rig.recorded(|| rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")})));
    assert_eq!(records[0]["additionalEventData"]["keyMaterialId"], new);
}
