//! Records beside the examples of AWS's documentation: the same members, in the same forms, with the same constants.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/understanding-kms-entries.html> and the pages below it, as
//! of July 2026. Ids, times, names of keys and texts of clients differ and are compared by their form.

use keyreeve_service::caller::{Caller, Connection, TlsDetails};
use serde_json::{Value, json};

use crate::audit_scrub::home;
use crate::rig::{ACCOUNT, REGION, Rig, b64, text};

/// What stands in an example for something that differs from call to call.
const ANY: &str = "…";

/// Holds that a record is an example: same members in the same order, equal values where the example has one.
fn same(at: &str, example: &Value, record: &Value) {
    match (example, record) {
        (Value::Object(expected), Value::Object(found)) => {
            let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
            let (mut left, mut right) = (names(expected), names(found));
            left.sort();
            right.sort();
            assert_eq!(left, right, "{at}");
            for (name, value) in expected {
                same(&format!("{at}/{name}"), value, &found[name]);
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            assert_eq!(expected.len(), found.len(), "{at}: {found:?}");
            expected.iter().zip(found).for_each(|(expected, found)| same(at, expected, found));
        }
        (Value::String(any), Value::String(found)) if any == ANY => assert!(!found.is_empty(), "{at}"),
        _ => assert_eq!(example, record, "{at}"),
    }
}

fn alice(rig: &Rig) -> Caller {
    rig.user_of(ACCOUNT, "Alice");
    let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]});
    rig.user_policy(ACCOUNT, "Alice", &all.to_string());
    let connection = Connection {
        source_ip: Some([192, 0, 2, 0].into()),
        secure: true,
        tls: Some(TlsDetails {
            tls_version: "TLSv1.3",
            cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
            client_provided_host_header: Some(format!("kms.{REGION}.amazonaws.com")),
        }),
        user_agent: Some("aws-cli/2.x".into()),
        referer: None,
    };
    Caller { connection, access_key_id: Some("AKIAIOSFODNN7EXAMPLE".into()), ..rig.user("Alice") }
}

/// What every record of a call by Alice has.
fn by_alice(event: &str, read_only: bool, others: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": ANY, "arn": format!("arn:aws:iam::{ACCOUNT}:user/Alice"),
            "accountId": ACCOUNT, "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "Alice"
        },
        "eventTime": ANY, "eventSource": "kms.amazonaws.com", "eventName": event, "awsRegion": REGION,
        "sourceIPAddress": "192.0.2.0", "userAgent": "aws-cli/2.x", "requestID": ANY, "eventID": ANY,
        "readOnly": read_only, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_256_GCM_SHA384",
            "clientProvidedHostHeader": format!("kms.{REGION}.amazonaws.com")
        }
    });
    for (name, value) in others.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

#[test]
fn calls_are_recorded_as_in_awss_examples() {
    let rig = Rig::new();
    let alice = alice(&rig);
    let key = rig.key(json!({}));
    let id = key.rsplit('/').next().unwrap().to_owned();
    let resources = json!([{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]);
    let material = json!({"keyMaterialId": ANY});
    let context = json!({"Department": "Engineering"});
    let sealed =
        rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64(b"x"), "EncryptionContext": context}));
    let other = rig.key(json!({}));
    let grantee = format!("arn:aws:iam::{ACCOUNT}:user/Alice");
    let cases = [
        (
            "Decrypt",
            json!({"KeyId": key, "CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": context}),
            by_alice(
                "Decrypt",
                true,
                json!({
                    "requestParameters": {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": key, "encryptionContext": context},
                    "responseElements": null, "resources": resources, "additionalEventData": material,
                }),
            ),
        ),
        (
            "GenerateDataKey",
            json!({"KeyId": id, "KeySpec": "AES_256", "EncryptionContext": context}),
            by_alice(
                "GenerateDataKey",
                true,
                json!({
                    "requestParameters": {"keyId": id, "keySpec": "AES_256", "encryptionContext": context},
                    "responseElements": null, "resources": resources, "additionalEventData": material,
                }),
            ),
        ),
        (
            "CreateGrant",
            json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": ["Encrypt", "RetireGrant"],
                "Constraints": {"EncryptionContextSubset": {"ContextKey1": "Value1"}}}),
            by_alice(
                "CreateGrant",
                false,
                json!({
                    "requestParameters": {"keyId": key, "granteePrincipal": grantee, "operations": ["Encrypt", "RetireGrant"],
                        "constraints": {"encryptionContextSubset": {"ContextKey1": "Value1"}}},
                    "responseElements": {"grantId": ANY, "keyId": key}, "resources": resources,
                }),
            ),
        ),
        (
            "ScheduleKeyDeletion",
            json!({"KeyId": other, "PendingWindowInDays": 20}),
            by_alice(
                "ScheduleKeyDeletion",
                false,
                json!({
                    "requestParameters": {"keyId": other, "pendingWindowInDays": 20},
                    "responseElements": {"keyId": other, "keyState": "PendingDeletion", "deletionDate": "Jan 21, 2026, 12:00:00 AM",
                        "pendingWindowInDays": 20},
                    "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": other}],
                }),
            ),
        ),
        (
            "Decrypt",
            json!({"KeyId": other, "CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": context}),
            Value::Null,
        ),
    ];
    for (operation, body, example) in cases {
        let (_, records) = rig.recorded(|| rig.try_as(&alice, operation, &body));
        assert_eq!(records.len(), 1, "{operation}");
        if !example.is_null() {
            same(operation, &example, &records[0]);
        }
    }
    let wrong = rig.key(json!({}));
    let body =
        json!({"KeyId": wrong, "CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": context});
    let (_, records) = rig.recorded(|| rig.try_as(&alice, "Decrypt", &body).unwrap_err());
    assert_eq!(records[0]["errorCode"], "IncorrectKeyException");
    assert_eq!(
        records[0]["errorMessage"],
        "The key ID in the request does not identify a CMK that can perform this operation."
    );
}

