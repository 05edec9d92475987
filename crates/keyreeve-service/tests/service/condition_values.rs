//! Values of condition keys where a request leaves a choice: names and identifiers, letter case, several values, defaults,
//! and what is not there.

use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::{Api, find};
use keyreeve_store::{Commit, CommitId, Store};
use serde_json::{Value, json};

use crate::condition_world::{UNUSED_DAYS, Who, World};
use crate::kit::Kit;
use crate::rig::{ACCOUNT, REGION, Rig, b64};

fn allow(actions: &[&str], condition: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition})
}

/// Whether a request is allowed; anything else than a denial is a fault of the test.
fn may(world: &World, caller: &Caller, operation: &str, body: &Value) -> bool {
    match world.call(caller, find(Api::Kms, operation).unwrap(), body) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code, "AccessDeniedException", "{operation} {body}: {error:?}");
            false
        }
    }
}

fn encrypt(key: &str) -> Value {
    json!({"KeyId": key, "Plaintext": b64("x")})
}

#[test]
fn the_alias_of_a_request_is_its_name_and_only_where_it_was_used() {
    let world = World::new();
    let key = &world.kit.symmetric;
    let alias = world.alias_of(key);
    let caller = world
        .caller(Who::User, &[allow(&["kms:Encrypt"], json!({"StringEquals": {"kms:RequestAlias": alias}}))]);
    let id = key.rsplit_once('/').unwrap().1;
    for (name, allowed) in [
        (alias.as_str(), true),
        (&format!("arn:aws:kms:{REGION}:{ACCOUNT}:{alias}"), true),
        (key, false),
        (id, false),
        ("alias/kit", false),
    ] {
        assert_eq!(may(&world, &caller, "Encrypt", &encrypt(name)), allowed, "{name}");
    }
}

#[test]
fn a_key_has_all_of_its_aliases_whichever_was_used() {
    let world = World::new();
    let (key, alias) = (&world.kit.other, world.alias_of(&world.kit.other));
    for wanted in [alias.as_str(), "alias/kit", "alias/k*"] {
        let condition = json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": wanted}});
        let caller = world.caller(Who::User, &[allow(&["kms:Encrypt"], condition)]);
        assert!(may(&world, &caller, "Encrypt", &encrypt(key)), "{wanted}");
        assert!(may(&world, &caller, "Encrypt", &encrypt(&alias)), "{wanted}");
        assert!(!may(&world, &caller, "Encrypt", &encrypt(&world.kit.symmetric)), "{wanted}");
    }
    world.rig.ok("DeleteAlias", json!({"AliasName": "alias/kit"}));
    let condition = json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/kit"}});
    let caller = world.caller(Who::User, &[allow(&["kms:Encrypt"], condition)]);
    assert!(!may(&world, &caller, "Encrypt", &encrypt(key)), "as soon as it is gone");
}

#[test]
fn pairs_of_the_context_are_found_whatever_the_letter_case_of_their_names() {
    let world = World::new();
    for (context, operator, value, allowed) in [
        (json!({"Stage": "test"}), "StringEquals", "test", true),
        (json!({"sTAGE": "test"}), "StringEquals", "test", true),
        (json!({"Stage": "TEST"}), "StringEquals", "test", false),
        (json!({"Stage": "TEST"}), "StringEqualsIgnoreCase", "test", true),
        (json!({"Stages": "test"}), "StringEquals", "test", false),
        // Two names that differ only in case: any of the values will do.
        (json!({"Stage": "live", "STAGE": "test"}), "ForAnyValue:StringEquals", "test", true),
        (json!({"Stage": "live", "STAGE": "test"}), "ForAllValues:StringEquals", "test", false),
        (json!({"ÄRA": "test", "Stage": "test"}), "StringEquals", "test", true),
    ] {
        let condition = json!({operator: {"kms:EncryptionContext:STAGE": value}});
        let caller = world.caller(Who::User, &[allow(&["kms:Encrypt"], condition)]);
        let mut body = encrypt(&world.kit.symmetric);
        body["EncryptionContext"] = context.clone();
        assert_eq!(may(&world, &caller, "Encrypt", &body), allowed, "{context} {operator}");
    }
}

