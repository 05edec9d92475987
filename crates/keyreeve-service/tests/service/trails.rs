//! Trails: made, changed, started and stopped; and records that are looked up.

use std::sync::Arc;

use keyreeve_audit::Entry;
use keyreeve_model::error::WireError;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::Api;
use keyreeve_service::cloudtrail::Buckets;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, START_SECONDS, root, root_of, stranger, text};

#[derive(Debug)]
struct OneBucket;

impl Buckets for OneBucket {
    fn exists(&self, bucket: &str) -> bool {
        bucket == "audit"
    }
}

fn rig() -> Rig {
    let rig = Rig::new();
    rig.service.trails().deliver_to(Arc::new(OneBucket));
    rig
}

fn call(rig: &Rig, caller: &Caller, operation: &str, body: Value) -> Result<Value, WireError> {
    rig.try_api_as(caller, Api::CloudTrail, operation, &body)
}

fn ok(rig: &Rig, operation: &str, body: Value) -> Value {
    call(rig, &root(), operation, body).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
}

fn code(rig: &Rig, operation: &str, body: Value) -> &'static str {
    call(rig, &root(), operation, body).expect_err(operation).code
}

fn made(rig: &Rig, name: &str) -> String {
    let answer = ok(rig, "CreateTrail", json!({"Name": name, "S3BucketName": "audit"}));
    text(&answer, "/TrailARN")
}

#[test]
fn a_trail_is_as_it_was_asked_for_and_changes_as_asked() {
    let rig = rig();
    let asked = json!({"Name": "ledger", "S3BucketName": "audit", "S3KeyPrefix": "p/q/", "IsMultiRegionTrail": true,
                       "EnableLogFileValidation": true, "TagsList": [{"Key": "Team", "Value": "red"}]});
    let arn = format!("arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/ledger");
    let expected = json!({"Name": "ledger", "S3BucketName": "audit", "S3KeyPrefix": "p/q",
        "IncludeGlobalServiceEvents": true, "IsMultiRegionTrail": true, "TrailARN": arn,
        "LogFileValidationEnabled": true, "IsOrganizationTrail": false});
    assert_eq!(ok(&rig, "CreateTrail", asked), expected);
    for name in ["ledger", &arn] {
        let trail = &ok(&rig, "GetTrail", json!({"Name": name}))["Trail"];
        assert_eq!((&trail["HomeRegion"], &trail["TrailARN"]), (&json!(REGION), &json!(arn)));
    }
    let changed =
        ok(&rig, "UpdateTrail", json!({"Name": "ledger", "S3KeyPrefix": "", "IsMultiRegionTrail": false}));
    assert_eq!(changed.get("S3KeyPrefix"), None);
    assert_eq!(
        (&changed["IsMultiRegionTrail"], &changed["LogFileValidationEnabled"]),
        (&json!(false), &json!(true))
    );
    ok(
        &rig,
        "AddTags",
        json!({"ResourceId": arn, "TagsList": [{"Key": "Stage", "Value": "live"}, {"Key": "Bare"}]}),
    );
    ok(&rig, "RemoveTags", json!({"ResourceId": arn, "TagsList": [{"Key": "Team"}]}));
    let tags = ok(&rig, "ListTags", json!({"ResourceIdList": [arn]}));
    assert_eq!(
        tags["ResourceTagList"][0]["TagsList"],
        json!([{"Key": "Bare"}, {"Key": "Stage", "Value": "live"}])
    );
    ok(&rig, "DeleteTrail", json!({"Name": "ledger"}));
    assert_eq!(code(&rig, "GetTrail", json!({"Name": "ledger"})), "TrailNotFoundException");
}

