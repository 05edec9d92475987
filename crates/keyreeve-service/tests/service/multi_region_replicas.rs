//! Multi-Region keys with all Regions in one process: making replicas, and what each Region has for itself.

use serde_json::{Value, json};

use crate::multi_region_kit::{EAST, WEST, ask, in_region, metadata, ok, replicated, settle, state};
use crate::rig::{ACCOUNT, REGION, Rig, b64, id_of, text};

#[test]
fn replicate_key_answers_a_replica_in_the_making_which_is_enabled_soon() {
    let rig = Rig::new();
    let key = rig.key(
        json!({"MultiRegion": true, "Description": "primary", "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    );
    let tags = json!([{"TagKey": "t", "TagValue": "v"}]);
    let answer = rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": WEST, "Tags": tags}));
    let replica = in_region(&key, WEST);
    let made = &answer["ReplicaKeyMetadata"];
    assert_eq!(made["Arn"], json!(replica));
    assert_eq!(made["KeyState"], "Creating");
    assert_eq!((&made["Enabled"], &made["Description"]), (&json!(false), &json!("")));
    assert!(made.get("CurrentKeyMaterialId").is_none());
    assert_eq!(answer["ReplicaTags"], tags);
    assert!(text(&answer, "/ReplicaPolicy").contains("Enable IAM User Permissions"));
    let regions = json!({
        "MultiRegionKeyType": "REPLICA",
        "PrimaryKey": {"Arn": key, "Region": REGION},
        "ReplicaKeys": [{"Arn": replica, "Region": WEST}],
    });
    assert_eq!(made["MultiRegionConfiguration"], regions);
    // It is there at once, and cannot be used yet.
    assert_eq!(state(&rig, WEST, &key), "Creating");
    let error = ask(&rig, WEST, "Encrypt", json!({"KeyId": replica, "Plaintext": b64("x")})).unwrap_err();
    assert_eq!(error, ("KMSInvalidStateException".to_owned(), format!("{replica} is creating.")));
    settle(&rig);
    let there = metadata(&rig, WEST, &key);
    assert_eq!(there["KeyState"], "Enabled");
    assert_eq!(there["MultiRegionConfiguration"], regions);
    let here = metadata(&rig, REGION, &key);
    assert_eq!(here["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    assert_eq!(here["MultiRegionConfiguration"]["ReplicaKeys"], regions["ReplicaKeys"]);
    assert_eq!(there["CurrentKeyMaterialId"], here["CurrentKeyMaterialId"]);
    assert_eq!(ok(&rig, WEST, "ListResourceTags", json!({"KeyId": replica}))["Tags"], tags);
    assert_eq!(ok(&rig, WEST, "ListKeys", json!({}))["Keys"].as_array().unwrap().len(), 1);
    let restarted = rig.restarted();
    assert_eq!(metadata(&restarted, WEST, &key), there);
}

#[test]
fn regions_that_can_have_no_replica_are_refused_in_awss_words() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    let refuse = |region: &str, code: &str, message: &str| {
        rig.refuses("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": region}), code, message);
    };
    refuse(
        REGION,
        "ValidationException",
        "eu-central-1 cannot have a replica because it contains the primary.",
    );
    refuse(
        "cn-north-1",
        "ValidationException",
        "The replica key Region must be in the same AWS partition as the primary key Region.",
    );
    refuse(
        "us-invalid-1",
        "ValidationException",
        "Region us-invalid-1 is not a valid Region or multi-Region keys are not supported in Region us-invalid-1.",
    );
    let once = "You can create only one replica of each primary key in each AWS Region.";
    refuse(WEST, "AlreadyExistsException", once);
    ok(&rig, WEST, "ScheduleKeyDeletion", json!({"KeyId": id_of(&key)}));
    refuse(WEST, "AlreadyExistsException", once);
    let single = rig.key(json!({}));
    let text = format!("{single} is not a multi-region primary key.");
    for (operation, member) in [("ReplicateKey", "ReplicaRegion"), ("UpdatePrimaryRegion", "PrimaryRegion")] {
        rig.refuses(
            operation,
            json!({"KeyId": single, member: EAST}),
            "UnsupportedOperationException",
            &text,
        );
    }
    ok(&rig, WEST, "CancelKeyDeletion", json!({"KeyId": id_of(&key)}));
    ok(&rig, WEST, "EnableKey", json!({"KeyId": id_of(&key)}));
    let replica = in_region(&key, WEST);
    let error =
        ask(&rig, WEST, "ReplicateKey", json!({"KeyId": replica, "ReplicaRegion": EAST})).unwrap_err();
    let text = format!("{replica} is not a multi-region primary key.");
    assert_eq!(error, ("UnsupportedOperationException".to_owned(), text.clone()));
    let error = ask(&rig, WEST, "RotateKeyOnDemand", json!({"KeyId": replica})).unwrap_err();
    assert_eq!(error, ("UnsupportedOperationException".to_owned(), text));
}

#[test]
fn policy_tags_aliases_and_state_are_each_regions_own() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    rig.ok("DisableKey", json!({"KeyId": key}));
    rig.ok("CreateAlias", json!({"AliasName": "alias/here", "TargetKeyId": key}));
    settle(&rig);
    assert_eq!(state(&rig, WEST, &key), "Enabled");
    assert!(ask(&rig, WEST, "DescribeKey", json!({"KeyId": "alias/here"})).is_err());
    ok(&rig, WEST, "UpdateKeyDescription", json!({"KeyId": id_of(&key), "Description": "west"}));
    assert_eq!(metadata(&rig, REGION, &key)["Description"], "");
    let other =
        ask(&rig, WEST, "Decrypt", json!({"KeyId": key, "CiphertextBlob": b64([1; 64])})).unwrap_err();
    assert_eq!(other.0, "IncorrectKeyException");
}

#[test]
fn the_replica_region_asks_for_create_key_there() {
    let rig = Rig::new();
    let key = rig.key(json!({"MultiRegion": true}));
    let user = |actions: &Value| {
        rig.user_of(ACCOUNT, "Rita");
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": "*"},
            {"Effect": "Deny", "Action": "kms:CreateKey", "Resource": "*",
             "Condition": {"StringEquals": {"aws:RequestedRegion": WEST}}},
            {"Effect": "Deny", "Action": "kms:ReplicateKey", "Resource": "*",
             "Condition": {"StringEquals": {"kms:ReplicaRegion": "sa-east-1"}}},
        ]});
        rig.user_policy(ACCOUNT, "Rita", &policy.to_string());
        rig.user_of(ACCOUNT, "Rita")
    };
    let replicate = |actions: Value, region: &str, tags: Value| {
        let body = json!({"KeyId": key, "ReplicaRegion": region, "Tags": tags});
        rig.try_as(&user(&actions), "ReplicateKey", &body).map_err(|error| error.message.unwrap_or_default())
    };
    let both = json!(["kms:ReplicateKey", "kms:CreateKey"]);
    let denied = replicate(json!("kms:ReplicateKey"), EAST, json!([])).unwrap_err();
    assert!(denied.contains("kms:CreateKey"), "{denied}");
    let denied = replicate(both.clone(), EAST, json!([{"TagKey": "a", "TagValue": "b"}])).unwrap_err();
    assert!(denied.contains("kms:TagResource"), "{denied}");
    let denied = replicate(both.clone(), WEST, json!([])).unwrap_err();
    assert!(denied.contains("kms:CreateKey"), "{denied}");
    let denied = replicate(both.clone(), "sa-east-1", json!([])).unwrap_err();
    assert!(denied.contains("kms:ReplicateKey"), "{denied}");
    replicate(both, EAST, json!([])).unwrap();
}

