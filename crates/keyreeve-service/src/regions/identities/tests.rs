//! Two Regions, each with a store and keyring: what one's identities do in the other.

mod random;
pub(in crate::regions) mod world;

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::catalogue::Api;
use crate::clock::Clock as _;
use crate::records::path;
use world::{ACCOUNT, Kill, World, account, allow};

/// A user who may do everything, with an access key.
async fn user(world: &World, name: &str) -> String {
    world.home.iam("CreateUser", json!({"UserName": name})).await;
    let policy = json!({"UserName": name, "PolicyName": "all", "PolicyDocument": allow("*")});
    world.home.iam("PutUserPolicy", policy).await;
    let made = world.home.iam("CreateAccessKey", json!({"UserName": name})).await;
    made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned()
}

async fn role(world: &World, name: &str) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "sts:AssumeRole"}]});
    let body = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
    world.home.iam("CreateRole", body).await;
    let policy = json!({"RoleName": name, "PolicyName": "all", "PolicyDocument": allow("*")});
    world.home.iam("PutRolePolicy", policy).await;
}

async fn assume(place: &world::Place, key: &str, role: &str) -> Value {
    let caller = place.signer(key).await.unwrap();
    let body = json!({"RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "RoleSessionName": "sess"});
    place.call(&caller, Api::Sts, "AssumeRole", body).await.unwrap()
}

#[tokio::test]
async fn users_keys_roles_and_sessions_work_elsewhere_also_while_the_home_is_away() {
    let world = World::new().await;
    let key = user(&world, "ada").await;
    role(&world, "ops").await;
    let session = assume(&world.home, &key, "ops").await;
    assert_eq!(world.away.random(world.away.signer(&key).await).await, "nobody");
    world.tend().await;
    world.assert_agreed().await;
    world.cut(true);
    world.tend().await;
    assert_eq!(world.away.random(world.away.signer(&key).await).await, "yes");
    assert_eq!(world.away.random(world.away.session(&session).await).await, "yes");
    let secret = |place: &world::Place| {
        let (identity, key) = (std::sync::Arc::clone(&place.service), key.clone());
        async move { identity.identity().credential(&key).await.unwrap().unwrap() }
    };
    assert!(secret(&world.home).await.secret.ct_eq(&secret(&world.away).await.secret));
    // And a session that began there works at home.
    let there = assume(&world.away, &key, "ops").await;
    assert_eq!(world.home.random(world.home.session(&there).await).await, "yes");
    let caller = world.away.signer(&key).await.unwrap();
    let token = world.away.call(&caller, Api::Sts, "GetSessionToken", json!({})).await.unwrap();
    assert!(world.home.session(&token).await.is_some());
}

#[tokio::test]
async fn the_first_session_of_all_may_begin_elsewhere() {
    let world = World::new().await;
    let key = user(&world, "ada").await;
    role(&world, "ops").await;
    world.tend().await;
    world.cut(true);
    let session = assume(&world.away, &key, "ops").await;
    assert_eq!(world.home.random(world.home.session(&session).await).await, "yes");
}

#[tokio::test]
async fn every_change_counts_elsewhere_once_it_has_arrived() {
    let world = World::new().await;
    let key = user(&world, "ada").await;
    role(&world, "ops").await;
    let session = assume(&world.home, &key, "ops").await;
    world.tend().await;
    let by_key = async || world.away.random(world.away.signer(&key).await).await;
    let by_session = async || world.away.random(world.away.session(&session).await).await;
    let status = |status: &str| json!({"UserName": "ada", "AccessKeyId": key, "Status": status});
    let policy =
        |document: String| json!({"UserName": "ada", "PolicyName": "all", "PolicyDocument": document});
    for (operation, body, expected) in [
        ("UpdateAccessKey", status("Inactive"), ("nobody", "yes")),
        ("UpdateAccessKey", status("Active"), ("yes", "yes")),
        ("PutUserPolicy", policy(allow("s3:*")), ("denied", "yes")),
        ("PutUserPolicy", policy(allow("kms:*")), ("yes", "yes")),
        ("UpdateUser", json!({"UserName": "ada", "NewUserName": "grace"}), ("yes", "yes")),
        ("DeleteRolePolicy", json!({"RoleName": "ops", "PolicyName": "all"}), ("yes", "denied")),
        ("DeleteRole", json!({"RoleName": "ops"}), ("yes", "nobody")),
        ("DeleteAccessKey", json!({"UserName": "grace", "AccessKeyId": key}), ("nobody", "nobody")),
    ] {
        let before = (by_key().await, by_session().await);
        world.home.iam(operation, body.clone()).await;
        world.cut(true);
        world.tend().await;
        assert_eq!((by_key().await, by_session().await), before, "{operation} while cut");
        world.cut(false);
        world.tend().await;
        assert_eq!((by_key().await, by_session().await), expected, "{operation} {body}");
        world.assert_agreed().await;
    }
}

#[tokio::test]
async fn no_secret_is_readable_in_any_message() {
    let world = World::new().await;
    let key = user(&world, "ada").await;
    role(&world, "ops").await;
    assume(&world.home, &key, "ops").await;
    world.tend().await;
    user(&world, "bea").await;
    world.tend().await;
    let (secrets, bytes) = (world.home.secrets().await, world.link.bytes.lock().unwrap().clone());
    assert_eq!(secrets.len(), 4, "three access keys and one of session tokens");
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(key.as_bytes()) && holds(b"\"ada\""), "the scan sees what is no secret");
    for secret in &secrets {
        let decoded = STANDARD.decode(secret).unwrap_or_else(|_| secret.clone());
        for form in [secret, &decoded] {
            assert!(!holds(form) && !holds(hex::encode(form).as_bytes()));
            for skipped in 0..3.min(form.len()) {
                let encoded = STANDARD.encode(&form[skipped..]);
                assert!(!holds(&encoded.as_bytes()[..16.min(encoded.len())]), "base64 after {skipped}");
            }
        }
    }
}

#[tokio::test]
async fn a_kill_at_any_commit_is_made_up_for_after_the_restart() {
    for kill in [Kill::Before, Kill::After] {
        for commit in 1.. {
            let mut world = World::new().await;
            let key = user(&world, "ada").await;
            world.away.store.die_at(commit, kill);
            world.tend().await;
            let first_survived = !world.away.store.is_dead();
            if !first_survived {
                world.restart_away().await;
                world.tend().await;
            }
            world.home.iam("UpdateUser", json!({"UserName": "ada", "NewUserName": "grace"})).await;
            role(&world, "ops").await;
            world.tend().await;
            let survived = !world.away.store.is_dead();
            if !survived {
                world.restart_away().await;
                world.tend().await;
            }
            world.assert_agreed().await;
            assert_eq!(world.away.random(world.away.signer(&key).await).await, "yes", "{kill:?} at {commit}");
            if first_survived && survived {
                assert!(commit > 4, "some commits were killed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_history_that_is_lost_and_a_home_that_restarted_lead_to_a_comparison_of_everything() {
    let mut world = World::new().await;
    let key = user(&world, "ada").await;
    let other = user(&world, "bea").await;
    world.tend().await;
    world.home.iam("DeleteAccessKey", json!({"UserName": "ada", "AccessKeyId": key})).await;
    world.home.store.forgets.store(true, Ordering::Relaxed);
    world.tend().await;
    assert!(world.away.signer(&key).await.is_none() && world.away.signer(&other).await.is_some());
    assert!(!world.home.store.forgets.load(Ordering::Relaxed), "it was asked");
    world.assert_agreed().await;
    world.home.iam("DeleteAccessKey", json!({"UserName": "bea", "AccessKeyId": other})).await;
    world.restart_home().await;
    world.tend().await;
    assert!(world.away.signer(&other).await.is_none());
    world.assert_agreed().await;
}

#[tokio::test]
async fn a_comparison_that_finds_no_difference_writes_no_row_of_identities() {
    let mut world = World::new().await;
    user(&world, "ada").await;
    world.tend().await;
    let place = path::account(account()).unwrap();
    let key = path::access_key(&user(&world, "bea").await).unwrap();
    world.tend().await;
    let stamps = async |world: &World| {
        let records = world.away.service.records();
        let stamp = |row: crate::records::Stamped<Vec<u8>>| row.stamp;
        (
            records.read_bytes(&place).await.unwrap().map(stamp),
            records.read_bytes(&key).await.unwrap().map(stamp),
        )
    };
    let before = stamps(&world).await;
    assert!(before.0.is_some() && before.1.is_some());
    world.restart_home().await;
    world.restart_away().await;
    world.tend().await;
    assert_eq!(stamps(&world).await, before);
}

#[tokio::test]
async fn more_rows_than_a_page_has_arrive() {
    let world = World::new().await;
    for number in 0..120 {
        world.home.iam("CreateUser", json!({"UserName": format!("u{number}")})).await;
        world.home.iam("CreateAccessKey", json!({"UserName": format!("u{number}")})).await;
    }
    world.tend().await;
    world.assert_agreed().await;
    assert!(world.link.asked.load(Ordering::Relaxed) > 2);
}

#[tokio::test]
async fn what_changes_identities_is_refused_elsewhere_with_the_name_of_the_home() {
    let world = World::new().await;
    let key = user(&world, "ada").await;
    world.tend().await;
    let root = world.away.root();
    for (operation, body) in [
        ("CreateUser", json!({"UserName": "bea"})),
        ("DeleteUser", json!({"UserName": "ada"})),
        ("CreateAccessKey", json!({"UserName": "ada"})),
        ("UpdateAccessKey", json!({"UserName": "ada", "AccessKeyId": key, "Status": "Inactive"})),
        ("CreateAccountAlias", json!({"AccountAlias": "acme-inc"})),
        ("TagUser", json!({"UserName": "ada", "Tags": [{"Key": "a", "Value": "b"}]})),
    ] {
        let (code, text) = world.away.call(&root, Api::Iam, operation, body).await.unwrap_err();
        assert_eq!(code, "UnmodifiableEntity", "{operation}");
        assert!(
            text.contains("eu-central-1") && text.contains("https://eu-central-1.example:9443"),
            "{text}"
        );
    }
    let now = world.clock.now();
    let other = keyreeve_model::region::AccountId::parse("444455556666").unwrap();
    let refused = world.away.service.identity().create_account(other, "x".to_owned(), now).await.unwrap_err();
    assert_eq!(refused.wire().code, "CommandRefusedException");
    world.away.iam("GetUser", json!({"UserName": "ada"})).await;
    world.assert_agreed().await;
}

#[tokio::test]
async fn a_region_with_accounts_of_its_own_does_not_join() {
    let world = World::strangers().await;
    let now = world.clock.now();
    world.away.service.identity().create_account(account(), "own".to_owned(), now).await.unwrap();
    assert!(world.away.service.prepare_to_follow().await.is_err());
    assert_eq!(world.home.service.prepare_to_follow().await, Ok(()));
    world.introduce().await;
    world.tend().await;
    let standing = world.away.service.identities_standing().unwrap();
    let trouble = standing.trouble.unwrap();
    assert!(
        trouble.contains(&format!("iam/account/{ACCOUNT}")) && trouble.contains("without --home"),
        "{trouble}"
    );
    assert_eq!(world.link.asked.load(Ordering::Relaxed), 0);
    assert!(world.away.service.identity().account(account()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_home_that_was_made_anew_does_not_empty_the_copy() {
    let mut world = World::new().await;
    let key = user(&world, "ada").await;
    world.tend().await;
    let before = world.away.identities().await;
    world.home_made_anew().await;
    world.tend().await;
    assert_eq!(world.away.identities().await, before);
    assert_eq!(world.away.random(world.away.signer(&key).await).await, "yes");
    let trouble = world.away.service.identities_standing().unwrap().trouble.unwrap();
    assert!(trouble.contains("eu-central-1 has no account"), "{trouble}");
}

#[tokio::test]
async fn the_age_of_the_copy_is_told_and_grows_while_the_home_is_away() {
    let mut world = World::new().await;
    assert_eq!(world.home.service.identities_standing(), None);
    let standing = |world: &World| world.away.service.identities_standing().unwrap();
    assert_eq!((standing(&world).lag_seconds, standing(&world).trouble), (None, None));
    world.tend().await;
    let agreed = world.clock.now();
    assert_eq!((standing(&world).synced_at, standing(&world).lag_seconds), (Some(agreed), Some(0)));
    world.cut(true);
    world.clock.pass_seconds(90);
    world.tend().await;
    assert_eq!((standing(&world).synced_at, standing(&world).lag_seconds), (Some(agreed), Some(90)));
    let trouble = standing(&world).trouble.unwrap();
    assert!(
        trouble.contains("the link is cut") && trouble.contains("home-request --lost eu-central-1"),
        "{trouble}"
    );
    let since = standing(&world).since;
    assert_eq!(since, Some(world.clock.now()));
    world.clock.pass_seconds(9);
    world.tend().await;
    assert_eq!((standing(&world).since, standing(&world).lag_seconds), (since, Some(99)), "since it began");
    // A restart remembers it.
    world.restart_away().await;
    world.tend().await;
    assert_eq!(standing(&world).synced_at, Some(agreed));
    world.cut(false);
    world.tend().await;
    assert_eq!((standing(&world).lag_seconds, standing(&world).trouble), (Some(0), None));
}

#[tokio::test]
async fn identities_that_are_older_than_allowed_are_not_believed_also_after_a_restart() {
    let mut world = World::new().await;
    let outdated = |world: &World| world.away.service.identities_outdated();
    world.tend().await;
    world.cut(true);
    world.clock.pass_seconds(1_000_000);
    assert_eq!(outdated(&world), None, "without a limit there is no end");
    world.cut(false);
    world.away.service.limit_identities_age(60);
    world.home.service.limit_identities_age(60);
    assert!(outdated(&world).unwrap().contains("eu-central-1"));
    let refused = world.away.service.check_identities_age().unwrap_err();
    assert_eq!(refused.wire().code, "DependencyTimeoutException");
    for _ in 0..20 {
        world.tend().await;
        world.clock.pass_seconds(5);
        assert_eq!(outdated(&world), None);
    }
    world.cut(true);
    world.restart_away().await;
    world.away.service.limit_identities_age(60);
    assert_eq!(outdated(&world), None, "what it knew before still counts");
    world.clock.pass_seconds(61);
    world.tend().await;
    assert!(outdated(&world).unwrap().contains("more than identities_max_age_seconds (60)"));
    assert_eq!(world.home.service.check_identities_age(), Ok(()), "the home is as old as it is");
    world.cut(false);
    world.tend().await;
    assert_eq!(outdated(&world), None);
}

#[tokio::test]
async fn the_next_key_of_session_tokens_arrives_before_the_first_token_needs_it() {
    const DAY: i64 = 24 * 3600;
    let world = World::new().await;
    let key = user(&world, "ada").await;
    role(&world, "ops").await;
    assume(&world.home, &key, "ops").await;
    world.tend().await;
    world.clock.pass_seconds(30 * DAY);
    world.tend().await;
    world.cut(true);
    world.clock.pass_seconds(2 * DAY);
    world.tend().await;
    let session = assume(&world.home, &key, "ops").await;
    assert_eq!(world.away.random(world.away.session(&session).await).await, "yes");
    let there = assume(&world.away, &key, "ops").await;
    assert_eq!(world.home.random(world.home.session(&there).await).await, "yes");
}

#[tokio::test]
async fn a_region_that_is_no_home_hands_out_nothing() {
    let world = World::new().await;
    user(&world, "ada").await;
    world.tend().await;
    let ask = crate::regions::message::identities::Identities {
        incarnation: String::new(),
        position: Default::default(),
    };
    let request = crate::regions::PeerRequest::Identities(ask);
    let (from, to) = (&world.home.region, &world.away.region);
    let refused = world.away.service.answer_peer(from, to, request).await.unwrap_err();
    assert!(refused.to_string().contains("their home is eu-central-1"), "{refused}");
}