#[test]
fn what_cannot_be_delivered_or_is_not_offered_is_refused() {
    let rig = rig();
    made(&rig, "there");
    for (more, expected) in [
        (json!({"Name": "x"}), "InvalidTrailNameException"),
        (json!({"Name": "there"}), "TrailAlreadyExistsException"),
        (json!({"S3BucketName": "elsewhere"}), "S3BucketDoesNotExistException"),
        (json!({"S3BucketName": "No_Bucket"}), "InvalidS3BucketNameException"),
        (json!({"S3KeyPrefix": "../x"}), "InvalidS3PrefixException"),
        (
            json!({"IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": false}),
            "InvalidParameterCombinationException",
        ),
        (json!({"TagsList": [{"Key": "aws:x"}]}), "InvalidTagParameterException"),
        (json!({"IsOrganizationTrail": true}), "UnsupportedOperationException"),
        (json!({"SnsTopicName": "topic"}), "UnsupportedOperationException"),
        (json!({"KmsKeyId": "alias/x"}), "UnsupportedOperationException"),
        (json!({"CloudWatchLogsRoleArn": "arn"}), "UnsupportedOperationException"),
    ] {
        let mut body = json!({"Name": "fresh", "S3BucketName": "audit"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(code(&rig, "CreateTrail", body), expected, "{more}");
    }
    for name in ["two", "three", "four", "five"] {
        made(&rig, name);
    }
    let sixth = json!({"Name": "six", "S3BucketName": "audit"});
    assert_eq!(code(&rig, "CreateTrail", sixth), "MaximumNumberOfTrailsExceededException");
    let nowhere = Rig::new();
    let body = json!({"Name": "fresh", "S3BucketName": "audit"});
    assert_eq!(code(&nowhere, "CreateTrail", body), "S3BucketDoesNotExistException");
}

#[test]
fn a_trail_logs_between_start_and_stop() {
    let rig = rig();
    made(&rig, "ledger");
    let name = json!({"Name": "ledger"});
    let status = |at: &str| ok(&rig, "GetTrailStatus", name.clone())[at].clone();
    assert_eq!((status("IsLogging"), status("TimeLoggingStarted")), (json!(false), json!("")));
    ok(&rig, "StartLogging", name.clone());
    rig.pass_millis(5000);
    // Once more changes nothing.
    ok(&rig, "StartLogging", name.clone());
    assert_eq!((status("IsLogging"), status("StartLoggingTime")), (json!(true), json!(START_SECONDS)));
    ok(&rig, "StopLogging", name.clone());
    assert_eq!((status("IsLogging"), status("StopLoggingTime")), (json!(false), json!(START_SECONDS + 5)));
    assert_eq!(status("TimeLoggingStopped"), json!("2026-01-01T00:00:05Z"));
}

#[test]
fn other_regions_see_a_trail_that_delivers_them_and_change_none() {
    let rig = rig();
    let arn = made(&rig, "ledger");
    let abroad = root_of(ACCOUNT, "us-east-1");
    let seen = |body: Value| {
        call(&rig, &abroad, "DescribeTrails", body).unwrap()["trailList"].as_array().unwrap().len()
    };
    assert_eq!(seen(json!({})), 0);
    ok(&rig, "UpdateTrail", json!({"Name": "ledger", "IsMultiRegionTrail": true}));
    assert_eq!((seen(json!({})), seen(json!({"includeShadowTrails": false}))), (1, 0));
    assert_eq!(
        (seen(json!({"trailNameList": ["ledger"]})), seen(json!({"trailNameList": ["other"]}))),
        (1, 0)
    );
    assert_eq!(call(&rig, &abroad, "ListTrails", json!({})).unwrap()["Trails"][0]["TrailARN"], json!(arn));
    for operation in ["UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"] {
        let error = call(&rig, &abroad, operation, json!({"Name": arn})).expect_err(operation);
        assert_eq!(error.code, "InvalidHomeRegionException", "{operation}");
    }
}

#[test]
fn nobody_reaches_the_trails_of_another_account() {
    let rig = rig();
    let arn = made(&rig, "ledger");
    for operation in
        ["GetTrail", "GetTrailStatus", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"]
    {
        let error = call(&rig, &stranger(), operation, json!({"Name": arn})).expect_err(operation);
        assert_eq!(error.code, "AccessDeniedException", "{operation}");
    }
    for operation in ["DescribeTrails", "ListTrails"] {
        let answer = call(&rig, &stranger(), operation, json!({})).unwrap().to_string();
        assert!(!answer.contains("ledger"), "{operation}: {answer}");
    }
    let named = call(&rig, &stranger(), "DescribeTrails", json!({"trailNameList": [arn]})).unwrap();
    assert_eq!(named, json!({"trailList": []}));
}

#[test]
fn public_keys_are_those_of_the_time_that_is_asked_for() {
    let rig = rig();
    let keys = |body: Value| ok(&rig, "ListPublicKeys", body)["PublicKeyList"].as_array().unwrap().clone();
    let now = keys(json!({}));
    assert_eq!(now.len(), 1);
    assert_eq!(keys(json!({"StartTime": START_SECONDS, "EndTime": START_SECONDS + 7200})), now);
    assert!(keys(json!({"StartTime": 0, "EndTime": 1})).is_empty());
    let backwards = json!({"StartTime": START_SECONDS + 1, "EndTime": START_SECONDS});
    assert_eq!(code(&rig, "ListPublicKeys", backwards), "InvalidTimeRangeException");
}

/// Appends a record of the account, `age` seconds old.
fn record(rig: &Rig, account: &str, number: u32, age: i64) {
    let id = Uuid::from_u128(u128::from(number));
    let time = Timestamp::from_millis((START_SECONDS - age) * 1000);
    let event = json!({"eventID": id.to_string(), "eventName": if number.is_multiple_of(2) { "Even" } else { "Odd" },
        "eventTime": time.to_iso_8601(), "eventSource": "kms.amazonaws.com", "readOnly": number.is_multiple_of(3),
        "userIdentity": {"type": "IAMUser", "userName": "Alice", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
        "resources": [{"type": "AWS::KMS::Key", "ARN": format!("key-{number}")}]});
    let entry = Entry {
        id,
        time,
        account: AccountId::parse(account).unwrap(),
        region: Region::parse("ap-south-1").unwrap(),
        event: event.to_string().into_bytes(),
        rows: Vec::new(),
    };
    rig.block_on(rig.service.audit().append(vec![entry])).unwrap();
}

/// The numbers of the records that are found, all pages of them, in a Region where nothing is recorded but these and the
/// questions.
fn found(rig: &Rig, body: Value) -> Vec<u32> {
    let (mut body, mut numbers) = (body, Vec::new());
    loop {
        let page = call(rig, &root_of(ACCOUNT, "ap-south-1"), "LookupEvents", body.clone()).unwrap();
        // The questions themselves are recorded too.
        let asked_about = |event: &&Value| event["EventName"] != "LookupEvents";
        for event in page["Events"].as_array().unwrap().iter().filter(asked_about) {
            let whole: Value = serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap();
            assert_eq!(whole["eventID"], event["EventId"]);
            let number =
                event["Resources"][0]["ResourceName"].as_str().unwrap().strip_prefix("key-").unwrap();
            numbers.push(number.parse().unwrap());
        }
        let Some(token) = page.get("NextToken") else { return numbers };
        assert_eq!(
            page["Events"].as_array().unwrap().len() as u64,
            body["MaxResults"].as_u64().unwrap_or(50)
        );
        body["NextToken"] = token.clone();
    }
}

#[test]
fn records_are_found_newest_first_by_each_attribute_and_once() {
    let rig = rig();
    for number in 0..12 {
        record(&rig, ACCOUNT, number, i64::from(100 - number));
    }
    // After a crash the log may hold an entry twice.
    record(&rig, ACCOUNT, 11, 89);
    record(&rig, OTHER_ACCOUNT, 90, 1);
    record(&rig, ACCOUNT, 91, 91 * 24 * 3600);
    let all: Vec<u32> = (0..12).rev().collect();
    let named = |key: &str, value: &str| json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]});
    let five = Uuid::from_u128(5).to_string();
    for (body, expected) in [
        (json!({}), all.clone()),
        (json!({"MaxResults": 5}), all.clone()),
        (json!({"MaxResults": 12}), all.clone()),
        (json!({"MaxResults": 1}), all.clone()),
        (named("EventId", &five), vec![5]),
        (named("EventName", "Odd"), vec![11, 9, 7, 5, 3, 1]),
        (named("ReadOnly", "true"), vec![9, 6, 3, 0]),
        (named("Username", "Alice"), all.clone()),
        (named("Username", "Bob"), vec![]),
        (named("ResourceType", "AWS::KMS::Key"), all.clone()),
        (named("ResourceName", "key-7"), vec![7]),
        (named("EventSource", "kms.amazonaws.com"), all.clone()),
        (named("AccessKeyId", "AKIAIOSFODNN7EXAMPLE"), all.clone()),
        (json!({"StartTime": START_SECONDS - 91}), vec![11, 10, 9]),
        (json!({"EndTime": START_SECONDS - 99}), vec![1, 0]),
        (json!({"EndTime": 9_223_372_036_854_775_u64}), all.clone()),
        (json!({"EventCategory": "insight"}), vec![]),
    ] {
        assert_eq!(found(&rig, body.clone()), expected, "{body}");
    }
}

#[test]
fn wrong_questions_have_errors_of_their_own() {
    let rig = rig();
    let one = json!({"AttributeKey": "EventName", "AttributeValue": "x"});
    for (body, expected) in [
        (json!({"MaxResults": 0}), "InvalidMaxResultsException"),
        (json!({"MaxResults": 51}), "InvalidMaxResultsException"),
        (json!({"LookupAttributes": [one, one]}), "InvalidLookupAttributesException"),
        (
            json!({"LookupAttributes": [{"AttributeKey": "Colour", "AttributeValue": "x"}]}),
            "InvalidLookupAttributesException",
        ),
        (json!({"StartTime": 2, "EndTime": 1}), "InvalidTimeRangeException"),
        (json!({"EventCategory": "data"}), "InvalidEventCategoryException"),
        (json!({"NextToken": "made-up"}), "InvalidNextTokenException"),
    ] {
        assert_eq!(code(&rig, "LookupEvents", body.clone()), expected, "{body}");
    }
}

#[test]
fn a_token_is_good_for_its_own_question_only() {
    let rig = rig();
    (0..3).for_each(|number| record(&rig, ACCOUNT, number, 9));
    let here = root_of(ACCOUNT, "ap-south-1");
    let page = call(&rig, &here, "LookupEvents", json!({"MaxResults": 1})).unwrap();
    let token = page["NextToken"].clone();
    let other = json!({"NextToken": token, "EndTime": START_SECONDS});
    let refused = [
        call(&rig, &here, "LookupEvents", other),
        call(&rig, &root_of(OTHER_ACCOUNT, "ap-south-1"), "LookupEvents", json!({"NextToken": token})),
        call(&rig, &root_of(ACCOUNT, "us-east-1"), "LookupEvents", json!({"NextToken": token})),
    ];
    for answer in refused {
        assert_eq!(answer.unwrap_err().code, "InvalidNextTokenException");
    }
    // More or fewer at a time is the same question.
    assert!(call(&rig, &here, "LookupEvents", json!({"MaxResults": 2, "NextToken": token})).is_ok());
}
