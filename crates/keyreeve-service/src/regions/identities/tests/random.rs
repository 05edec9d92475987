//! Whatever is done to identities at home, with cuts, kills and restarts between: once healed, the copy is what the home has.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{ACCOUNT, Kill, World, allow};
use crate::catalogue::Api;

/// Names are few, so that calls meet.
const NAMES: [&str; 3] = ["ada", "bea", "Cleo"];

#[derive(Debug, Clone)]
enum Step {
    Iam(&'static str, Value),
    /// Makes an access key of the user.
    NewKey(usize),
    /// Deactivates, activates or deletes one of the keys that were made.
    Key(usize, &'static str),
    Tend,
    Cut(bool),
    KillAway(i64, bool),
    RestartHome,
    ForgetHistory(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..NAMES.len();
    let arn = |name: &str| format!("arn:aws:iam::{ACCOUNT}:policy/{name}");
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    prop_oneof![
        6 => user().prop_map(|u| Step::Iam("CreateUser", json!({"UserName": NAMES[u]}))),
        2 => user().prop_map(|u| Step::Iam("DeleteUser", json!({"UserName": NAMES[u]}))),
        3 => (user(), user()).prop_map(|(a, b)| {
            Step::Iam("UpdateUser", json!({"UserName": NAMES[a], "NewUserName": NAMES[b].to_uppercase()}))
        }),
        3 => user().prop_map(|u| {
            Step::Iam("PutUserPolicy", json!({"UserName": NAMES[u], "PolicyName": "p", "PolicyDocument": allow("kms:*")}))
        }),
        2 => user().prop_map(|u| Step::Iam("DeleteUserPolicy", json!({"UserName": NAMES[u], "PolicyName": "p"}))),
        2 => Just(Step::Iam("CreateGroup", json!({"GroupName": "staff"}))),
        1 => Just(Step::Iam("DeleteGroup", json!({"GroupName": "staff"}))),
        1 => Just(Step::Iam("UpdateGroup", json!({"GroupName": "staff", "NewGroupName": "Crew"}))),
        2 => user().prop_map(|u| Step::Iam("AddUserToGroup", json!({"GroupName": "staff", "UserName": NAMES[u]}))),
        1 => user().prop_map(|u| Step::Iam("RemoveUserFromGroup", json!({"GroupName": "staff", "UserName": NAMES[u]}))),
        2 => Just(Step::Iam("CreatePolicy", json!({"PolicyName": "m", "PolicyDocument": allow("kms:*")}))),
        1 => Just(Step::Iam("DeletePolicy", json!({"PolicyArn": arn("m")}))),
        2 => user().prop_map(move |u| Step::Iam("AttachUserPolicy", json!({"UserName": NAMES[u], "PolicyArn": arn("m")}))),
        1 => user().prop_map(move |u| Step::Iam("DetachUserPolicy", json!({"UserName": NAMES[u], "PolicyArn": arn("m")}))),
        2 => Just(Step::Iam("CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": trust}))),
        1 => Just(Step::Iam("DeleteRole", json!({"RoleName": "r"}))),
        1 => Just(Step::Iam("CreateAccountAlias", json!({"AccountAlias": "acme"}))),
        1 => Just(Step::Iam("DeleteAccountAlias", json!({"AccountAlias": "acme"}))),
        4 => user().prop_map(Step::NewKey),
        4 => (0..6_usize, prop_oneof![Just("Inactive"), Just("Active"), Just("gone")]).prop_map(|(k, s)| Step::Key(k, s)),
        8 => Just(Step::Tend),
        2 => any::<bool>().prop_map(Step::Cut),
        2 => (1..6_i64, any::<bool>()).prop_map(|(at, after)| Step::KillAway(at, after)),
        1 => Just(Step::RestartHome),
        1 => any::<bool>().prop_map(Step::ForgetHistory),
    ]
}

async fn run(steps: Vec<Step>) {
    let mut world = World::new().await;
    let (mut keys, root): (Vec<(String, String)>, _) = (Vec::new(), world.home.root());
    for step in steps {
        match step {
            // Many are refused: then nothing changes anywhere.
            Step::Iam(operation, body) => drop(world.home.call(&root, Api::Iam, operation, body).await),
            Step::NewKey(user) => {
                let body = json!({"UserName": NAMES[user]});
                if let Ok(made) = world.home.call(&root, Api::Iam, "CreateAccessKey", body).await {
                    let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
                    keys.push((text("UserName"), text("AccessKeyId")));
                }
            }
            Step::Key(index, what) => {
                let Some((user, id)) = keys.get(index) else { continue };
                let (operation, body) = match what {
                    "gone" => ("DeleteAccessKey", json!({"UserName": user, "AccessKeyId": id})),
                    status => {
                        ("UpdateAccessKey", json!({"UserName": user, "AccessKeyId": id, "Status": status}))
                    }
                };
                drop(world.home.call(&root, Api::Iam, operation, body).await);
            }
            Step::Tend => world.tend().await,
            Step::Cut(cut) => world.cut(cut),
            Step::KillAway(at, after) => {
                world.away.store.die_at(at, if after { Kill::After } else { Kill::Before });
                world.tend().await;
                world.restart_away().await;
            }
            Step::RestartHome => world.restart_home().await,
            Step::ForgetHistory(forgets) => {
                world.home.store.forgets.store(forgets, std::sync::atomic::Ordering::Relaxed);
            }
        }
        world.clock.pass_seconds(1);
    }
    world.cut(false);
    world.home.store.forgets.store(false, std::sync::atomic::Ordering::Relaxed);
    world.tend().await;
    world.assert_agreed().await;
    for (_, id) in &keys {
        let (here, there) = (world.home.signer(id).await, world.away.signer(id).await);
        assert_eq!(world.home.random(here).await, world.away.random(there).await, "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_copy_is_what_the_home_has_once_everything_is_healed(
        steps in proptest::collection::vec(step(), 1..50),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(run(steps));
    }
}