#[test]
fn changes_of_multi_region_keys_are_recorded_with_what_was_asked_and_made() {
    let rig = Rig::new();
    let alice = alice(&rig);
    let key = rig.key(json!({"MultiRegion": true}));
    let id = key.rsplit('/').next().unwrap().to_owned();
    let resources = json!([{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]);
    let replica = key.replace(REGION, "us-west-2");
    let body = json!({"KeyId": id, "ReplicaRegion": "us-west-2", "Description": "in the west"});
    let (answer, records) = rig.recorded(|| rig.try_as(&alice, "ReplicateKey", &body).unwrap());
    let [record] =
        records.iter().filter(|record| record["eventName"] == "ReplicateKey").collect::<Vec<_>>()[..]
    else {
        panic!("{records:#?}")
    };
    let both = json!({
        "multiRegionKeyType": "REPLICA",
        "primaryKey": {"arn": key, "region": REGION},
        "replicaKeys": [{"arn": replica, "region": "us-west-2"}],
    });
    let metadata = json!({
        "aWSAccountId": ACCOUNT, "keyId": id, "arn": replica, "creationDate": "Jan 1, 2026, 12:00:00 AM", "enabled": false,
        "description": "in the west", "keyUsage": "ENCRYPT_DECRYPT", "keyState": "Creating", "origin": "AWS_KMS",
        "keyManager": "CUSTOMER", "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keySpec": "SYMMETRIC_DEFAULT",
        "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "multiRegion": true, "multiRegionConfiguration": both,
    });
    let example = by_alice(
        "ReplicateKey",
        false,
        json!({
            "requestParameters": {"keyId": id, "replicaRegion": "us-west-2", "description": "in the west",
                "bypassPolicyLockoutSafetyCheck": false, "tags": []},
            "responseElements": {"replicaKeyMetadata": metadata, "replicaPolicy": answer["ReplicaPolicy"], "replicaTags": []},
            "resources": resources,
        }),
    );
    same("ReplicateKey", &example, record);

    rig.block_on(rig.service.tend_regions());
    let body = json!({"KeyId": key, "PrimaryRegion": "us-west-2"});
    let (_, records) = rig.recorded(|| rig.try_as(&alice, "UpdatePrimaryRegion", &body).unwrap());
    let [record] = records.as_slice() else { panic!("{records:#?}") };
    let example = by_alice(
        "UpdatePrimaryRegion",
        false,
        json!({
            "requestParameters": {"keyId": key, "primaryRegion": "us-west-2"},
            "responseElements": {"keyId": key}, "resources": resources,
        }),
    );
    same("UpdatePrimaryRegion", &example, record);
}

#[test]
fn what_keyreeve_does_by_itself_is_recorded_as_aws_internal() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    rig.pass_days(8);
    let ((), records) = rig.recorded(|| rig.block_on(rig.service.tend_keys()));
    assert_eq!(records.len(), 1, "{records:#?}");
    let example = json!({
        "eventVersion": "1.11", "userIdentity": {"accountId": ACCOUNT, "invokedBy": "AWS Internal"}, "eventTime": ANY,
        "eventSource": "kms.amazonaws.com", "eventName": "DeleteKey", "awsRegion": REGION, "sourceIPAddress": "AWS Internal",
        "userAgent": "AWS Internal", "requestParameters": null, "responseElements": null, "eventID": ANY, "readOnly": false,
        "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}], "eventType": "AwsServiceEvent",
        "managementEvent": true, "recipientAccountId": ACCOUNT, "eventCategory": "Management",
        "serviceEventDetails": {"keyId": key.rsplit('/').next().unwrap()},
    });
    same("DeleteKey", &example, &records[0]);
}

#[test]
fn a_use_of_a_key_is_tied_to_its_event() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let (_, records) = rig.recorded(|| rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64(b"x")})));
    let last = rig.ok("GetKeyLastUsage", json!({"KeyId": key}));
    assert_eq!(text(&last, "/KeyLastUsage/CloudTrailEventId"), records[0]["eventID"]);
}

#[test]
fn configured_keys_of_encryption_contexts_are_hashed_and_equal_values_stay_equal() {
    let rig = Rig::new();
    rig.block_on(rig.service.hash_context_keys(vec!["PatientId".to_owned()])).unwrap();
    let key = rig.key(json!({}));
    let value = |patient: &str| {
        let body = json!({"KeyId": key, "Plaintext": b64(b"x"), "EncryptionContext": {"PatientId": patient, "Ward": "3"}});
        let (_, records) = rig.recorded(|| rig.ok("Encrypt", body));
        let context = records[0]["requestParameters"]["encryptionContext"].clone();
        assert_eq!(context["Ward"], "3");
        context["PatientId"].as_str().unwrap().to_owned()
    };
    let (one, again, other) = (value("4711"), value("4711"), value("4712"));
    assert!(one.starts_with("hmac-sha256:") && one.len() == 12 + 64, "{one}");
    assert_eq!(one, again);
    assert_ne!(one, other);
    // The secret is the deployment's, not the process's.
    let _ = home();
}
