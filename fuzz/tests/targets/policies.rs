//! Policy documents of every grammar: none panics, and one that is accepted is kept to the letter and judges.

use keyreeve_model::region::AccountId;
use keyreeve_policy::context::MapContext;
use keyreeve_policy::evaluate::keeps_control;
use keyreeve_policy::principal::Principal;
use keyreeve_policy::{Grammar, Policy, aws_managed_key_policy, default_key_policy};

use crate::tape::Tape;

const VALUES: &[&str] = &[
    "\"*\"",
    "\"Allow\"",
    "\"Deny\"",
    "\"2012-10-17\"",
    "\"kms:*\"",
    "\"kms:Put*\"",
    "{\"AWS\":\"*\"}",
    "[]",
    "{}",
    "null",
    "true",
    "0",
    "-1e9",
    "\"\"",
    "\"arn:aws:iam::111122223333:root\"",
    "{\"AWS\":[\"111122223333\",\"*\"]}",
    "{\"StringEquals\":{\"kms:ViaService\":\"s3\"}}",
    "{\"Bool\":{\"a\":[true]}}",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"é\"",
    "[\"kms:*\",[]]",
    "{\"Service\":\"s3.amazonaws.com\"}",
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
];
const ELEMENTS: &[&str] = &[
    "Effect",
    "Principal",
    "Action",
    "Resource",
    "Sid",
    "NotPrincipal",
    "NotAction",
    "NotResource",
    "Condition",
    "Effect",
    "effect",
    "Version",
];

fn statement(tape: &mut Tape<'_>) -> String {
    let members: Vec<String> =
        (0..tape.below(8)).map(|_| format!("\"{}\":{}", tape.pick(ELEMENTS), tape.pick(VALUES))).collect();
    format!("{{{}}}", members.join(","))
}

fn document(tape: &mut Tape<'_>) -> String {
    let statements: Vec<String> = (0..tape.below(4)).map(|_| statement(tape)).collect();
    let list = match tape.below(3) {
        0 => format!("[{}]", statements.join(",")),
        1 => statement(tape),
        _ => (*tape.pick(VALUES)).to_owned(),
    };
    format!("{{\"Version\":{},\"Id\":{},\"Statement\":{list}}}", tape.pick(VALUES), tape.pick(VALUES))
}

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn check(text: &str, owner: AccountId) {
    let context = MapContext::new().with("a", text).with("kms:ViaService", "s3");
    for grammar in [Grammar::KeyPolicy, Grammar::TrustPolicy, Grammar::Identity] {
        let Ok(policy) = Policy::parse(text, grammar) else { continue };
        assert_eq!(policy.text(), text);
        // Whatever comes out, it must not panic.
        keeps_control(&Principal::Root(owner), owner, KEY, &policy, &context);
    }
}

target!(documents, 6000, {
    let owner = AccountId::parse("111122223333").unwrap();
    let samples =
        [default_key_policy("aws", owner), aws_managed_key_policy("aws", "eu-central-1", owner, "s3")];
    move |tape: &mut Tape<'_>| match tape.below(4) {
        0 => check(&String::from_utf8_lossy(tape.rest()), owner),
        1 => {
            let sample = tape.pick(&samples);
            check(&tape.mutated_text(sample), owner);
        }
        2 => {
            let made = document(tape);
            check(&tape.mutated_text(&made), owner);
        }
        _ => check(&document(tape), owner),
    }
});

#[test]
fn deeply_nested_documents_are_refused() {
    for (open, close) in [("[", "]"), ("{\"Statement\":", "}")] {
        let text = format!("{}{}", open.repeat(2000), close.repeat(2000));
        assert!(Policy::parse(&text, Grammar::KeyPolicy).is_err());
    }
}
