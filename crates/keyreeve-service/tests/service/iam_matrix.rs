//! Every operation of IAM, STS and CloudTrail against the ways to be allowed or denied, generated from the catalogue; and that nobody
//! reaches the entities of another account. AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use keyreeve_model::error::WireError;
use keyreeve_service::catalogue::{Api, CATALOGUE, Row};
use keyreeve_store::{Path, Store};
use serde_json::{Value, json};

use crate::condition_world::World;
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, Rig, stranger};
use crate::shaped;

/// Operations that need permission; GetCallerIdentity and GetSessionToken need none.
fn rows() -> impl Iterator<Item = &'static Row> {
    let api = |row: &Row| matches!(row.api, Api::Iam | Api::Sts | Api::CloudTrail);
    let judged = move |row: &&Row| api(row) && row.signed && !row.actions.is_empty();
    CATALOGUE.iter().filter(judged)
}

fn statement(effect: &str, actions: &[&str]) -> Value {
    json!({"Effect": effect, "Action": actions, "Resource": "*"})
}

fn call(world: &World, row: &Row, statements: &[Value]) -> Result<Value, WireError> {
    let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    world
        .rig
        .iam("PutUserPolicy", json!({"UserName": "Alice", "PolicyName": "p", "PolicyDocument": document}));
    let body = world.body(row);
    world.call(&world.rig.user("Alice"), row, &body)
}

fn denied(world: &World, row: &Row, action: &str, statements: &[Value], reason: &str) {
    let error = call(world, row, statements).expect_err(row.name);
    assert!(error.code.starts_with("AccessDenied"), "{}: {error:?}", row.name);
    let text = error.message.unwrap();
    let start = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/people/Alice is not authorized to perform: {action} on resource: "
    );
    assert!(text.starts_with(&start) && text.ends_with(reason), "{}: {text}", row.name);
}

const SOMETHING_ELSE: &[&str] = &["kms:*"];

#[test]
fn whoever_has_no_policy_for_it_may_do_nothing() {
    let world = World::new();
    for row in rows() {
        for action in row.actions {
            let others: Vec<_> = row.actions.iter().copied().filter(|other| other != action).collect();
            let statements = [
                statement("Allow", SOMETHING_ELSE),
                statement("Allow", if others.is_empty() { SOMETHING_ELSE } else { &others }),
            ];
            let reason = format!("because no identity-based policy allows the {action} action");
            denied(&world, row, action, &statements, &reason);
        }
    }
}

#[test]
fn an_explicit_deny_wins() {
    let world = World::new();
    for row in rows() {
        for action in row.actions {
            let statements = [statement("Allow", &["*"]), statement("Deny", &[action])];
            denied(&world, row, action, &statements, "with an explicit deny in an identity-based policy");
        }
    }
}

#[test]
fn whoever_has_a_policy_for_it_is_not_denied() {
    let world = World::new();
    for row in rows() {
        if let Err(error) = call(&world, row, &[statement("Allow", &["iam:*", "sts:*", "cloudtrail:*"])]) {
            assert!(!error.code.starts_with("AccessDenied"), "{}: {error:?}", row.name);
        }
    }
}

#[test]
fn a_guard_denies_the_root_user_too() {
    let world = World::new();
    let guard = json!({"Version": "2012-10-17", "Statement": [statement("Allow", &["*"]), statement("Deny", &["iam:*"])]});
    world.rig.operate("SetAccount", json!({"AccountId": ACCOUNT, "Guard": guard.to_string()}));
    let root = world.rig.root_user(ACCOUNT);
    for row in rows().filter(|row| row.api == Api::Iam) {
        let error = world.call(&root, row, &world.body(row)).expect_err(row.name);
        assert!(error.code.starts_with("AccessDenied"), "{}: {error:?}", row.name);
        let text = error.message.unwrap();
        assert!(text.ends_with("with an explicit deny in a service control policy"), "{}: {text}", row.name);
    }
}

#[test]
fn who_asks_who_he_is_needs_no_permission() {
    let world = World::new();
    let nobody = world.rig.user("Alice");
    for row in CATALOGUE.iter().filter(|row| row.api == Api::Sts && row.actions.is_empty()) {
        world
            .call(&nobody, row, &shaped::body(row, ACCOUNT))
            .unwrap_or_else(|error| panic!("{}: {error:?}", row.name));
    }
}

/// Everything of the account's IAM.
fn stored(rig: &Rig) -> Vec<(Path, Vec<u8>)> {
    let page = rig.block_on(rig.store.scan(&format!("iam/{ACCOUNT}/"), None, 1000)).unwrap();
    assert!(!page.more);
    page.rows.into_iter().map(|(path, row)| (path, row.value.to_vec())).collect()
}

/// Whether a member names a thing by an ARN.
fn names_a_thing(body: &Value) -> bool {
    let members = body.as_object().unwrap().iter();
    members.filter(|(name, _)| name.ends_with("Arn")).any(|(_, value)| value.to_string().contains(ACCOUNT))
}

/// The other account's root user asks for everything by the names and ARNs that it has here.
#[test]
fn nobody_reaches_the_entities_of_another_account() {
    let rig = Rig::new();
    let create = |row: &&Row| row.api == Api::Iam && row.name.starts_with("Create");
    for row in CATALOGUE.iter().filter(create) {
        drop(rig.try_api_as(&rig.root_user(ACCOUNT), row.api, row.name, &shaped::body(row, ACCOUNT)));
    }
    let before = stored(&rig);
    assert!(before.len() > 5, "{before:?}");
    for row in rows() {
        let mut body = shaped::body(row, ACCOUNT);
        if let Some(trust) = body.get_mut("AssumeRolePolicyDocument") {
            *trust = shaped::body(row, OTHER_ACCOUNT)["AssumeRolePolicyDocument"].clone();
        }
        match rig.try_api_as(&stranger(), row.api, row.name, &body) {
            // Records of the caller's own calls say what it asked for.
            Ok(answer) if row.name == "LookupEvents" => {
                let recipient = format!("\\\"recipientAccountId\\\":\\\"{ACCOUNT}");
                assert!(!answer.to_string().contains(&recipient), "{answer}");
            }
            Ok(answer) => {
                assert!(!names_a_thing(&body), "{} {body}: {answer}", row.name);
                assert!(!answer.to_string().contains(ACCOUNT), "{}: {answer}", row.name);
            }
            Err(error) if names_a_thing(&body) => {
                let hidden = error.code.starts_with("AccessDenied") || error.code.starts_with("NoSuchEntity");
                assert!(hidden, "{} {body}: {error:?}", row.name);
            }
            Err(_) => {}
        }
    }
    assert_eq!(stored(&rig), before);
}
