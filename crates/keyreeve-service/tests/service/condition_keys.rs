//! Every condition key against every operation in whose requests it can have a value: a policy with the value that the
//! request has allows, the same policy with another value denies. Generated from the table of condition keys and the
//! catalogue, so that a new row of either is held to it the day it is written.
//! AWS: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html>

use std::collections::BTreeSet;

use keyreeve_policy::condition_key::{
    Actions, CONDITION_KEYS, ConditionKeyRow, KeyFact, RequestFact, Source, ValueKind, condition_key_names,
};
use keyreeve_service::catalogue::{Api, CATALOGUE, Row, Scope};
use serde_json::{Value, json};

use crate::condition_cases::{CASES, Case};
use crate::condition_world::{Asked, Who, World};
use crate::kit::kms_rows;

/// Operations that somebody signs who has policies; the others are in `condition_keys_of_trust.rs`.
fn judged() -> impl Iterator<Item = &'static Row> {
    CATALOGUE.iter().filter(|row| row.api != Api::Operator && row.signed)
}

/// The actions of an operation in whose requests the key can have a value, as its row says.
fn actions(key: &ConditionKeyRow, row: &'static Row) -> Vec<&'static str> {
    let on_keys = matches!(row.scope, Scope::Key { .. } | Scope::Alias) || row.name == "CreateKey";
    let named = |action: &&str| match key.actions {
        Actions::All => true,
        Actions::Only(only) => only.contains(action),
        Actions::OnKeys => row.api == Api::Kms && on_keys,
    };
    row.actions.iter().copied().filter(named).collect()
}

/// Whether the key has no value although its row names the operation.
fn is_absent(key: &ConditionKeyRow, row: &Row) -> bool {
    let takes_recipients =
        row.input.members.iter().any(|member| member.name == "Recipient" && member.honoured);
    match key.source {
        Source::Never(_) => true,
        // Until the document is honoured; then it wants a case.
        Source::Request(RequestFact::Attestation | RequestFact::NitroTpmAttestation) => !takes_recipients,
        // A key that is to be made has none.
        Source::Key(KeyFact::Aliases) => row.name == "CreateKey",
        Source::Member { .. }
        | Source::EncryptionContext
        | Source::EncryptionContextKeys
        | Source::RequestTag
        | Source::TagKeys
        | Source::Key(_)
        | Source::Caller(_)
        | Source::Connection(_)
        | Source::Clock(_)
        | Source::Forwarding(_)
        | Source::Grant(_)
        | Source::Request(_)
        | Source::Trust(_) => false,
    }
}

fn case_of(key: &ConditionKeyRow) -> &'static Case {
    let found = CASES.iter().find(|case| case.name == key.name);
    found.unwrap_or_else(|| panic!("{}: give it a case in condition_cases.rs", key.name))
}

pub(crate) const fn operator(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::String => "StringEquals",
        ValueKind::Bool => "Bool",
        ValueKind::Numeric => "NumericEquals",
        ValueKind::Date => "DateEquals",
        ValueKind::Arn => "ArnEquals",
        ValueKind::Ip => "IpAddress",
        ValueKind::Binary => "BinaryEquals",
    }
}

fn statement(effect: &str, actions: &[&str], resource: &str) -> Value {
    json!({"Effect": effect, "Action": actions, "Resource": resource})
}

/// Statements under which the action is allowed only under the condition. Services have no policies of their own that
/// would allow: they are denied where the condition holds.
fn policy(row: &'static Row, action: &'static str, who: Who, of_key: bool, condition: &Value) -> Vec<Value> {
    let with = |mut statement: Value| {
        statement["Condition"] = condition.clone();
        statement
    };
    if who == Who::Service {
        return vec![statement("Allow", &["*"], "*"), with(statement("Deny", &[action], "*"))];
    }
    // An alias has none of the facts of its key.
    let resource = if of_key && row.scope == Scope::Alias { "arn:aws:kms:*:*:key/*" } else { "*" };
    let others: Vec<_> = row
        .actions
        .iter()
        .chain(&row.tagging)
        .chain(&row.making)
        .copied()
        .filter(|other| *other != action)
        .collect();
    let mut statements = vec![with(statement("Allow", &[action], resource))];
    if resource != "*" {
        statements.push(statement("Allow", &[action], "arn:aws:kms:*:*:alias/*"));
    }
    if !others.is_empty() {
        statements.push(statement("Allow", &others, "*"));
    }
    statements
}

/// Whether the condition was found to hold, and what was answered.
fn holds(asked: &Asked<'_>, who: Who, of_key: bool, condition: &Value) -> (bool, String) {
    let statements = policy(asked.row, asked.action, who, of_key, condition);
    let caller = asked.world.caller(who, &statements);
    let outcome = asked.world.call(&caller, asked.row, &asked.body);
    let denied = outcome.as_ref().is_err_and(|error| error.code.starts_with("AccessDenied"));
    let text = outcome.map_or_else(|error| format!("{error:?}"), |answer| answer.to_string());
    let holds = match who {
        Who::Service => denied && text.contains("with an explicit deny in an identity-based policy"),
        Who::User | Who::Session | Who::Via => {
            let named = format!("is not authorized to perform: {} ", asked.action);
            assert!(!denied || text.contains(&named), "{} {condition}: {text}", asked.row.name);
            !denied
        }
    };
    (holds, text)
}

fn asked<'a>(world: &'a World, row: &'static Row, action: &'static str, who: Who) -> Asked<'a> {
    Asked {
        world,
        row,
        action,
        caller: world.caller(who, &[statement("Allow", &["*"], "*")]),
        body: world.body(row),
    }
}