#[test]
fn conditions_tell_primaries_from_replicas() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    rig.user_of(ACCOUNT, "Paul");
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*",
         "Condition": {"StringEquals": {"kms:MultiRegionKeyType": "REPLICA"}}},
    ]});
    rig.user_policy(ACCOUNT, "Paul", &policy.to_string());
    let mut paul = rig.user_of(ACCOUNT, "Paul");
    let body = json!({"KeyId": id_of(&key)});
    assert!(rig.try_as(&paul, "DescribeKey", &body).is_err());
    paul.region = keyreeve_model::region::Region::parse(WEST).unwrap();
    rig.try_as(&paul, "DescribeKey", &body).unwrap();
}

#[test]
fn the_service_linked_role_comes_with_the_first_multi_region_key() {
    let rig = Rig::new();
    rig.key(json!({}));
    let roles = |rig: &Rig| rig.iam("ListRoles", json!({}))["Roles"].as_array().unwrap().len();
    assert_eq!(roles(&rig), 0);
    for _ in 0..2 {
        rig.key(json!({"MultiRegion": true}));
        let role =
            rig.iam("GetRole", json!({"RoleName": "AWSServiceRoleForKeyManagementServiceMultiRegionKeys"}));
        assert_eq!(text(&role, "/Role/Path"), "/aws-service-role/mrk.kms.amazonaws.com/");
        assert_eq!(roles(&rig), 1);
    }
}

#[test]
fn each_region_records_what_it_took_over_from_another() {
    let rig = Rig::new();
    let key = rig.key(json!({"MultiRegion": true}));
    let (_, records) = rig.recorded(|| {
        rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": WEST}));
        settle(&rig);
    });
    let of = |name: &str| records.iter().filter(|record| record["eventName"] == name).collect::<Vec<_>>();
    let [replicate] = of("ReplicateKey")[..] else { panic!("{records:?}") };
    let shown = json!({"keyId": key, "replicaRegion": WEST, "description": "",
                       "bypassPolicyLockoutSafetyCheck": false, "tags": []});
    assert_eq!(replicate["requestParameters"], shown);
    assert_eq!(replicate["responseElements"]["replicaKeyMetadata"]["keyState"], "Creating");
    let told = of("SynchronizeMultiRegionKey");
    assert_eq!(told.len(), 2, "it is made, and gets its material");
    for record in told {
        assert_eq!((&record["awsRegion"], &record["eventType"]), (&json!(WEST), &json!("AwsApiCall")));
        let role = text(record, "/userIdentity/arn");
        assert!(
            role.contains("assumed-role/AWSServiceRoleForKeyManagementServiceMultiRegionKeys/"),
            "{role}"
        );
        assert!(record["requestID"].is_string());
        assert_eq!(record["resources"][0]["ARN"], json!(in_region(&key, WEST)));
    }
    let (_, records) = rig.recorded(|| settle(&rig));
    assert_eq!(records, Vec::<Value>::new(), "nothing is left to do");
}