#[test]
fn a_tag_of_the_session_wins_over_the_tag_of_its_role() {
    let world = World::new();
    for (who, value, allowed) in [
        (Who::User, "payments", true),
        (Who::User, "research", false),
        (Who::Session, "research", true),
        (Who::Session, "payments", false),
    ] {
        let condition = json!({"StringEquals": {"aws:PrincipalTag/Department": value}});
        let caller = world.caller(who, &[allow(&["kms:ListKeys"], condition)]);
        assert_eq!(may(&world, &caller, "ListKeys", &json!({})), allowed, "{who:?} {value}");
    }
}

#[test]
fn re_encrypt_knows_one_key_under_two_names() {
    let world = World::new();
    let key = &world.kit.symmetric;
    let actions = ["kms:ReEncryptFrom", "kms:ReEncryptTo"];
    for (destination, same) in
        [(key.clone(), "true"), (world.alias_of(key), "true"), ("alias/kit".to_owned(), "false")]
    {
        for wanted in ["true", "false"] {
            let condition = json!({"Bool": {"kms:ReEncryptOnSameKey": wanted}});
            let caller = world.caller(Who::User, &[allow(&actions, condition)]);
            let mut body = world.kit.body("ReEncrypt");
            body["DestinationKeyId"] = json!(destination);
            assert_eq!(may(&world, &caller, "ReEncrypt", &body), wanted == same, "{destination}");
        }
    }
}

#[test]
fn what_a_request_does_not_say_has_its_default_or_is_not_there() {
    let world = World::new();
    world.rig.ok("DeleteAlias", json!({"AliasName": "alias/kit"}));
    let single = Kit::new(&world.rig);
    world.rig.ok("DeleteAlias", json!({"AliasName": "alias/kit"}));
    let key = json!({"KeyId": single.symmetric});
    let (defaults, absent) = (
        [
            ("CreateKey", json!({}), "StringEquals", "kms:KeySpec", "SYMMETRIC_DEFAULT"),
            ("CreateKey", json!({}), "StringEquals", "kms:CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"),
            ("CreateKey", json!({}), "StringEquals", "kms:KeyUsage", "ENCRYPT_DECRYPT"),
            ("CreateKey", json!({}), "StringEquals", "kms:KeyOrigin", "AWS_KMS"),
            ("CreateKey", json!({}), "Bool", "kms:MultiRegion", "false"),
            ("CreateKey", json!({}), "Bool", "kms:BypassPolicyLockoutSafetyCheck", "false"),
            ("DescribeKey", key.clone(), "Bool", "kms:MultiRegion", "false"),
            ("DescribeKey", key.clone(), "Bool", "aws:PrincipalIsAWSService", "false"),
            ("DescribeKey", key.clone(), "Bool", "aws:ViaAWSService", "false"),
            (
                "Encrypt",
                encrypt(&single.symmetric),
                "StringEquals",
                "kms:EncryptionAlgorithm",
                "SYMMETRIC_DEFAULT",
            ),
            ("Sign", single.body("Sign"), "StringEquals", "kms:MessageType", "RAW"),
        ],
        [
            ("CreateKey", json!({}), "kms:MultiRegionKeyType"),
            ("CreateKey", json!({}), "kms:ResourceAliases"),
            ("CreateKey", json!({}), "aws:TagKeys"),
            ("DescribeKey", key.clone(), "kms:MultiRegionKeyType"),
            ("DescribeKey", key.clone(), "kms:ResourceAliases"),
            ("DescribeKey", key.clone(), "aws:ResourceTag/Owner"),
            ("DescribeKey", key.clone(), "aws:MultiFactorAuthPresent"),
            ("DescribeKey", key.clone(), "aws:TokenIssueTime"),
            ("DescribeKey", key.clone(), "aws:SourceArn"),
            ("DescribeKey", key.clone(), "kms:ViaService"),
            // Not a key of this action, though the request has a KeyId.
            ("DescribeKey", key, "kms:EncryptionAlgorithm"),
            ("Encrypt", encrypt(&single.symmetric), "kms:EncryptionContextKeys"),
            ("ListKeys", json!({}), "kms:KeySpec"),
            // No key at all.
            ("ListKeys", json!({}), "kms:NoSuchKey"),
        ],
    );
    for (operation, body, operator, name, value) in defaults {
        let condition = json!({operator: {name: value}});
        let caller = world.caller(Who::User, &[allow(&[&format!("kms:{operation}")], condition)]);
        assert!(may(&world, &caller, operation, &body), "{operation} {name}");
    }
    for (operation, body, name) in absent {
        for (absent, allowed) in [("true", true), ("false", false)] {
            let caller = world
                .caller(Who::User, &[allow(&[&format!("kms:{operation}")], json!({"Null": {name: absent}}))]);
            assert_eq!(may(&world, &caller, operation, &body), allowed, "{operation} {name} {absent}");
        }
    }
}

