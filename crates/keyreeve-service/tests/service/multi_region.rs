//! Multi-Region keys with all Regions in one process: replicate, use, rotate, hand the primary over, delete.

use keyreeve_model::region::AccountId;
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, START_SECONDS, b64, blob, id_of, root_of, text};

const WEST: &str = "eu-west-1";
const EAST: &str = "us-east-1";

/// Calls as the root user of the account in a Region.
fn ask(rig: &Rig, region: &str, operation: &str, body: Value) -> Result<Value, (String, String)> {
    rig.try_as(&root_of(ACCOUNT, region), operation, &body)
        .map_err(|error| (error.code.to_owned(), error.message.unwrap_or_default()))
}

fn ok(rig: &Rig, region: &str, operation: &str, body: Value) -> Value {
    ask(rig, region, operation, body.clone())
        .unwrap_or_else(|error| panic!("{region} {operation} {body}: {error:?}"))
}

fn metadata(rig: &Rig, region: &str, key: &str) -> Value {
    ok(rig, region, "DescribeKey", json!({"KeyId": id_of(key)}))["KeyMetadata"].clone()
}

fn state(rig: &Rig, region: &str, key: &str) -> String {
    text(&metadata(rig, region, key), "/KeyState")
}

fn in_region(key: &str, region: &str) -> String {
    key.replace(REGION, region)
}

/// Everything that is left to do between Regions, and of time.
fn settle(rig: &Rig) {
    for _ in 0..6 {
        rig.block_on(async {
            rig.service.tend_keys().await;
            rig.service.tend_regions().await;
        });
    }
}

fn replicated(rig: &Rig, body: Value, to: &[&str]) -> String {
    let mut body = body;
    body["MultiRegion"] = json!(true);
    let key = rig.key(body);
    for region in to {
        rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": region}));
    }
    settle(rig);
    key
}

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
fn what_one_region_makes_every_region_opens_for_every_spec() {
    let rig = Rig::new();
    let message = b64("message");
    let specs = [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "RSAES_OAEP_SHA_256"),
        ("RSA_2048", "SIGN_VERIFY", "RSASSA_PSS_SHA_256"),
        ("ECC_NIST_P256", "SIGN_VERIFY", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "SIGN_VERIFY", "ECDSA_SHA_384"),
        ("ECC_NIST_P521", "SIGN_VERIFY", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "ED25519_SHA_512"),
        ("ML_DSA_44", "SIGN_VERIFY", "ML_DSA_SHAKE_256"),
        ("HMAC_224", "GENERATE_VERIFY_MAC", "HMAC_SHA_224"),
        ("HMAC_256", "GENERATE_VERIFY_MAC", "HMAC_SHA_256"),
        ("HMAC_384", "GENERATE_VERIFY_MAC", "HMAC_SHA_384"),
        ("HMAC_512", "GENERATE_VERIFY_MAC", "HMAC_SHA_512"),
        ("ECC_NIST_P256", "KEY_AGREEMENT", "ECDH"),
        ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "ML_KEM"),
    ];
    for (spec, usage, algorithm) in specs {
        let key = replicated(&rig, json!({"KeySpec": spec, "KeyUsage": usage}), &[WEST, EAST]);
        let id = id_of(&key);
        for (from, to) in [(REGION, WEST), (WEST, EAST), (EAST, REGION)] {
            let with = |extra: Value| {
                let mut body = json!({"KeyId": id});
                body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
                body
            };
            let same = |operation: &str, body: &Value, member: &str| {
                let [one, other] =
                    [from, to].map(|region| ok(&rig, region, operation, body.clone())[member].clone());
                assert_eq!(one, other, "{spec} {operation}");
            };
            match usage {
                "ENCRYPT_DECRYPT" => {
                    let sealed = ok(
                        &rig,
                        from,
                        "Encrypt",
                        with(json!({"Plaintext": message, "EncryptionAlgorithm": algorithm})),
                    );
                    let opened = ok(
                        &rig,
                        to,
                        "Decrypt",
                        with(
                            json!({"CiphertextBlob": sealed["CiphertextBlob"], "EncryptionAlgorithm": algorithm}),
                        ),
                    );
                    assert_eq!(blob(&opened, "/Plaintext"), b"message", "{spec}");
                    assert_eq!(opened["KeyId"], json!(in_region(&key, to)));
                }
                "SIGN_VERIFY" => {
                    let signed = ok(
                        &rig,
                        from,
                        "Sign",
                        with(json!({"Message": message, "SigningAlgorithm": algorithm})),
                    );
                    let body = with(
                        json!({"Message": message, "SigningAlgorithm": algorithm, "Signature": signed["Signature"]}),
                    );
                    assert_eq!(ok(&rig, to, "Verify", body)["SignatureValid"], true, "{spec}");
                    same("GetPublicKey", &with(json!({})), "PublicKey");
                }
                "GENERATE_VERIFY_MAC" => {
                    same("GenerateMac", &with(json!({"Message": message, "MacAlgorithm": algorithm})), "Mac")
                }
                "KEY_AGREEMENT" => {
                    let peer = ok(&rig, to, "GetPublicKey", with(json!({})))["PublicKey"].clone();
                    same(
                        "DeriveSharedSecret",
                        &with(json!({"KeyAgreementAlgorithm": algorithm, "PublicKey": peer})),
                        "SharedSecret",
                    );
                }
                _ => {
                    let made =
                        ok(&rig, from, "Encapsulate", with(json!({"EncapsulationAlgorithm": algorithm})));
                    let body = with(
                        json!({"EncapsulationAlgorithm": algorithm, "SharedSecretCiphertextBlob": made["SharedSecretCiphertextBlob"]}),
                    );
                    assert_eq!(ok(&rig, to, "Decapsulate", body)["SharedSecret"], made["SharedSecret"]);
                }
            }
        }
    }
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
fn a_rotation_is_known_everywhere_before_anybody_encrypts_with_it() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST, EAST]);
    let id = json!({"KeyId": id_of(&key)});
    let before = metadata(&rig, REGION, &key)["CurrentKeyMaterialId"].clone();
    let old = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("old")}))["CiphertextBlob"].clone();
    rig.ok("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 90}));
    settle(&rig);
    let status = ok(&rig, WEST, "GetKeyRotationStatus", id.clone());
    assert_eq!((&status["KeyRotationEnabled"], &status["RotationPeriodInDays"]), (&json!(true), &json!(90)));
    rig.pass_days(90);
    // New material waits.
    rig.block_on(rig.service.tend_keys());
    assert_eq!(metadata(&rig, REGION, &key)["CurrentKeyMaterialId"], before);
    settle(&rig);
    let after = metadata(&rig, REGION, &key)["CurrentKeyMaterialId"].clone();
    assert_ne!(after, before);
    for region in [WEST, EAST] {
        assert_eq!(metadata(&rig, region, &key)["CurrentKeyMaterialId"], after, "{region}");
        let opened = ok(&rig, region, "Decrypt", json!({"CiphertextBlob": old}));
        assert_eq!((blob(&opened, "/Plaintext"), &opened["KeyMaterialId"]), (b"old".to_vec(), &before));
        assert_eq!(
            ok(&rig, region, "ListKeyRotations", id.clone())["Rotations"].as_array().unwrap().len(),
            1
        );
    }
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    settle(&rig);
    let last = metadata(&rig, REGION, &key)["CurrentKeyMaterialId"].clone();
    assert_ne!(last, after);
    assert_eq!(metadata(&rig, EAST, &key)["CurrentKeyMaterialId"], last);
}

