//! What must hold for every policy, over generated ones.

use keyreeve_model::region::AccountId;
use keyreeve_policy::context::MapContext;
use keyreeve_policy::principal::Principal;
use keyreeve_policy::{Grammar, Policy};
use proptest::prelude::*;
use proptest::sample::select;

use crate::question::{ALICE, KEY, Question, ROLE, SESSION, alice, own, session};

const CONDITIONS: &[&str] = &[
    "",
    "",
    r#","Condition":{"StringEquals":{"kms:EncryptionContext:App":"a"}}"#,
    r#","Condition":{"StringNotEquals":{"kms:EncryptionContext:App":["a","b"]}}"#,
    r#","Condition":{"StringLike":{"aws:username":"${aws:username}*"}}"#,
    r#","Condition":{"Null":{"aws:username":"true"}}"#,
    r#","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":["x","y"]}}"#,
    r#","Condition":{"ForAllValues:StringNotLike":{"aws:TagKeys":"x*"},"BoolIfExists":{"aws:SecureTransport":true}}"#,
    r#","Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#,
];

fn statement(effects: &'static [&'static str], with_principal: bool) -> impl Strategy<Value = String> {
    let principals = vec![
        r#""Principal":"*","#.to_owned(),
        format!(r#""Principal":{{"AWS":"{ALICE}"}},"#),
        format!(r#""Principal":{{"AWS":["{ROLE}","444455556666"]}},"#),
        format!(r#""Principal":{{"AWS":"{SESSION}"}},"#),
        r#""Principal":{"AWS":"111122223333"},"#.to_owned(),
        format!(r#""NotPrincipal":{{"AWS":["{ALICE}"]}},"#),
        format!(r#""NotPrincipal":{{"AWS":["{ROLE}","111122223333"]}},"#),
    ];
    let principals = if with_principal { principals } else { vec![String::new()] };
    let actions = vec![
        r#""Action":"kms:*""#,
        r#""Action":["kms:Encrypt","kms:D*"]"#,
        r#""NotAction":"kms:Encrypt""#,
        r#""Action":"*""#,
        r#""Action":"kms:?ecrypt""#,
    ];
    let resources = vec![
        r#""Resource":"*""#.to_owned(),
        format!(r#""Resource":"{KEY}""#),
        r#""NotResource":"arn:aws:kms:*:*:key/${aws:username}""#.to_owned(),
        r#""Resource":"arn:aws:kms:*:*:alias/*""#.to_owned(),
    ];
    (select(effects), select(principals), select(actions), select(resources), select(CONDITIONS)).prop_map(
        |(effect, principal, action, resource, condition)| {
            format!(r#"{{"Effect":"{effect}",{principal}{action},{resource}{condition}}}"#)
        },
    )
}

const BOTH: &[&str] = &["Allow", "Allow", "Deny"];

fn statements(with_principal: bool, most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(statement(BOTH, with_principal), 1..=most)
}

fn question() -> impl Strategy<Value = Question> {
    let callers = vec![alice(), session(), Principal::Root(own())];
    let owners = vec![own(), own(), AccountId::parse("444455556666").unwrap()];
    (
        select(callers),
        select(owners),
        statements(true, 3),
        prop::collection::vec(statement(BOTH, false), 0..3),
        prop::option::weighted(0.3, statements(false, 2)),
        prop::option::weighted(0.3, statements(false, 2)),
        prop::option::weighted(0.3, statements(false, 2)),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(caller, owner, key_policy, identity, boundary, session, guard, granted)| Question {
            caller,
            owner,
            key_policy,
            identity,
            boundary,
            session,
            guard,
            granted,
        })
}

fn context() -> impl Strategy<Value = MapContext> {
    (
        prop::option::of(select(vec!["a", "A", "c"])),
        prop::option::of(select(vec!["Alice", "1234*"])),
        prop::option::of(select(vec![vec!["x"], vec!["z"], vec!["x", "z"], vec![]])),
        prop::option::of(select(vec!["203.0.113.7", "::1"])),
    )
        .prop_map(|(app, username, tags, ip)| {
            let mut context = MapContext::new().with("aws:SecureTransport", "true");
            for (key, value) in
                [("kms:EncryptionContext:app", app), ("aws:username", username), ("aws:SourceIp", ip)]
            {
                context = value.iter().fold(context, |context, value| context.with(key, *value));
            }
            tags.into_iter().fold(context, |context, tags| context.with_many("aws:TagKeys", tags))
        })
}

/// Puts a limit into a question, or takes it away.
type SetLimit = fn(Question, Option<Vec<String>>) -> Question;

fn action() -> impl Strategy<Value = &'static str> {
    select(vec!["kms:Encrypt", "kms:Decrypt", "kms:PutKeyPolicy"])
}

proptest! {
    #[test]
    fn adding_a_deny_never_allows_more(
        question in question(), deny in statement(&["Deny"], true), own_deny in statement(&["Deny"], false),
        action in action(), context in context(),
    ) {
        let before = question.allowed(action, &context);
        let mut more = question.clone();
        more.key_policy.push(deny);
        prop_assert!(before || !more.allowed(action, &context));
        let mut more = question;
        more.identity.insert(0, own_deny);
        prop_assert!(before || !more.allowed(action, &context));
    }

    /// No exception: Allow statements are only ever looked for, and nothing is concluded from their absence but denial.
    #[test]
    fn removing_an_allow_never_allows_more(
        question in question(), allow in statement(&["Allow"], true), own_allow in statement(&["Allow"], false),
        action in action(), context in context(),
    ) {
        let without = question.allowed(action, &context);
        let mut with = question.clone();
        with.key_policy.push(allow);
        prop_assert!(with.allowed(action, &context) || !without);
        let mut with = question;
        with.identity.push(own_allow);
        prop_assert!(with.allowed(action, &context) || !without);
    }

    #[test]
    fn a_limit_never_allows_more(
        question in question(), limit in statements(false, 2), action in action(), context in context(),
    ) {
        let with: [SetLimit; 3] = [
            |question, limit| Question { boundary: limit, ..question },
            |question, limit| Question { session: limit, ..question },
            |question, limit| Question { guard: limit, ..question },
        ];
        for set in with {
            let without = set(question.clone(), None).allowed(action, &context);
            let limited = set(question.clone(), Some(limit.clone())).allowed(action, &context);
            prop_assert!(without || !limited);
        }
    }

    #[test]
    fn the_order_of_statements_does_not_matter(question in question(), action in action(), context in context()) {
        let mut reversed = question.clone();
        reversed.key_policy.reverse();
        reversed.identity.reverse();
        prop_assert_eq!(question.allowed(action, &context), reversed.allowed(action, &context));
    }

    #[test]
    fn parsing_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_all(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn parsing_arbitrary_json_never_panics(value in json()) {
        parse_all(&value.to_string());
    }

    #[test]
    fn arbitrary_values_of_conditions_never_panic(
        operator in select(vec![
            "StringLike", "NumericLessThan", "DateGreaterThan", "Bool", "BinaryEquals", "IpAddress", "ArnLike", "Null",
            "ForAllValues:StringEqualsIgnoreCaseIfExists",
        ]),
        policy in ".{0,20}", request in ".{0,20}",
    ) {
        let condition = serde_json::json!({operator: {"k:x": policy}});
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",
            "Condition":{condition}}}}}"#
        );
        if Policy::parse(&text, Grammar::KeyPolicy).is_ok() {
            let question = Question {
                caller: alice(), owner: own(), identity: vec![], boundary: None, session: None, guard: None,
                key_policy: vec![format!(
                    r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{condition}}}"#
                )],
                granted: false,
            };
            question.allowed("kms:Encrypt", &MapContext::new().with("k:x", request.as_str()));
            question.allowed("kms:Encrypt", &MapContext::new().with_many("k:x", [request, policy]));
        }
    }
}

fn parse_all(text: &str) {
    for grammar in [Grammar::KeyPolicy, Grammar::TrustPolicy, Grammar::Identity] {
        let parsed = Policy::parse(text, grammar);
        assert!(parsed.is_err() || text.contains("Statement"));
    }
}

/// JSON made of the words of the language, so that it gets deep into the parser.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let words = vec![
        "*",
        "Allow",
        "Deny",
        "2012-10-17",
        "kms:*",
        "kms:Encrypt",
        "arn:aws:iam::111122223333:root",
        "111122223333",
        "arn:aws:kms:*:*:key/*",
        "${aws:username}",
        "${",
        "true",
        "",
    ];
    let names = vec![
        "Version",
        "Id",
        "Statement",
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "AWS",
        "Service",
        "StringEquals",
        "Null",
        "aws:username",
    ];
    let leaf = prop_oneof![
        select(words).prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(select(names.clone()), inner, 0..6).prop_map(|map| {
                map.into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}