#[test]
fn a_service_on_behalf_of_somebody_asks_for_no_resource() {
    let world = World::new();
    for (name, value) in [
        ("aws:SourceArn", "true"),
        ("aws:SourceAccount", "true"),
        ("aws:SourceIp", "true"),
        ("kms:ViaService", "false"),
    ] {
        let caller = world.caller(Who::Via, &[allow(&["kms:ListKeys"], json!({"Null": {name: value}}))]);
        assert!(may(&world, &caller, "ListKeys", &json!({})), "{name}");
    }
}

#[test]
fn days_without_usage_count_from_the_last_use_or_the_making_of_the_key() {
    let world = World::new();
    let key = &world.kit.symmetric;
    let days = |world: &World, wanted: i64| {
        let condition = json!({"NumericGreaterThanEquals": {"kms:TrailingDaysWithoutKeyUsage": wanted}});
        let caller = world.caller(Who::User, &[allow(&["kms:DisableKey"], condition)]);
        may(world, &caller, "DisableKey", &json!({"KeyId": key}))
    };
    let exactly = |world: &World, expected: i64| {
        assert!(days(world, expected) && !days(world, expected + 1), "{expected}");
        world.rig.ok("EnableKey", json!({"KeyId": key}));
    };
    exactly(&world, UNUSED_DAYS);
    world.rig.ok("Encrypt", encrypt(key));
    exactly(&world, 0);
    world.rig.block_on(world.rig.service.flush_usage());
    world.rig.pass_days(3);
    world.rig.pass_millis(-1);
    exactly(&world, 2);
    world.rig.pass_millis(1);
    exactly(&world, 3);
    let unused = world.rig.key(json!({}));
    world.rig.pass_days(30);
    let condition = json!({"NumericEquals": {"kms:TrailingDaysWithoutKeyUsage": 30}});
    let caller = world.caller(Who::User, &[allow(&["kms:ScheduleKeyDeletion"], condition)]);
    assert!(may(&world, &caller, "ScheduleKeyDeletion", &json!({"KeyId": unused})));
}

