//! The table of condition keys, walked: every key can allow and deny, and its facts are those of AWS's model.

use std::path::Path;

use keyreeve_policy::condition_key::{Actions, CONDITION_KEYS, ConditionKeyRow, Source, ValueKind};
use keyreeve_policy::context::MapContext;
use keyreeve_policy::evidence::PolicyKind;
use serde_json::Value;

use crate::question::{ALICE, Question, alice, named, own};

/// An operator, the policy's value, a request's value that matches and one that does not.
fn sample(kind: ValueKind) -> (&'static str, &'static str, &'static str, &'static str) {
    match kind {
        ValueKind::String => ("StringLike", "a?c*", "abcd", "Abcd"),
        ValueKind::Bool => ("Bool", "true", "true", "false"),
        ValueKind::Numeric => ("NumericLessThanEquals", "30", "30.0", "30.5"),
        ValueKind::Date => ("DateLessThan", "2026-01-01T00:00:00Z", "1767225599", "2026-01-01"),
        ValueKind::Arn => ("ArnLike", "arn:aws:*:*:*:a*", "arn:aws:s3:::a", "arn:aws:s3:::b"),
        ValueKind::Ip => ("IpAddress", "203.0.113.0/24", "203.0.113.1", "203.0.114.1"),
        ValueKind::Binary => ("BinaryEquals", "YQ==", "YQ==", "Yg=="),
    }
}

/// Names of one row with a part or number filled in.
fn names(row: &ConditionKeyRow) -> Vec<String> {
    match (row.part, row.numbered) {
        (Some(part), _) => vec![format!("{}{part}Team:A/b", row.name)],
        (None, Some(last)) => (0..=last).map(|number| format!("{}{number}", row.name)).collect(),
        (None, None) => vec![row.name.to_owned()],
    }
}

fn context(row: &ConditionKeyRow, name: &str, value: &str) -> MapContext {
    if row.multivalued {
        MapContext::new().with_many(name, ["other", value])
    } else {
        MapContext::new().with(name, value)
    }
}

#[test]
fn every_condition_key_can_allow_and_deny() {
    for row in CONDITION_KEYS {
        for name in names(row) {
            let (operator, policy, matching, other) = sample(row.kind);
            let set = if row.multivalued { "ForAnyValue:" } else { "" };
            let condition = format!(r#""Condition":{{"{set}{operator}":{{"{name}":"{policy}"}}}}"#);
            let statement = format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"{ALICE}"}},"Action":"kms:*","Resource":"*",{condition}}}"#
            );
            let question = Question {
                caller: alice(),
                owner: own(),
                key_policy: vec![statement.clone()],
                identity: vec![],
                boundary: None,
                session: None,
                guard: None,
                granted: false,
            };
            let lower = name.to_lowercase();
            assert!(question.allowed("kms:Encrypt", &context(row, &lower, matching)), "{name}");
            assert!(!question.allowed("kms:Encrypt", &context(row, &lower, other)), "{name}");
            assert!(!question.allowed("kms:Encrypt", &MapContext::new()), "{name}");
            let denying = Question {
                key_policy: vec![
                    statement.replace(&format!(",{condition}"), ""),
                    statement.replace("Allow", "Deny"),
                ],
                ..question
            };
            assert!(!denying.allowed("kms:Encrypt", &context(row, &lower, matching)), "{name}");
            assert!(denying.allowed("kms:Encrypt", &context(row, &lower, other)), "{name}");
        }
    }
}

#[test]
fn every_condition_key_works_in_identity_policies() {
    for row in CONDITION_KEYS {
        let (operator, policy, ..) = sample(row.kind);
        for name in names(row) {
            let condition = format!(r#""Condition":{{"{operator}IfExists":{{"{name}":"{policy}"}}}}"#);
            let text = format!(
                r#"{{"Statement":{{"Effect":"Allow","Action":"kms:*","Resource":"*",{condition}}}}}"#
            );
            named(PolicyKind::Identity, &text);
        }
    }
}

/// The members that rows name exist in the requests of their actions, by AWS's service model.
#[test]
fn members_are_those_of_the_service_model() {
    let models = ["kms", "iam"].map(|api| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../model/{api}.json"));
        (api, serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap())
    });
    let has_member = |action: &str, member: &str| {
        let (api, operation) = action.split_once(':').unwrap();
        let operation = match operation {
            "ReEncryptFrom" | "ReEncryptTo" => "ReEncrypt",
            other => other,
        };
        let (_, model) = models.iter().find(|(known, _)| *known == api).unwrap();
        let shape = model["operations"][operation]["input"]["shape"].as_str().unwrap();
        model["shapes"][shape]["members"].get(member).is_some()
    };
    let mut checked = 0;
    for row in CONDITION_KEYS {
        let (Source::Member { names, .. }, Actions::Only(actions)) = (row.source, row.actions) else {
            continue;
        };
        for action in actions {
            let member = names.iter().find(|(named, _)| named == action || named.is_empty()).unwrap().1;
            // Operations without a choice of algorithm use the default.
            let always_default = row.name == "kms:EncryptionAlgorithm" && action.contains("GenerateDataKey");
            assert!(has_member(action, member) || always_default, "{} {action} {member}", row.name);
            checked += 1;
        }
    }
    assert!(checked > 20);
}

/// Actions of rows are operations of AWS's model.
#[test]
fn actions_are_those_of_the_service_model() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model/kms.json");
    let model: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for row in CONDITION_KEYS {
        let Actions::Only(actions) = row.actions else { continue };
        for action in actions.iter().filter_map(|action| action.strip_prefix("kms:")) {
            let known = matches!(action, "ReEncryptFrom" | "ReEncryptTo")
                || model["operations"].get(action).is_some();
            assert!(known, "{} {action}", row.name);
        }
    }
}
