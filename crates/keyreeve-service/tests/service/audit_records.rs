//! Every operation, allowed and refused, leaves a record in CloudTrail's form; generated from the catalogue.

use keyreeve_service::catalogue::{Api, CATALOGUE, Effect, Row};
use serde_json::{Value, json};

use crate::condition_world::World;
use crate::kit::{Kit, kms_rows};
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, Rig, stranger};

/// The one record of a call.
fn only(row: &Row, records: &[Value]) -> Value {
    assert_eq!(records.len(), 1, "{}: {records:#?}", row.name);
    let record = records[0].clone();
    assert_eq!(record["eventName"], row.name);
    assert_eq!(record["recipientAccountId"], ACCOUNT, "{}", row.name);
    assert_eq!(record["readOnly"], row.effect != Effect::Changes, "{}", row.name);
    record
}

/// No text that only the caller may know stands in a record.
fn holds_no_secret(row: &Row, record: &Value, asked: &Value, answer: &Value) {
    const SECRET: &[&str] = &[
        "Plaintext",
        "CiphertextBlob",
        "Message",
        "Signature",
        "Mac",
        "SharedSecret",
        "PrivateKeyPlaintext",
        "PrivateKeyCiphertextBlob",
        "GrantToken",
        "SecretAccessKey",
        "SessionToken",
        "ImportToken",
        "EncryptedKeyMaterial",
        "PublicKey",
    ];
    fn secrets<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if SECRET.contains(&name.as_str()) => found.push(text),
                        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                        Value::Array(_) | Value::Object(_) => secrets(value, found),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| secrets(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let (mut found, text) = (Vec::new(), record.to_string());
    secrets(asked, &mut found);
    secrets(answer, &mut found);
    for secret in found {
        assert!(secret.len() < 4 || !text.contains(secret), "{}: {secret} in {text}", row.name);
    }
}

#[test]
fn an_allowed_call_of_kms_leaves_one_record() {
    for row in kms_rows() {
        let rig = Rig::new();
        let kit = Kit::new(&rig);
        if row.name == "CancelKeyDeletion" {
            rig.ok("ScheduleKeyDeletion", json!({"KeyId": kit.symmetric}));
        }
        let body = kit.body(row.name);
        let (answer, mut records) = rig.recorded(|| rig.ok(row.name, body.clone()));
        // What the other Region took over, which is in this process too.
        records.retain(|record| record["eventName"] != "SynchronizeMultiRegionKey");
        let record = only(row, &records);
        assert_eq!(record["errorCode"], Value::Null, "{}", row.name);
        assert_eq!(record["eventSource"], "kms.amazonaws.com");
        assert_eq!(record["userIdentity"]["type"], "Root");
        holds_no_secret(row, &record, &body, &answer);
        let about_keys = record["resources"].as_array().map_or(0, Vec::len);
        let expected = match row.name {
            "ReEncrypt" | "CreateAlias" | "UpdateAlias" | "DeleteAlias" => 2..=3,
            _ if row.name == "CreateKey" || body.get("KeyId").is_some() || row.usage.is_some() => 1..=1,
            "RetireGrant" => 1..=1,
            _ => 0..=0,
        };
        assert!(expected.contains(&about_keys), "{}: {record:#}", row.name);
        if row.effect != Effect::Changes {
            assert_eq!(record["responseElements"], Value::Null, "{}", row.name);
        }
    }
}

#[test]
fn a_refused_call_of_kms_leaves_one_record_that_names_what_decided() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    rig.user_of(ACCOUNT, "Alice");
    let nothing = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Never", "Effect": "Deny", "Action": "kms:*", "Resource": "*"}]});
    rig.user_policy(ACCOUNT, "Alice", &nothing.to_string());
    let alice = rig.user("Alice");
    for row in kms_rows() {
        let (answer, records) = rig.recorded(|| rig.try_as(&alice, row.name, &kit.body(row.name)));
        let record = only(row, &records);
        let error = answer.expect_err(row.name);
        assert_eq!(error.code, "AccessDeniedException", "{}", row.name);
        assert_eq!(record["errorCode"], "AccessDenied", "{}", row.name);
        assert_eq!(record["errorMessage"], error.message.unwrap(), "{}", row.name);
        let decided = &record["additionalEventData"]["decidedBy"];
        assert_eq!(
            (&decided["policyType"], &decided["statement"], &decided["sid"]),
            (&json!("identity-based policy"), &json!(1), &json!("Never")),
            "{}",
            row.name
        );
        assert_eq!(record["userIdentity"]["userName"], "Alice");
    }
}