#[test]
fn the_last_use_decides_only_where_a_policy_asks_for_it_and_counts_as_now_where_it_is_not_known() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("Encrypt", encrypt(&key));
    rig.block_on(rig.service.flush_usage());
    rig.pass_days(30);
    rig.user_of(ACCOUNT, "Alice");
    let may = |rig: &Rig, days: i64, operation: &str| {
        let condition = json!({"NumericGreaterThanEquals": {"kms:TrailingDaysWithoutKeyUsage": days}});
        let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*",
            "Action": ["kms:DisableKey", "kms:ScheduleKeyDeletion"], "Condition": condition}});
        rig.user_policy(ACCOUNT, "Alice", &policy.to_string());
        rig.try_as(&rig.user_of(ACCOUNT, "Alice"), operation, &json!({"KeyId": key})).is_ok()
    };
    assert!(may(&rig, 30, "DisableKey"));
    let page = rig.block_on(rig.store.scan("kms/", None, 1000)).unwrap();
    let (path, _) = page.rows.into_iter().find(|(path, _)| path.as_str().contains("/last-usage/")).unwrap();
    let commit = Commit::new(CommitId::new([7; 16])).put(path, vec![0; 100]);
    rig.block_on(rig.store.commit(commit)).unwrap();
    let rig = rig.restarted();
    assert!(!may(&rig, 1, "DisableKey") && may(&rig, 0, "DisableKey"));
    // Nothing of the root user's asks.
    rig.ok("DisableKey", json!({"KeyId": key}));
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}));
}

#[test]
fn explain_knows_how_long_a_key_was_not_used() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.pass_days(30);
    rig.user_of(ACCOUNT, "Alice");
    for (days, allowed) in [(30, true), (31, false)] {
        let condition = json!({"NumericGreaterThanEquals": {"kms:TrailingDaysWithoutKeyUsage": days}});
        let policy = json!({"Version": "2012-10-17", "Statement":
            {"Effect": "Allow", "Resource": "*", "Action": "kms:DisableKey", "Condition": condition}});
        rig.user_policy(ACCOUNT, "Alice", &policy.to_string());
        let asked = json!({"Principal": format!("arn:aws:iam::{ACCOUNT}:user/Alice"), "Action": "kms:DisableKey",
            "Resource": key});
        let answer = rig.operate("Explain", asked);
        assert_eq!(answer["Explanation"]["allowed"], allowed, "{answer}");
    }
}

#[test]
fn a_key_with_tags_is_made_by_whoever_may_tag_too() {
    let rig = Rig::new();
    rig.user_of(ACCOUNT, "Alice");
    let tags = json!({"Tags": [{"TagKey": "Team", "TagValue": "red"}]});
    let statement = |effect: &str, action: &str| json!({"Effect": effect, "Action": action, "Resource": "*"});
    let condition = json!({"StringEquals": {"aws:RequestTag/team": "red", "aws:ResourceTag/team": "red", "kms:KeySpec": "SYMMETRIC_DEFAULT"}});
    for (statements, body, reason) in [
        (vec![statement("Allow", "kms:CreateKey")], json!({}), None),
        (vec![statement("Allow", "kms:CreateKey")], json!({"Tags": []}), None),
        (
            vec![statement("Allow", "kms:CreateKey")],
            tags.clone(),
            Some("because no identity-based policy allows the kms:TagResource action"),
        ),
        (
            vec![statement("Allow", "kms:CreateKey"), statement("Allow", "kms:TagResource")],
            tags.clone(),
            None,
        ),
        (
            vec![statement("Allow", "kms:*"), statement("Deny", "kms:TagResource")],
            tags.clone(),
            Some("with an explicit deny in an identity-based policy"),
        ),
        (vec![allow(&["kms:CreateKey", "kms:TagResource"], condition)], tags.clone(), None),
    ] {
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        rig.user_policy(ACCOUNT, "Alice", &document.to_string());
        let outcome = rig.try_as(&rig.user_of(ACCOUNT, "Alice"), "CreateKey", &body);
        let denial = outcome.err().and_then(|error| error.message);
        let expected = reason.map(|reason| {
            format!(
                "User: arn:aws:iam::{ACCOUNT}:user/Alice is not authorized to perform: kms:TagResource on resource: * {reason}"
            )
        });
        assert_eq!(denial, expected, "{document} {body}");
    }
}