#[test]
fn the_primary_moves_and_everything_works_on() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST, EAST]);
    let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": REGION}));
    assert_eq!(state(&rig, REGION, &key), "Enabled", "it is there already");
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": WEST}));
    let here = metadata(&rig, REGION, &key);
    assert_eq!((&here["KeyState"], &here["Enabled"]), (&json!("Updating"), &json!(false)));
    assert_eq!(here["MultiRegionConfiguration"]["MultiRegionKeyType"], "REPLICA", "swapped already");
    rig.ok("Decrypt", json!({"CiphertextBlob": sealed}));
    rig.refuses(
        "DisableKey",
        json!({"KeyId": key}),
        "KMSInvalidStateException",
        &format!("{key} is updating."),
    );
    let again = json!({"KeyId": key, "PrimaryRegion": WEST});
    rig.ok("UpdatePrimaryRegion", again);
    let other = json!({"KeyId": key, "PrimaryRegion": EAST});
    rig.refuses("UpdatePrimaryRegion", other, "KMSInvalidStateException", &format!("{key} is updating."));
    settle(&rig);
    let regions = |region: &str| metadata(&rig, region, &key)["MultiRegionConfiguration"].clone();
    for region in [REGION, WEST, EAST] {
        assert_eq!(state(&rig, region, &key), "Enabled", "{region}");
        let kind = if region == WEST { "PRIMARY" } else { "REPLICA" };
        assert_eq!(regions(region)["MultiRegionKeyType"], kind, "{region}");
        assert_eq!(regions(region)["PrimaryKey"]["Region"], WEST);
        let names: Vec<_> = regions(region)["ReplicaKeys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| text(key, "/Region"))
            .collect();
        assert_eq!(names, [REGION, EAST]);
        ok(&rig, region, "Decrypt", json!({"CiphertextBlob": sealed}));
    }
    ok(&rig, WEST, "RotateKeyOnDemand", json!({"KeyId": id_of(&key)}));
    settle(&rig);
    let current = |region| metadata(&rig, region, &key)["CurrentKeyMaterialId"].clone();
    assert_eq!(current(REGION), current(WEST));
    assert_eq!(current(EAST), current(WEST));
    ok(&rig, WEST, "UpdatePrimaryRegion", json!({"KeyId": id_of(&key), "PrimaryRegion": REGION}));
    settle(&rig);
    assert_eq!(regions(REGION)["MultiRegionKeyType"], "PRIMARY");
}

