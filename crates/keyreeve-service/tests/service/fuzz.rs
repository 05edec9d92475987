//! Whatever the body is: an answer or a client's error, soon, and never a panic. Seeded; PROPTEST_CASES bounds it.

use std::time::{Duration, Instant};

use keyreeve_service::input::shape::{Kind, Structure};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::kit::{Kit, kms_rows};
use crate::rig::{Rig, b64, root};

/// RSA keys of 4,096 bits take seconds to generate, in a debug build and by bad luck.
const LONGEST: Duration = Duration::from_secs(60);
const LONGEST_OTHERWISE: Duration = Duration::from_secs(2);

fn runner(seed: u8) -> TestRunner {
    let config = Config { failure_persistence: None, ..Config::default() };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { 24 };
    TestRunner::new_with_rng(
        Config { cases, ..config },
        TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
    )
}

fn check(rig: &Rig, operation: &'static str, body: &[u8]) -> Result<(), TestCaseError> {
    let started = Instant::now();
    let outcome = rig.try_bytes(&root(), operation, body);
    let generates = matches!(operation, "CreateKey" | "GetParametersForImport")
        || operation.starts_with("GenerateDataKeyPair");
    prop_assert!(started.elapsed() < if generates { LONGEST } else { LONGEST_OTHERWISE }, "{operation}");
    if let Err(error) = outcome {
        let server = matches!(error.code, "KMSInternalException" | "DependencyTimeoutException");
        prop_assert!(!server, "{operation} {}: {error:?}", String::from_utf8_lossy(body));
    }
    Ok(())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        any::<String>(),
        select(vec![1_usize, 127, 128, 129, 256, 257, 1025, 2049, 8193]).prop_map(|len| "x".repeat(len)),
        select(vec![
            "alias/kit",
            "alias/aws/s3",
            "alias/",
            "alias/a/b",
            "default",
            "AWS_RAM",
            "aws:x",
            "mrk-",
            "arn:aws:kms:",
            "arn:aws:kms:eu-central-1:111122223333:alias/kit",
            "arn:aws:kms:us-east-1:111122223333:alias/kit",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
            "{}",
            "{\"Statement\":[{}]}",
        ])
        .prop_map(str::to_owned),
    ]
}

fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..4).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

/// Values that mostly fit the kind; names of the keys of the kit among the texts.
fn value_of(kind: &'static Kind, names: &[String]) -> BoxedStrategy<Value> {
    let fitting = match kind {
        Kind::Text { .. } => {
            prop_oneof![3 => select(names.to_vec()), 2 => text()].prop_map(Value::from).boxed()
        }
        Kind::Enum(variants) => prop_oneof![9 => select(*variants).prop_map(str::to_owned), 1 => text()]
            .prop_map(Value::from)
            .boxed(),
        Kind::Blob { max, .. } => {
            let len = select(vec![0, 1, 16, 31, 32, 48, 64, 65, 200, *max.min(&5000), max.min(&5000) + 1]);
            prop_oneof![
                (len, any::<u8>()).prop_map(|(len, byte)| b64(vec![byte; len])),
                prop::collection::vec(any::<u8>(), 0..120).prop_map(b64),
                text(),
            ]
            .prop_map(Value::from)
            .boxed()
        }
        Kind::Integer { min, max } => {
            select(vec![*min, *max, min - 1, max + 1, 7, 30, 32, i64::MIN, i64::MAX])
                .prop_map(Value::from)
                .boxed()
        }
        Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Timestamp => any::<f64>().prop_map(Value::from).boxed(),
        Kind::List { element, .. } => {
            prop::collection::vec(value_of(element, names), 0..3).prop_map(Value::from).boxed()
        }
        Kind::Map => prop::collection::vec((text(), text()), 0..4)
            .prop_map(|entries| entries.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
            .boxed(),
        Kind::Structure(structure) => body_of(structure, names),
    };
    prop_oneof![12 => fitting, 1 => junk()].boxed()
}

fn body_of(structure: &'static Structure, names: &[String]) -> BoxedStrategy<Value> {
    let members: Vec<_> = structure
        .members
        .iter()
        .map(|member| {
            let probability = if member.required { 0.97 } else { 0.3 };
            prop::option::weighted(probability, value_of(member.kind, names))
                .prop_map(|value| (member.name, value))
        })
        .collect();
    members
        .prop_map(|members| {
            members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
        })
        .boxed()
}

fn names(kit: &Kit) -> Vec<String> {
    kit.keys().into_iter().map(str::to_owned).chain(["alias/kit".to_owned()]).collect()
}

#[test]
fn bodies_built_from_the_shapes_are_answered() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for row in kms_rows() {
        let strategy = body_of(row.input, &names(&kit));
        let outcome = runner(1).run(&strategy, |body| check(&rig, row.name, body.to_string().as_bytes()));
        outcome.unwrap_or_else(|error| panic!("{}: {error}", row.name));
    }
}

#[test]
fn valid_bodies_with_one_member_changed_are_answered() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for row in kms_rows().filter(|row| !row.input.members.is_empty()) {
        let valid = kit.body(row.name);
        let members: Vec<_> = row.input.members.iter().collect();
        let names = names(&kit);
        let strategy = select(members).prop_flat_map(move |member| {
            value_of(member.kind, &names).prop_map(move |value| (member.name, value))
        });
        let outcome = runner(2).run(&strategy, |(name, value)| {
            let mut body = valid.clone();
            body[name] = value;
            check(&rig, row.name, body.to_string().as_bytes())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", row.name));
    }
}

#[test]
fn changed_bytes_of_valid_bodies_are_answered() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for row in kms_rows() {
        let valid = kit.body(row.name).to_string().into_bytes();
        let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
        let outcome = runner(3).run(&edits, |edits| {
            let mut body = valid.clone();
            edits.iter().for_each(|(index, byte)| *index.get_mut(&mut body) = *byte);
            check(&rig, row.name, &body)
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", row.name));
    }
}

#[test]
fn arbitrary_bytes_are_answered() {
    let rig = Rig::new();
    for row in kms_rows() {
        let bytes = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            junk().prop_map(|value| value.to_string().into_bytes()),
            "[\\[\\]{}\",:0-9a-z\\\\ ]{0,60}".prop_map(String::into_bytes),
        ];
        let outcome = runner(4).run(&bytes, |body| check(&rig, row.name, &body));
        outcome.unwrap_or_else(|error| panic!("{}: {error}", row.name));
    }
    assert_eq!(rig.ok("ListAliases", json!({"Limit": 1}))["Truncated"], true);
}
