//! The grammar: what is accepted, and how what is not is told.

use super::*;
use crate::policy::Policy;
use crate::principal_pattern::PrincipalPattern;

const OWNER: &str = r#""Principal":{"AWS":"111122223333"}"#;

fn refusal(text: &str, grammar: Grammar) -> String {
    match Policy::parse(text, grammar) {
        Ok(_) => "accepted".to_owned(),
        Err(PolicyFault::Grammar(message)) => message,
        Err(other @ (PolicyFault::Principal | PolicyFault::Lockout)) => format!("{other:?}"),
    }
}

/// A policy of one statement with these elements after its effect.
fn one(elements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{elements}}}}}"#)
}

#[test]
fn documents_that_are_no_policies_are_refused_and_the_place_named() {
    for (text, place) in [
        ("", "line 1"),
        ("[]", "The policy must be a JSON object"),
        (r#"{"Statement":[]}"#, "at least one statement"),
        (r#"{"Version":"2012-10-17"}"#, "at least one statement"),
        (r#"{"Version":"2020-01-01","Statement":[]}"#, "Version must be"),
        (r#"{"Version":20121017,"Statement":[]}"#, "Version must be"),
        (r#"{"statement":[]}"#, "The policy has an unknown element statement"),
        (r#"{"Id":7,"Statement":[]}"#, "Id must be a string"),
        (r#"{"Statement":[7]}"#, "Statement 1 must be a JSON object"),
        (r#"{"Statement":[],"Statement":[]}"#, "Statement occurs twice"),
        ("{\"Statement\":\"\u{20AC}\"}", "U+20AC"),
        ("{\"Statement\":\"\u{7}\"}", "U+0007"),
    ] {
        for grammar in [Grammar::KeyPolicy, Grammar::TrustPolicy] {
            let message = refusal(text, grammar);
            assert!(message.contains(place), "{text}: {message}");
        }
    }
}

#[test]
fn statements_that_are_none_are_refused_and_the_place_named() {
    let key = |elements: &str, place: &str| {
        let message = refusal(&one(elements), Grammar::KeyPolicy);
        assert!(message.contains(place), "{elements}: {message}");
    };
    let with = |rest: &str| format!("{OWNER},{rest}");
    key(r#""Action":"*","Resource":"*""#, "Statement 1 must have exactly one of Principal and NotPrincipal");
    key(&with(r#""Resource":"*""#), "exactly one of Action and NotAction");
    key(&with(r#""Action":"*","NotAction":"*","Resource":"*""#), "exactly one of Action and NotAction");
    key(&with(r#""Action":"*","Resource":"*","NotResource":"*""#), "exactly one of Resource and NotResource");
    key(&with(r#""Action":"Encrypt","Resource":"*""#), "Statement 1: action Encrypt has no service prefix");
    key(&with(r#""Action":"k*:Encrypt","Resource":"*""#), "no service prefix");
    key(&with(r#""Action":"kms:","Resource":"*""#), "is no action");
    key(&with(r#""Action":"kms:En crypt","Resource":"*""#), "is no action");
    key(&with(r#""Action":[],"Resource":"*""#), "Statement 1: Action must be a string or a list");
    key(&with(r#""Action":["kms:*",7],"Resource":"*""#), "Statement 1: Action must be a string or a list");
    key(&with(r#""Action":"kms:*","Resource":"key/1""#), "Statement 1: Resource key/1");
    key(&with(r#""Action":"kms:*","Resource":"arn:aws:k*:*:*:key/1""#), "no wildcards");
    key(&with(r#""Action":"kms:*","Resource":"arn:aws:kms:${aws:RequestedRegion}:1:key/1""#), "fifth colon");
    key(&with(r#""Action":"kms:*","Resource":"arn:aws:kms:*:*:key/${a""#), "closing brace");
    key(&with(r#""Action":"kms:*","Sid":7"#), "Statement 1: Sid must be a string");
    key(&with(r#""Action":"kms:*","Effect":"Deny""#), "Effect occurs twice");
    key(&with(r#""Action":"kms:*","Condition":[]"#), "Statement 1: Condition must be a JSON object");
    key(&with(r#""Action":"kms:*","Condition":{"Nope":{}}"#), "unknown condition operator Nope");
    key(
        &with(r#""Action":"kms:*","Condition":{"NullIfExists":{}}"#),
        "unknown condition operator NullIfExists",
    );
    key(
        &with(r#""Action":"kms:*","Condition":{"Bool":7}"#),
        "Statement 1: Condition Bool must be a JSON object",
    );
    key(&with(r#""Action":"kms:*","Condition":{"Bool":{"":"true"}}"#), "condition key is empty");
    key(
        &with(r#""Action":"kms:*","Condition":{"StringEquals":{"a:b":[null]}}"#),
        "Statement 1: Condition StringEquals a:b: values are strings, numbers or booleans",
    );
    key(
        &with(r#""Action":"kms:*","Condition":{"StringEquals":{"a:b":"${x"}}"#),
        "Statement 1: Condition StringEquals a:b: a policy variable has no closing brace",
    );
    key(&with(r#""Action":"kms:*","Principals":"*""#), "Statement 1 has an unknown element Principals");
    for effect in [r#""Effect":"allow""#, r#""Effect":true"#, r#""Sid":"x""#] {
        let text = format!(r#"{{"Statement":[{{{effect},{OWNER},"Action":"*","Resource":"*"}}]}}"#);
        assert!(refusal(&text, Grammar::KeyPolicy).contains("Statement 1: Effect must be"), "{text}");
    }
}

#[test]
fn each_grammar_has_its_own_elements() {
    let full = format!(r#"{OWNER},"Action":"kms:*","Resource":"*""#);
    let neither = "exactly one of Principal and NotPrincipal";
    let sid = "Sid Allow all may hold letters and digits only";
    for (elements, key, trust, identity) in [
        (full.as_str(), "accepted", "has Resource, which", "has Principal, which"),
        (&format!(r#"{OWNER},"Action":"kms:*""#), "accepted", "accepted", "has Principal, which"),
        (r#""Action":"kms:*","Resource":"*""#, neither, neither, "accepted"),
        (r#""Action":"kms:*","NotResource":"*""#, neither, neither, "accepted"),
        (r#""Action":"kms:*""#, neither, neither, "exactly one of Resource and NotResource"),
        (r#""NotPrincipal":"*","Action":"kms:*""#, "accepted", "accepted", "has NotPrincipal, which"),
        (&format!(r#""Sid":"Allow all",{full}"#), "accepted", sid, sid),
        (r#""Sid":"A1","Action":"*:*","Resource":"*""#, neither, neither, "accepted"),
    ] {
        let grammars =
            [(Grammar::KeyPolicy, key), (Grammar::TrustPolicy, trust), (Grammar::Identity, identity)];
        for (grammar, expected) in grammars {
            let message = refusal(&one(elements), grammar);
            assert!(message.contains(expected), "{grammar:?} {elements}: {message}");
        }
    }
    let with_id = r#"{"Id":"x","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    assert!(refusal(with_id, Grammar::Identity).contains("has an Id"));
    let twice = r#"{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},
        {"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    assert!(refusal(twice, Grammar::Identity).contains("must be unique"));
}

#[test]
fn principals_must_have_a_form() {
    for (principal, ok) in [
        (r#""*""#, true),
        (r#"{"AWS":"*"}"#, true),
        (r#"{"AWS":["111122223333","arn:aws:iam::111122223333:root"]}"#, true),
        (r#"{"AWS":"arn:aws-cn:iam::111122223333:root"}"#, true),
        (r#"{"AWS":"arn:aws:iam::111122223333:user/Alice"}"#, true),
        (r#"{"AWS":"arn:aws:iam::111122223333:user/team/a/Alice"}"#, true),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/aws-service-role/x/Y"}"#, true),
        (r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/Role/session"}"#, true),
        (r#"{"AWS":"arn:aws:sts::111122223333:federated-user/bob"}"#, true),
        (r#"{"AWS":"AROAEXAMPLEROLE00001"}"#, true),
        (r#"{"AWS":"AROAEXAMPLEROLE00001:session"}"#, true),
        (r#"{"AWS":"AROAEXAMPLEROLE00001:*"}"#, false),
        (r#"{"Service":"s3.amazonaws.com"}"#, true),
        (r#"{"Service":"s3"}"#, false),
        (r#"{"Service":"*.amazonaws.com"}"#, false),
        (r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/x.example"}"#, true),
        (r#"{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#, true),
        (r#"{"AWS":"Alice"}"#, false),
        (r#"{"AWS":""}"#, false),
        (r#"{"AWS":"11112222333"}"#, false),
        (r#"{"AWS":"arn:aws:iam::111122223333:user/*"}"#, false),
        (r#"{"AWS":"arn:aws:iam::111122223333:user/"}"#, false),
        (r#"{"AWS":"arn:aws:iam::111122223333:group/G"}"#, false),
        (r#"{"AWS":"arn:aws:iam::*:root"}"#, false),
        (r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/Role"}"#, false),
        (r#"{"AWS":"arn:aws:s3:::bucket"}"#, false),
    ] {
        let text = one(&format!(r#""Principal":{principal},"Action":"kms:*","Resource":"*""#));
        let expected = if ok { "accepted" } else { "Principal" };
        assert_eq!(refusal(&text, Grammar::KeyPolicy), expected, "{principal}");
    }
    for (principal, place) in [
        (r#"{}"#, "names nobody"),
        (r#"{"AWS":[]}"#, "Principal AWS must be a string or a list"),
        (r#"{"aws":"*"}"#, "unknown element aws"),
        (r#""111122223333""#, "Principal must be a JSON object"),
    ] {
        let text = one(&format!(r#""NotPrincipal":{principal},"Action":"kms:*","Resource":"*""#));
        let message = refusal(&text, Grammar::KeyPolicy);
        assert!(message.contains(place), "{principal}: {message}");
    }
}

#[test]
fn values_may_be_numbers_and_booleans() {
    let text = one(
        r#""Action":"*","Resource":["*"],"Condition":{"numericlessthan":{"kms:RotationPeriodInDays":[365,1.5]},
        "Bool":{"aws:SecureTransport":true},"StringEquals":{"aws:PrincipalAccount":[]}}"#,
    );
    assert_eq!(refusal(&text, Grammar::Identity), "accepted");
}

/// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>
#[test]
fn for_all_values_on_a_single_valued_context_is_refused_in_key_policies() {
    for (operator, key, what) in [
        ("ForAllValues:StringEquals", "kms:EncryptionContext:App", Some("encryption context")),
        ("forallvalues:StringLike", "KMS:encryptioncontext:app", Some("encryption context")),
        ("ForAllValues:StringEquals", "aws:ResourceTag/Team", Some("tag")),
        ("ForAllValues:StringEquals", "aws:RequestTag/Team", Some("tag")),
        ("ForAnyValue:StringEquals", "kms:EncryptionContext:App", None),
        ("ForAllValues:StringEquals", "kms:EncryptionContextKeys", None),
        ("ForAllValues:StringEquals", "aws:TagKeys", None),
        ("StringEquals", "kms:EncryptionContext:App", None),
    ] {
        let condition = format!(r#""Condition":{{"{operator}":{{"{key}":"x"}}}}"#);
        let text = one(&format!(r#"{OWNER},"Action":"kms:*","Resource":"*",{condition}"#));
        let expected = what.map_or("accepted".to_owned(), |what| {
            format!(
                "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key \
                 matches requests without the specified {what} or with an unspecified {what}. To fix, remove \
                 ForAllValues."
            )
        });
        assert_eq!(refusal(&text, Grammar::KeyPolicy), expected, "{operator} {key}");
        let text = one(&format!(r#""Action":"kms:*","Resource":"*",{condition}"#));
        assert_eq!(refusal(&text, Grammar::Identity), "accepted", "{operator} {key}");
    }
}

#[test]
fn a_key_policy_has_at_most_32768_bytes() {
    let text = one(&format!(r#"{OWNER},"Action":"kms:*","Resource":"*""#));
    let padded = |length: usize| format!("{text}{}", " ".repeat(length - text.len()));
    assert_eq!(refusal(&padded(32_768), Grammar::KeyPolicy), "accepted");
    assert!(refusal(&padded(32_769), Grammar::KeyPolicy).contains("32768 bytes"));
}

#[test]
fn principals_are_listed_and_pinned() {
    let text = r#"{"Statement":[
        {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:user/Alice","*"]},"Action":"kms:*"},
        {"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/R"},"Action":"kms:*"}]}"#;
    let pins = BTreeMap::from([("arn:aws:iam::111122223333:user/Alice".to_owned(), "AIDA1".to_owned())]);
    let policy = Policy::parse_pinned(text, Grammar::KeyPolicy, &pins).unwrap();
    let expected = [
        PrincipalPattern::User {
            arn: "arn:aws:iam::111122223333:user/Alice".into(),
            id: Some("AIDA1".into()),
        },
        PrincipalPattern::Everyone,
        PrincipalPattern::Role { arn: "arn:aws:iam::111122223333:role/R".into(), id: None },
    ];
    assert!(policy.principals().eq(&expected));
    assert_eq!(policy.text(), text);
    let entities: Vec<&str> = policy.principals().filter_map(PrincipalPattern::entity).collect();
    assert_eq!(entities, ["arn:aws:iam::111122223333:user/Alice", "arn:aws:iam::111122223333:role/R"]);
}

#[test]
fn whitespace_does_not_count_against_iams_limits() {
    assert_eq!(crate::policy::characters_without_whitespace(" {\n\t\"ä\" : 1 }\r\n"), 7);
}
