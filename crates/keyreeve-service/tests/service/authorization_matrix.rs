//! Every operation against every way to be allowed or denied, generated from the catalogue: a new row is held to it the
//! day it is written. AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/control-access.html>

use keyreeve_model::error::WireError;
use keyreeve_model::grant::GrantOperation;
use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::{Row, Scope};
use serde_json::{Value, json};

use crate::kit::{Kit, kms_rows};
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, Rig, root};

/// A world of its own for one case: success changes keys.
struct World {
    rig: Rig,
    kit: Kit,
}

const ALICE: &str = "Alice";

fn statement(effect: &str, actions: &[&str]) -> Value {
    json!({"Effect": effect, "Action": actions, "Resource": "*"})
}

fn with_principal(mut statement: Value, principal: &Value) -> Value {
    statement["Principal"] = principal.clone();
    statement
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

impl World {
    fn new() -> Self {
        let rig = Rig::new();
        let kit = Kit::new(&rig);
        for account in [ACCOUNT, OTHER_ACCOUNT] {
            rig.user_of(account, ALICE);
        }
        Self { rig, kit }
    }

    /// The root user keeps control of every key, as the default policy lets it, but nobody is delegated to.
    fn key_policy(&self, statements: &[Value]) -> &Self {
        let own = json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")});
        let mut all = vec![with_principal(statement("Allow", &["kms:*"]), &own)];
        // Only the root user itself: no user of the account comes in by delegation.
        all[0]["Condition"] = json!({"StringEquals": {"aws:PrincipalType": "Account"}});
        all.extend_from_slice(statements);
        for key in self.kit.keys() {
            self.rig.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": policy(&all)}));
        }
        self
    }

    fn identity_policy(&self, account: &str, statements: &[Value]) -> &Self {
        self.rig.user_policy(account, ALICE, &policy(statements));
        self
    }

    fn alice(&self, account: &str) -> Caller {
        self.rig.user_of(account, ALICE)
    }

    fn grant(&self, row: &Row, grantee: &str) {
        let operations: Vec<_> =
            row.actions.iter().filter_map(|action| action.strip_prefix("kms:")).collect();
        for key in self.kit.keys_of(row) {
            self.rig.ok(
                "CreateGrant",
                json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": operations}),
            );
        }
    }

    /// The state that the operation asks for.
    fn prepared(&self, row: &Row) -> &Self {
        if row.name == "CancelKeyDeletion" {
            self.rig.ok("ScheduleKeyDeletion", json!({"KeyId": self.kit.symmetric}));
        }
        self
    }

    fn call(&self, row: &Row, account: &str) -> Result<Value, WireError> {
        let mut body = self.kit.body(row.name);
        if row.name == "ReEncrypt" {
            // A foreign key that only a ciphertext names is denied in other words: `accounts.rs` has them.
            body["SourceKeyId"] = json!(self.kit.symmetric);
        }
        self.rig.try_as(&self.alice(account), row.name, &body)
    }

    fn allowed(&self, row: &Row, account: &str, how: &str) {
        if let Err(error) = self.call(row, account) {
            panic!("{} {how}: {error:?}", row.name);
        }
    }

    fn denied(&self, row: &Row, account: &str, how: &str, reason: &str) {
        match self.call(row, account) {
            Ok(answer) => panic!("{} {how}: allowed: {answer}", row.name),
            Err(error) => {
                assert_eq!(error.code, "AccessDeniedException", "{} {how}: {error:?}", row.name);
                let text = error.message.unwrap();
                assert!(
                    text.starts_with(&format!("User: {} is not authorized to perform: ", arn(account))),
                    "{text}"
                );
                assert!(text.ends_with(reason), "{} {how}: {text}", row.name);
            }
        }
    }
}

fn arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:user/{ALICE}")
}

fn alice(account: &str) -> Value {
    json!({"AWS": arn(account)})
}

fn delegation(account: &str) -> Value {
    with_principal(statement("Allow", &["kms:*"]), &json!({"AWS": account}))
}