/// Names of a row that stand for all of them.
pub(crate) fn names(key: &ConditionKeyRow) -> Vec<String> {
    match (key.part, key.numbered) {
        (Some(part), _) => vec![format!("{}{part}x", key.name)],
        (None, Some(last)) => vec![format!("{}0", key.name), format!("{}{last}", key.name)],
        (None, None) => vec![key.name.to_owned()],
    }
}

/// What went wrong.
type Faults = Vec<String>;

fn check_absent(
    world: &World,
    key: &ConditionKeyRow,
    row: &'static Row,
    action: &'static str,
    faults: &mut Faults,
) {
    for name in names(key) {
        for (absent, expected) in [("false", false), ("true", true)] {
            let asked = asked(world, row, action, Who::User);
            let condition = json!({"Null": {name.as_str(): absent}});
            let (holds, answer) = holds(&asked, Who::User, is_of_key(key), &condition);
            if holds != expected {
                faults.push(format!("{action}: {condition} of a key that is never there: {answer}"));
            }
        }
    }
}

fn is_of_key(key: &ConditionKeyRow) -> bool {
    matches!(key.source, Source::Key(fact) if fact != KeyFact::Account)
}

fn check_value(
    world: &World,
    key: &ConditionKeyRow,
    row: &'static Row,
    action: &'static str,
    faults: &mut Faults,
) {
    let case = case_of(key);
    let set = if key.multivalued { "ForAnyValue:" } else { "" };
    let operator = format!("{set}{}", operator(key.kind));
    for has in [false, true] {
        let mut asked = asked(world, row, action, case.who);
        (case.with)(&mut asked);
        let value = if has { (case.value)(&asked) } else { case.other.to_owned() };
        let condition = json!({operator.as_str(): {format!("{}{}", key.name, case.part): value}});
        let (holds, answer) = holds(&asked, case.who, is_of_key(key), &condition);
        if holds != has {
            faults.push(format!("{action}: {condition}, {}: {answer}", asked.body));
        }
    }
}

/// Walks every condition key over these operations.
fn walk(rows: &[&'static Row]) {
    let (mut world, mut faults) = (World::new(), Faults::new());
    for row in rows {
        // What an operation of KMS does to keys is not to be seen by the next.
        if row.api == Api::Kms {
            world = World::new();
        }
        for key in CONDITION_KEYS {
            for action in actions(key, row) {
                if is_absent(key, row) {
                    check_absent(&world, key, row, action, &mut faults);
                } else {
                    check_value(&world, key, row, action, &mut faults);
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} cases:\n{}", faults.len(), faults.join("\n"));
}

fn rows(wanted: impl Fn(&Row) -> bool) -> Vec<&'static Row> {
    judged().filter(|row| wanted(row)).collect()
}

#[test]
fn every_condition_key_decides_every_operation_on_a_key_that_uses_it() {
    let uses = |row: &Row| row.api == Api::Kms && row.usage.is_some();
    walk(&rows(uses));
}

#[test]
fn every_condition_key_decides_every_other_operation_of_kms() {
    walk(&rows(|row| row.api == Api::Kms && row.usage.is_none()));
}

#[test]
fn every_condition_key_decides_every_operation_of_iam_and_sts() {
    walk(&rows(|row| row.api != Api::Kms));
}

#[test]
fn every_condition_key_with_a_value_has_a_case_and_no_other() {
    let with_value = CONDITION_KEYS.iter().filter(|key| {
        !matches!(
            key.source,
            Source::Never(_) | Source::Request(RequestFact::Attestation | RequestFact::NitroTpmAttestation)
        )
    });
    let wanted: Vec<_> = with_value.map(|key| key.name).collect();
    let have: Vec<_> = CASES.iter().map(|case| case.name).collect();
    assert_eq!(have, wanted);
    // The table writes out what rows leave open.
    assert!(condition_key_names().count() > CONDITION_KEYS.len());
}

/// Only operations that do not exist yet leave a condition key without a request.
#[test]
fn condition_keys_that_no_operation_knows_wait_for_all_their_operations() {
    let known: BTreeSet<_> = CATALOGUE.iter().flat_map(|row| row.actions).copied().collect();
    for key in CONDITION_KEYS {
        let walked = judged().any(|row| !actions(key, row).is_empty());
        let Actions::Only(only) = key.actions else {
            assert!(walked, "{}", key.name);
            continue;
        };
        let exists = only.iter().any(|action| known.contains(action));
        assert_eq!(walked, exists, "{}", key.name);
    }
}

/// Where a request can have an alias or tags, conditions can ask for them.
#[test]
fn keys_of_aliases_and_tags_name_every_operation_that_takes_them() {
    let named = |key: &str, action: &str| {
        let row = CONDITION_KEYS.iter().find(|row| row.name == key).unwrap();
        matches!(row.actions, Actions::Only(actions) if actions.contains(&action))
    };
    for row in kms_rows().filter(|row| row.scope.takes_aliases()) {
        assert!(row.actions.iter().all(|action| named("kms:RequestAlias", action)), "{}", row.name);
    }
    // Tags of a replica are a matter of what is made in its Region.
    for row in judged().filter(|row| row.making.is_none()) {
        for (member, key) in [("Tags", "aws:RequestTag"), ("Tags", "aws:TagKeys"), ("TagKeys", "aws:TagKeys")]
        {
            if row.input.members.iter().any(|known| known.name == member) {
                assert!(row.actions.iter().all(|action| named(key, action)), "{} {key}", row.name);
            }
        }
    }
}
