//! Conditions of every operator, over arbitrary values of the policy and of the request: none panics, and what AWS says of
//! negation, of absent values and of sets holds for all of them.

use keyreeve_model::region::AccountId;
use keyreeve_policy::condition_key::CONDITION_KEYS;
use keyreeve_policy::context::MapContext;
use keyreeve_policy::evaluate::evaluate;
use keyreeve_policy::evidence::{Evidence, NamedPolicy, PolicyKind, Resource};
use keyreeve_policy::explain::explain;
use keyreeve_policy::principal::{Principal, User};
use keyreeve_policy::{Grammar, Policy};
use serde_json::json;

use crate::tape::Tape;

/// Each operator, and the one that holds where it does not.
const OPERATORS: &[(&str, Option<&str>)] = &[
    ("StringEquals", Some("StringNotEquals")),
    ("StringEqualsIgnoreCase", Some("StringNotEqualsIgnoreCase")),
    ("StringLike", Some("StringNotLike")),
    ("NumericEquals", Some("NumericNotEquals")),
    ("NumericLessThan", None),
    ("NumericLessThanEquals", None),
    ("NumericGreaterThan", None),
    ("NumericGreaterThanEquals", None),
    ("DateEquals", Some("DateNotEquals")),
    ("DateLessThan", None),
    ("DateLessThanEquals", None),
    ("DateGreaterThan", None),
    ("DateGreaterThanEquals", None),
    ("Bool", None),
    ("BinaryEquals", None),
    ("IpAddress", Some("NotIpAddress")),
    ("ArnEquals", Some("ArnNotEquals")),
    ("ArnLike", Some("ArnNotLike")),
];

/// Values that are right for some operator.
const SAMPLES: &[&str] = &[
    "30",
    "30.0",
    "-1.5",
    "2026-01-01T00:00:00Z",
    "2026-01-01T01:00:00+01:00",
    "1767225600",
    "true",
    "false",
    "YQ==",
    "203.0.113.0/24",
    "203.0.113.7",
    "2001:db8::/32",
    "2001:db8::1",
    "arn:aws:kms:*:*:key/*",
    "arn:aws:kms:eu-central-1:111122223333:key/a",
    "alice",
    "${aws:username}",
];

/// Pieces of values of every kind.
const PIECES: &[&str] = &[
    "0",
    "1",
    "-",
    "+",
    ".",
    "5",
    "9999999999999999999999",
    "1e9",
    "e",
    "2026-01-02",
    "T00:00:00Z",
    "T24:61:61",
    "+14:00",
    "-00:00",
    "1767225600",
    "true",
    "FALSE",
    "203.0.113.7",
    "/24",
    "/33",
    "::1",
    "::ffff:203.0.113.7",
    "/128",
    "fe80::1%eth0",
    "arn:aws:kms:*:*:key/",
    "arn:",
    ":",
    "*",
    "?",
    "**",
    "${aws:username}",
    "${aws:PrincipalTag/team, 'none'}",
    "${",
    "}",
    "${*}",
    "${?}",
    "${$}",
    "${no:such}",
    "YQ==",
    "YQ",
    "=",
    "alice",
    "Alice",
    "ß",
    "İ",
    "😀",
    "\u{0}",
    " ",
    "\n",
    "\"",
    "\\",
];

fn value(tape: &mut Tape<'_>) -> String {
    match tape.below(16) {
        0 => String::from_utf8_lossy(&tape.bytes(12)).into_owned(),
        1 => "a*?".repeat(tape.below(200)),
        2 => {
            let sample = tape.pick::<&str>(SAMPLES);
            tape.mutated_text(sample)
        }
        3..=9 => tape.pick::<&str>(SAMPLES).to_string(),
        _ => tape.pieces(PIECES, 6),
    }
}

fn values(tape: &mut Tape<'_>, max: usize) -> Vec<String> {
    (0..tape.below(max + 1)).map(|_| value(tape)).collect()
}

struct Case {
    principal: Principal,
    key: String,
    wanted: Vec<String>,
}