const OTHER: &str = "on this resource because the resource does not exist in this Region, no resource-based policies \
                     allow access, or a resource-based policy explicitly denies access";

/// RetireGrant is decided by the grant and not by policies: `grants.rs` has its cases.
fn judged_by_policies() -> impl Iterator<Item = &'static Row> {
    kms_rows().filter(|row| row.name != "RetireGrant")
}

fn has_key(row: &Row) -> bool {
    matches!(row.scope, Scope::Key { .. })
}

fn by_identity(action: &str) -> String {
    format!("because no identity-based policy allows the {action} action")
}

#[test]
fn whoever_has_no_policy_may_do_nothing() {
    let world = World::new();
    for row in judged_by_policies() {
        world.denied(row, ACCOUNT, "without policies", &by_identity(row.actions[0]));
    }
    world.key_policy(&[]);
    for row in judged_by_policies().filter(|row| has_key(row)) {
        let action = row.actions[0];
        world.denied(
            row,
            ACCOUNT,
            "without a key policy",
            &format!("because no resource-based policy allows the {action} action"),
        );
    }
}

#[test]
fn a_key_policy_that_names_the_user_is_enough() {
    for row in judged_by_policies().filter(|row| has_key(row)) {
        let world = World::new();
        // What is made in another Region is no matter of the key's policy.
        if let Some(action) = row.making {
            world.identity_policy(ACCOUNT, &[statement("Allow", &[action])]);
        }
        world.key_policy(&[with_principal(statement("Allow", row.actions), &alice(ACCOUNT))]);
        world.prepared(row).allowed(row, ACCOUNT, "by key policy");
    }
}

#[test]
fn iam_decides_where_the_key_policy_delegates() {
    for row in judged_by_policies() {
        let world = World::new();
        let actions: Vec<_> = row.actions.iter().chain(&row.making).copied().collect();
        world.identity_policy(ACCOUNT, &[statement("Allow", &actions)]);
        world.prepared(row).allowed(row, ACCOUNT, "by IAM");
    }
}

#[test]
fn iam_alone_is_not_enough_for_a_key() {
    let world = World::new();
    world.key_policy(&[]);
    for row in judged_by_policies().filter(|row| has_key(row)) {
        world.identity_policy(ACCOUNT, &[statement("Allow", row.actions)]);
        let action = row.actions[0];
        world.denied(
            row,
            ACCOUNT,
            "by IAM without delegation",
            &format!("because no resource-based policy allows the {action} action"),
        );
    }
}

#[test]
fn an_explicit_deny_wins_wherever_it_stands() {
    for row in judged_by_policies() {
        let world = World::new();
        let denies = statement("Deny", row.actions);
        world.identity_policy(ACCOUNT, &[statement("Allow", &["kms:*"]), denies.clone()]);
        world.denied(row, ACCOUNT, "denied by IAM", "with an explicit deny in an identity-based policy");
        if has_key(row) {
            let allows = with_principal(statement("Allow", row.actions), &alice(ACCOUNT));
            world.identity_policy(ACCOUNT, &[statement("Allow", &["kms:*"])]);
            world.key_policy(&[allows, with_principal(denies, &alice(ACCOUNT))]);
            world.denied(row, ACCOUNT, "denied by key", "with an explicit deny in a resource-based policy");
        }
    }
}

#[test]
fn a_guard_limits_whom_every_policy_allows() {
    let world = World::new();
    let guard = policy(&[statement("Allow", &["*"]), statement("Deny", &["kms:*"])]);
    world.identity_policy(ACCOUNT, &[statement("Allow", &["kms:*"])]);
    world.rig.operate("SetAccount", json!({"AccountId": ACCOUNT, "Guard": guard}));
    for row in judged_by_policies() {
        world.denied(row, ACCOUNT, "guarded", "with an explicit deny in a service control policy");
        let body = world.kit.body(row.name);
        let error = world.rig.try_as(&world.rig.root_user(ACCOUNT), row.name, &body).expect_err(row.name);
        assert_eq!(error.code, "AccessDeniedException", "{}", row.name);
    }
}

