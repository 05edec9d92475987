//! Trails for the bodies of CloudTrail: what is there before each tape, and a body that is answered for each operation.

use keyreeve_service::cloudtrail::Buckets;
use serde_json::{Value, json};

const LEDGER: &str = "arn:aws:cloudtrail:eu-central-1:111122223333:trail/ledger";

/// Every bucket is there.
#[derive(Debug)]
pub(crate) struct EveryBucket;

impl Buckets for EveryBucket {
    fn exists(&self, _: &str) -> bool {
        true
    }
}

/// The trail that every tape finds.
pub(crate) const THERE: &str = "ledger";

/// The call that makes it.
pub(crate) fn making() -> (&'static str, Value) {
    ("CreateTrail", json!({"Name": THERE, "S3BucketName": "audit"}))
}

/// Bodies that are answered.
pub(crate) fn examples() -> Vec<(&'static str, Value)> {
    let named = json!({"Name": THERE});
    let tags = json!([{"Key": "a", "Value": "b"}]);
    let mut all: Vec<(&'static str, Value)> =
        ["GetTrail", "GetTrailStatus", "UpdateTrail", "StartLogging", "StopLogging", "DeleteTrail"]
            .map(|operation| (operation, named.clone()))
            .to_vec();
    all.extend([
        ("CreateTrail", json!({"Name": "fresh", "S3BucketName": "audit", "S3KeyPrefix": "kept"})),
        ("AddTags", json!({"ResourceId": LEDGER, "TagsList": tags})),
        ("RemoveTags", json!({"ResourceId": LEDGER, "TagsList": tags})),
        ("ListTags", json!({"ResourceIdList": [LEDGER]})),
        ("DescribeTrails", json!({"trailNameList": [LEDGER]})),
        ("GetEventSelectors", json!({"TrailName": THERE})),
        (
            "LookupEvents",
            json!({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateTrail"}], "StartTime": 1}),
        ),
        ("ListPublicKeys", json!({"StartTime": 1, "EndTime": 2})),
    ]);
    all
}