#[test]
fn the_region_that_becomes_primary_has_a_say() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    let (id, replica) = (id_of(&key), in_region(&key, WEST));
    let update = json!({"KeyId": key, "PrimaryRegion": WEST});
    ok(&rig, WEST, "DisableKey", json!({"KeyId": id}));
    rig.refuses(
        "UpdatePrimaryRegion",
        update.clone(),
        "DisabledException",
        &format!("{replica} is disabled."),
    );
    ok(&rig, WEST, "ScheduleKeyDeletion", json!({"KeyId": id}));
    let pending = format!("{replica} is pending deletion.");
    rig.refuses("UpdatePrimaryRegion", update.clone(), "KMSInvalidStateException", &pending);
    ok(&rig, WEST, "CancelKeyDeletion", json!({"KeyId": id}));
    ok(&rig, WEST, "EnableKey", json!({"KeyId": id}));
    let denies = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "kms:UpdatePrimaryRegion", "Resource": "*"},
    ]});
    ok(&rig, WEST, "PutKeyPolicy", json!({"KeyId": id, "Policy": denies.to_string()}));
    let error = ask(&rig, REGION, "UpdatePrimaryRegion", update.clone()).unwrap_err();
    assert_eq!(error.0, "AccessDeniedException");
    assert!(error.1.contains(&replica), "{}", error.1);
    assert_eq!(state(&rig, REGION, &key), "Enabled");
    let nowhere = json!({"KeyId": key, "PrimaryRegion": EAST});
    let missing = format!("Key '{}' does not exist", in_region(&key, EAST));
    rig.refuses("UpdatePrimaryRegion", nowhere, "NotFoundException", &missing);
}

#[test]
fn a_replica_that_is_disabled_at_the_last_moment_refuses_and_the_primary_stays() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": WEST}));
    ok(&rig, WEST, "DisableKey", json!({"KeyId": id_of(&key)}));
    settle(&rig);
    let here = metadata(&rig, REGION, &key);
    assert_eq!(here["KeyState"], "Enabled");
    assert_eq!(here["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    ok(&rig, WEST, "EnableKey", json!({"KeyId": id_of(&key)}));
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": WEST}));
    settle(&rig);
    assert_eq!(metadata(&rig, WEST, &key)["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
}

const DAY: i64 = 86_400;

#[test]
fn a_primary_waits_for_its_replicas_and_then_for_itself() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST, EAST]);
    let id = id_of(&key);
    let answer = rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 9}));
    assert_eq!(answer, json!({"KeyId": key, "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 9}));
    let here = metadata(&rig, REGION, &key);
    assert_eq!(here["PendingDeletionWindowInDays"], 9);
    assert!(here.get("DeletionDate").is_none());
    let pending = format!("{key} is pending replica deletion.");
    rig.refuses(
        "Encrypt",
        json!({"KeyId": key, "Plaintext": b64("x")}),
        "KMSInvalidStateException",
        &pending,
    );
    ok(&rig, WEST, "Encrypt", json!({"KeyId": id, "Plaintext": b64("x")}));
    rig.ok("CancelKeyDeletion", json!({"KeyId": key}));
    assert_eq!(state(&rig, REGION, &key), "Disabled");
    assert!(metadata(&rig, REGION, &key).get("PendingDeletionWindowInDays").is_none());
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 9}));
    for region in [WEST, EAST] {
        ok(&rig, region, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    }
    rig.pass_days(7);
    settle(&rig);
    let here = metadata(&rig, REGION, &key);
    assert_eq!(here["KeyState"], "PendingDeletion");
    assert_eq!(here["DeletionDate"], json!(START_SECONDS + 16 * DAY));
    assert_eq!(here["MultiRegionConfiguration"]["ReplicaKeys"], json!([]));
    let error = ask(&rig, WEST, "DescribeKey", json!({"KeyId": id})).unwrap_err();
    assert_eq!(error.0, "NotFoundException");
    rig.pass_days(9);
    settle(&rig);
    assert_eq!(ask(&rig, REGION, "DescribeKey", json!({"KeyId": id})).unwrap_err().0, "NotFoundException");
}

#[test]
fn a_replica_can_be_deleted_and_made_anew() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({}), &[WEST]);
    let id = id_of(&key);
    for round in 0..3 {
        ok(&rig, WEST, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
        rig.pass_days(7);
        settle(&rig);
        assert!(ask(&rig, WEST, "DescribeKey", json!({"KeyId": id})).is_err(), "round {round}");
        assert_eq!(metadata(&rig, REGION, &key)["MultiRegionConfiguration"]["ReplicaKeys"], json!([]));
        rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": WEST}));
        settle(&rig);
        assert_eq!(state(&rig, WEST, &key), "Enabled");
    }
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
    assert!(AccountId::parse(OTHER_ACCOUNT).is_some());
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

#[test]
fn imported_material_never_crosses() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({"Origin": "EXTERNAL"}), &[]);
    let pending = format!("{key} is pending import.");
    let body = json!({"KeyId": key, "ReplicaRegion": WEST});
    rig.refuses("ReplicateKey", body, "KMSInvalidStateException", &pending);
}