impl Case {
    /// A value of the request: often one that the policy wants.
    fn value(&self, tape: &mut Tape<'_>) -> String {
        if self.wanted.is_empty() || tape.once_in(2) { value(tape) } else { tape.pick(&self.wanted).clone() }
    }

    /// Whether a condition of this operator holds; `None` where it is no policy.
    fn holds(&self, operator: &str, context: &MapContext) -> Option<bool> {
        let condition = json!({operator: {self.key.as_str(): self.wanted}});
        let document = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}});
        let policy = Policy::parse(&document.to_string(), Grammar::Identity).ok()?;
        let identity = [NamedPolicy { kind: PolicyKind::Identity, name: "p".into(), policy: policy.into() }];
        let evidence = Evidence {
            principal: &self.principal,
            action: "kms:Encrypt",
            resource: Resource::Everything,
            context,
            guards: &[],
            identity: &identity,
            boundary: None,
            sessions: None,
            grant: None,
            other_accounts: false,
        };
        let allowed = evaluate(&evidence).is_allow();
        // An explanation must not panic either.
        drop(explain(&evidence));
        Some(allowed)
    }
}

fn alice() -> Principal {
    let account = AccountId::parse("111122223333").unwrap();
    let arn = "arn:aws:iam::111122223333:user/alice".into();
    Principal::User(User { account, arn, name: "alice".into(), id: "AIDAEXAMPLE".into() }.into())
}

fn check(tape: &mut Tape<'_>) {
    let key = match tape.below(8) {
        0 => value(tape),
        1 => "aws:PrincipalTag/team".to_owned(),
        _ => tape.pick(CONDITION_KEYS).name.to_owned(),
    };
    let case = Case { principal: alice(), key, wanted: values(tape, 3) };
    let (operator, negated) = *tape.pick(OPERATORS);
    let base = MapContext::new().with("aws:username", value(tape));
    let one = base.clone().with(&case.key, case.value(tape));
    let many: Vec<_> = (0..tape.below(5)).map(|_| case.value(tape)).collect();
    let many = base.clone().with_many(&case.key, many);
    let none = base.clone().with_many::<String>(&case.key, []);
    for context in [&one, &many, &none, &base] {
        for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
            for suffix in ["", "IfExists"] {
                case.holds(&format!("{prefix}{operator}{suffix}"), context);
            }
        }
    }
    // Only what parses has an answer.
    let Some(positive) = case.holds(operator, &one) else { return };
    if let Some(negated) = negated {
        assert_eq!(case.holds(negated, &one), Some(!positive), "{operator}");
        let (all, any) = (format!("ForAllValues:{negated}"), format!("ForAnyValue:{operator}"));
        assert_eq!(case.holds(&all, &many), case.holds(&any, &many).map(|holds| !holds), "{operator}");
    }
    assert_eq!(case.holds(&format!("{operator}IfExists"), &one), Some(positive), "{operator}");
    if case.key != "aws:username" {
        assert_eq!(case.holds(operator, &none), Some(false), "{operator} of nothing");
        assert_eq!(case.holds(&format!("{operator}IfExists"), &none), Some(true), "{operator}");
        assert_eq!(case.holds(&format!("ForAllValues:{operator}"), &none), Some(true), "{operator}");
        assert_eq!(case.holds(&format!("ForAnyValue:{operator}"), &none), Some(false), "{operator}");
    }
}

target!(every_operator, 2000, check);

/// Otherwise the target above would only ever see what does not hold.
#[test]
fn every_operator_holds_for_some_of_the_values_made() {
    let tapes = crate::seeded::Seeded::new("conditions", 1);
    for (operator, _) in OPERATORS {
        let holds = (0..2000).any(|number| {
            let tape = tapes.tape(number);
            let mut tape = Tape::new(&tape);
            let case =
                Case { principal: alice(), key: "aws:userid".to_owned(), wanted: values(&mut tape, 3) };
            case.holds(operator, &MapContext::new().with("aws:userid", case.value(&mut tape))) == Some(true)
        });
        assert!(holds, "{operator}");
    }
}