#[test]
fn a_body_that_is_no_input_leaves_a_record_without_parameters() {
    let rig = Rig::new();
    for row in kms_rows() {
        let (_, records) =
            rig.recorded(|| rig.try_bytes(&crate::rig::root(), row.name, b"{\"KeyId\":").unwrap_err());
        let record = only(row, &records);
        assert_eq!(
            (&record["errorCode"], &record["requestParameters"]),
            (&json!("SerializationException"), &Value::Null)
        );
    }
}

#[test]
fn calls_of_iam_sts_cloudtrail_and_operators_leave_records_allowed_and_refused() {
    let world = World::new();
    let signed = |row: &&Row| matches!(row.api, Api::Iam | Api::Sts | Api::CloudTrail) && row.signed;
    for (allow, effect) in [(false, "Deny"), (true, "Allow")] {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": effect, "Action": ["iam:*", "sts:*", "cloudtrail:*"], "Resource": "*"}]});
        world.rig.iam(
            "PutUserPolicy",
            json!({"UserName": "Alice", "PolicyName": "p", "PolicyDocument": document.to_string()}),
        );
        for row in CATALOGUE.iter().filter(signed) {
            let alice = world.rig.user("Alice");
            let body = world.body(row);
            let (answer, records) = world.rig.recorded(|| world.call(&alice, row, &body));
            let record = only(row, &records);
            let source = match row.api {
                Api::Iam => "iam.amazonaws.com",
                Api::CloudTrail => "cloudtrail.amazonaws.com",
                Api::Sts | Api::Kms | Api::Operator => "sts.amazonaws.com",
            };
            assert_eq!(record["eventSource"], source);
            let denied = record["errorCode"] == "AccessDenied";
            assert_eq!(answer.is_err(), record["errorCode"] != Value::Null, "{}", row.name);
            assert!(denied != allow || row.actions.is_empty(), "{}: {record:#}", row.name);
            holds_no_secret(row, &record, &body, answer.as_ref().unwrap_or(&Value::Null));
        }
    }
    let (_, records) = world.rig.recorded(|| world.rig.operate("ListAccounts", json!({})));
    assert_eq!(records[0]["userIdentity"]["type"], "Operator");
    assert_eq!(records[0]["eventSource"], "admin.keyreeve");
}

#[test]
fn a_key_of_another_account_is_recorded_in_both_and_a_denial_in_the_callers_alone() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let call = || rig.try_as(&stranger(), "DescribeKey", &json!({"KeyId": key}));
    let (_, records) = rig.recorded(|| call().unwrap_err());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["recipientAccountId"], OTHER_ACCOUNT);
    assert!(records[0].get("resources").is_none(), "{:#}", records[0]);
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}]});
    rig.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": policy.to_string()}));
    let (_, records) = rig.recorded(|| call().unwrap());
    let recipients: Vec<_> = records.iter().map(|record| &record["recipientAccountId"]).collect();
    assert_eq!(recipients, [OTHER_ACCOUNT, ACCOUNT]);
    assert_eq!(records[0]["sharedEventID"], records[1]["sharedEventID"]);
    assert_ne!(records[0]["eventID"], records[1]["eventID"]);
    assert_eq!(
        records[1]["userIdentity"],
        json!({"type": "AWSAccount", "principalId": OTHER_ACCOUNT, "accountId": OTHER_ACCOUNT})
    );
}

#[test]
fn every_commit_of_a_request_stands_in_the_log_with_its_rows() {
    let rig = Rig::new();
    let before = rig.log_end();
    let key = rig.key(json!({}));
    let entries = rig.entries_after(before);
    let rows: Vec<_> = entries[0].rows.iter().map(|row| row.0.as_str()).collect();
    let id = key.rsplit('/').next().unwrap();
    assert!(rows.iter().all(|path| path.starts_with("kms/") && path.contains(id)), "{rows:?}");
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(entries[0].rows.iter().all(|row| row.1 > 0 && row.2.is_some()));
}