/// The actions of a row as operations of a grant, where grants cover it.
fn grantable(row: &Row) -> bool {
    row.actions.iter().all(|action| GrantOperation::of_action(action).is_some()) && row.name != "CreateGrant"
}

#[test]
fn a_grant_is_enough_where_grants_cover_the_operation() {
    let mut covered = 0;
    for row in judged_by_policies().filter(|row| grantable(row)) {
        let world = World::new();
        world.grant(row, &arn(ACCOUNT));
        world.allowed(row, ACCOUNT, "by grant");
        world.identity_policy(ACCOUNT, &[statement("Deny", row.actions)]);
        world.denied(row, ACCOUNT, "granted and denied", "with an explicit deny in an identity-based policy");
        covered += 1;
    }
    assert_eq!(
        covered,
        GrantOperation::ALL.len() - 3,
        "all but CreateGrant and RetireGrant; ReEncrypt has two"
    );
}

#[test]
fn other_accounts_need_both_sides_and_an_operation_that_admits_them() {
    for row in judged_by_policies().filter(|row| has_key(row)) {
        let world = World::new();
        let action = row.actions[0];
        let allows = with_principal(statement("Allow", row.actions), &alice(OTHER_ACCOUNT));
        world.identity_policy(OTHER_ACCOUNT, &[statement("Allow", row.actions)]);
        world.denied(row, OTHER_ACCOUNT, "only its own side", OTHER);
        world.identity_policy(OTHER_ACCOUNT, &[statement("Allow", &["kms:ListKeys"])]);
        world.key_policy(std::slice::from_ref(&allows));
        let reason = if row.other_accounts { by_identity(action) } else { OTHER.to_owned() };
        world.denied(row, OTHER_ACCOUNT, "only the key's side", &reason);
        world.identity_policy(OTHER_ACCOUNT, &[statement("Allow", row.actions)]);
        if row.other_accounts {
            let deny = with_principal(statement("Deny", row.actions), &alice(OTHER_ACCOUNT));
            world.key_policy(&[allows.clone(), deny]);
            world.denied(row, OTHER_ACCOUNT, "denied by key", OTHER);
            world.key_policy(&[delegation(OTHER_ACCOUNT)]);
            world.allowed(row, OTHER_ACCOUNT, "delegated to its account");
        } else {
            world.key_policy(&[allows, delegation(OTHER_ACCOUNT)]);
            world.denied(row, OTHER_ACCOUNT, "for an operation of the own account", OTHER);
        }
    }
}

#[test]
fn a_grant_to_another_account_needs_its_policy_too() {
    for row in judged_by_policies().filter(|row| grantable(row) && row.other_accounts) {
        let world = World::new();
        world.grant(row, &arn(OTHER_ACCOUNT));
        assert!(world.call(row, OTHER_ACCOUNT).is_err(), "{}", row.name);
        world.identity_policy(OTHER_ACCOUNT, &[statement("Allow", row.actions)]);
        world.allowed(row, OTHER_ACCOUNT, "by grant and IAM");
    }
}

#[test]
fn whether_a_key_exists_is_not_told_to_other_accounts() {
    let world = World::new();
    world.identity_policy(OTHER_ACCOUNT, &[statement("Allow", &["kms:*"])]);
    let missing = world
        .kit
        .symmetric
        .replace(crate::rig::id_of(&world.kit.symmetric), "1234abcd-12ab-34cd-56ef-1234567890ab");
    for row in judged_by_policies().filter(|row| has_key(row)) {
        let caller = world.alice(OTHER_ACCOUNT);
        let tell = |key: &str| {
            let body = world.kit.body_for(row, key);
            world.rig.try_as(&caller, row.name, &body).expect_err(row.name)
        };
        assert_eq!(tell(world.kit.key(row)), tell(&missing), "{}", row.name);
    }
    let known = world.rig.try_as(&root(), "DescribeKey", &json!({"KeyId": missing})).unwrap_err();
    assert_eq!(known.code, "NotFoundException");
}
