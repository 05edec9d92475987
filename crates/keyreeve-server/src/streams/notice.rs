//! Notices in EventBridge's shape, derived from records by a table.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/kms-events.html>

use keyreeve_audit::Entry;
use serde_json::{Map, Value, json};

const KMS: &str = "kms.amazonaws.com";

/// One notice: which records call for it, and what it is called.
struct Row {
    event_source: &'static str,
    event_name: &'static str,
    source: &'static str,
    detail_type: &'static str,
    /// The member of the record that the detail comes from.
    detail: &'static str,
}

const fn row(event_name: &'static str, source: &'static str, detail_type: &'static str) -> Row {
    Row { event_source: KMS, event_name, source, detail_type, detail: "serviceEventDetails" }
}

/// The first three are AWS's; AWS tells nobody that a deletion is scheduled.
const ROWS: &[Row] = &[
    row("RotateKey", "aws.kms", "KMS CMK Rotation"),
    row("DeleteKey", "aws.kms", "KMS CMK Deletion"),
    row("DeleteExpiredKeyMaterial", "aws.kms", "KMS Imported Key Material Expiration"),
    Row {
        detail: "responseElements",
        ..row("ScheduleKeyDeletion", "keyreeve", "KMS Key Deletion Scheduled")
    },
    Row {
        event_source: "admin.keyreeve",
        ..row("AuditIntegrityAlarm", "keyreeve", "Keyreeve Integrity Alarm")
    },
    Row {
        event_source: "admin.keyreeve",
        ..row("KeyDeleted", "keyreeve", "Keyreeve Key Recoverable From Old Copies")
    },
    Row { event_source: "admin.keyreeve", ..row("KeyShredded", "keyreeve", "Keyreeve Key Shredded") },
];

/// The notice of an entry; most have none. Its id is the entry's, so that a receiver can tell a repetition.
pub(super) fn of(entry: &Entry) -> Option<Vec<u8>> {
    // Reading every record for the sake of a few would cost more than looking for a name in its bytes.
    let named = ROWS.iter().any(|row| contains(&entry.event, row.event_name.as_bytes()));
    let record: Value = named.then(|| serde_json::from_slice(&entry.event).ok())??;
    let member = |name: &str| record.get(name).and_then(Value::as_str);
    let row = ROWS.iter().find(|row| {
        member("eventName") == Some(row.event_name) && member("eventSource") == Some(row.event_source)
    })?;
    if member("errorCode").is_some() {
        return None;
    }
    let resources = resources(&record);
    let notice = json!({
        "version": "0",
        "id": entry.id,
        "detail-type": row.detail_type,
        "source": row.source,
        "account": entry.account.as_str(),
        "time": entry.time.to_iso_8601(),
        "region": entry.region.as_str(),
        "resources": resources,
        "detail": detail(&record, row, resources.first().map(String::as_str)),
    });
    Some(notice.to_string().into_bytes())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The ARNs of the record.
fn resources(record: &Value) -> Vec<String> {
    let listed = record.get("resources").and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|resource| Some(resource.get("ARN")?.as_str()?.to_owned())).collect()
}

/// What the record tells of the event, with names as EventBridge writes them: `key-id`, always a bare id, then the rest.
fn detail(record: &Value, row: &Row, arn: Option<&str>) -> Map<String, Value> {
    let empty = Map::new();
    let told = record.get(row.detail).and_then(Value::as_object).unwrap_or(&empty);
    let key = told.get("keyId").and_then(Value::as_str).or(arn);
    let mut detail = Map::new();
    if let Some(key) = key {
        detail.insert("key-id".to_owned(), Value::from(key.rsplit('/').next().unwrap_or(key)));
    }
    for (name, value) in told.iter().filter(|(name, _)| *name != "keyId") {
        detail.insert(kebab(name), value.clone());
    }
    detail
}

/// `previousKeyMaterialId` is `previous-key-material-id`.
fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use keyreeve_model::region::{AccountId, Region};
    use keyreeve_model::timestamp::Timestamp;
    use uuid::Uuid;

    use super::*;

    const ARN: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn notice(mut record: Value) -> Option<Value> {
        record["resources"] = json!([{ "accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": ARN }]);
        let entry = Entry {
            id: Uuid::from_u128(7),
            time: Timestamp::from_millis(1_747_969_914_123),
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            event: record.to_string().into_bytes(),
            rows: Vec::new(),
        };
        of(&entry).map(|json| serde_json::from_slice(&json).unwrap())
    }

    #[test]
    fn a_rotation_is_told_as_aws_tells_it() {
        let found = notice(json!({
            "eventSource": KMS, "eventName": "RotateKey", "eventType": "AwsServiceEvent",
            "serviceEventDetails": {
                "rotationType": "ON_DEMAND", "keyOrigin": "AWS_KMS", "previousKeyMaterialId": "ab",
                "currentKeyMaterialId": "cd", "keyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
            },
        }));
        let expected = json!({
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000007",
            "detail-type": "KMS CMK Rotation",
            "source": "aws.kms",
            "account": "111122223333",
            "time": "2025-05-23T03:11:54Z",
            "region": "us-west-2",
            "resources": [ARN],
            "detail": {
                "key-id": "1234abcd-12ab-34cd-56ef-1234567890ab", "rotation-type": "ON_DEMAND",
                "key-origin": "AWS_KMS", "previous-key-material-id": "ab", "current-key-material-id": "cd",
            },
        });
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn only_what_happened_and_what_a_row_names_is_told() {
        for (record, expected) in [
            (json!({ "eventSource": KMS, "eventName": "DeleteKey" }), Some(("aws.kms", "KMS CMK Deletion"))),
            (
                json!({ "eventSource": KMS, "eventName": "DeleteExpiredKeyMaterial" }),
                Some(("aws.kms", "KMS Imported Key Material Expiration")),
            ),
            (
                json!({ "eventSource": KMS, "eventName": "ScheduleKeyDeletion",
                        "responseElements": { "keyId": ARN, "pendingWindowInDays": 7 } }),
                Some(("keyreeve", "KMS Key Deletion Scheduled")),
            ),
            (
                json!({ "eventSource": "admin.keyreeve", "eventName": "AuditIntegrityAlarm" }),
                Some(("keyreeve", "Keyreeve Integrity Alarm")),
            ),
            (
                json!({ "eventSource": KMS, "eventName": "ScheduleKeyDeletion", "errorCode": "AccessDenied" }),
                None,
            ),
            (json!({ "eventSource": KMS, "eventName": "Encrypt", "requestID": "RotateKey" }), None),
            (json!({ "eventSource": "sts.amazonaws.com", "eventName": "DeleteKey" }), None),
        ] {
            let found = notice(record.clone());
            let names = found.as_ref().map(|notice| {
                assert_eq!(notice["detail"]["key-id"], "1234abcd-12ab-34cd-56ef-1234567890ab", "{notice}");
                (notice["source"].as_str().unwrap(), notice["detail-type"].as_str().unwrap())
            });
            assert_eq!(names, expected, "{record}");
        }
    }
}
