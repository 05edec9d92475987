//! Operators and their quantifiers, row by row.

use super::*;
use crate::context::MapContext;

/// Whether `{operator: {key: values}}` holds in this context.
fn holds(operator: &str, key: &str, values: &[&str], context: &MapContext) -> bool {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let name = OperatorName::parse(operator).unwrap();
    Condition::new(name, key, &values, Variables::Yes).unwrap().holds(context)
}

fn one(value: &str) -> MapContext {
    MapContext::new().with("k:x", value).with("aws:username", "a*")
}

#[test]
fn every_operator_compares_as_its_family_does() {
    for (operator, policy, request, expected) in [
        ("StringEquals", "abc", "abc", true),
        ("StringEquals", "abc", "ABC", false),
        ("StringEquals", "a*", "abc", false),
        ("StringEquals", "a*", "a*", true),
        ("StringEquals", "${aws:UserName}", "a*", true),
        ("StringNotEquals", "abc", "abd", true),
        ("StringNotEquals", "abc", "abc", false),
        ("StringNotEquals", "${no:key}", "abc", true),
        ("StringEqualsIgnoreCase", "ÄbC", "äBc", true),
        ("StringEqualsIgnoreCase", "a*", "ab", false),
        ("StringNotEqualsIgnoreCase", "abc", "ABC", false),
        ("StringNotEqualsIgnoreCase", "abc", "x", true),
        ("StringLike", "a*c?", "abbcd", true),
        ("StringLike", "a*", "Abc", false),
        ("StringLike", "${aws:username}", "abc", false),
        ("StringLike", "${aws:username}*", "a*bc", true),
        ("StringLike", "${*}", "*", true),
        ("StringLike", "${*}", "x", false),
        ("StringLike", "${no:key}*", "abc", false),
        ("StringLike", "${no:key, 'ab'}*", "abc", true),
        ("StringNotLike", "a*", "b", true),
        ("StringNotLike", "a*", "ab", false),
        ("NumericEquals", "7", "7.0", true),
        ("NumericEquals", "7", "seven", false),
        ("NumericEquals", "seven", "seven", false),
        ("NumericNotEquals", "7", "8", true),
        ("NumericNotEquals", "7", "07", false),
        ("NumericLessThan", "7", "6.99", true),
        ("NumericLessThan", "7", "7", false),
        ("NumericLessThanEquals", "7", "7", true),
        ("NumericLessThanEquals", "7", "7.0001", false),
        ("NumericGreaterThan", "7", "10", true),
        ("NumericGreaterThan", "7", "7", false),
        ("NumericGreaterThanEquals", "7", "7", true),
        ("NumericGreaterThanEquals", "7", "-8", false),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", true),
        ("DateEquals", "2026-01-01", "2026-01-02", false),
        ("DateNotEquals", "2026-01-01", "2026-01-02T00:00:00Z", true),
        ("DateNotEquals", "2026-01-01", "2026-01-01T01:00:00+01:00", false),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59.999Z", true),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", false),
        ("DateLessThan", "2026-01-01T00:00:00Z", "soon", false),
        ("DateLessThanEquals", "1767225600", "2026-01-01T00:00:00Z", true),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", true),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", false),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", true),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2025", false),
        ("Bool", "true", "TRUE", true),
        ("Bool", "false", "true", false),
        ("Bool", "${k:x}", "false", true),
        ("Bool", "yes", "yes", false),
        ("BinaryEquals", "QmFzZTY0", "QmFzZTY0", true),
        ("BinaryEquals", "QmFzZTY0", "QmFzZTY1", false),
        ("BinaryEquals", "?", "?", false),
        ("IpAddress", "203.0.113.0/24", "203.0.113.8", true),
        ("IpAddress", "203.0.113.0/24", "::ffff:203.0.113.8", true),
        ("IpAddress", "203.0.113.0/24", "203.0.112.8", false),
        ("IpAddress", "nowhere", "nowhere", false),
        ("NotIpAddress", "2001:db8::/32", "2001:db8::1", false),
        ("NotIpAddress", "2001:db8::/32", "203.0.113.8", true),
        ("ArnEquals", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:role/a/b", true),
        ("ArnLike", "arn:aws:iam::*:role/x?", "arn:aws:iam::111122223333:role/xy", true),
        ("ArnLike", "arn:aws:iam::*", "arn:aws:iam::111122223333:role/x", false),
        ("ArnLike", "arn:aws:*:role/x", "arn:aws:iam::111122223333:role/x", false),
        ("ArnLike", "arn:aws:iam::*:role/X", "arn:aws:iam::111122223333:role/x", false),
        ("ArnLike", "arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/ab", false),
        ("ArnLike", "arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/a*", true),
        ("ArnLike", "${k:x}", "arn:aws:iam::1:user/a:b", true),
        ("ArnLike", "*", "text", false),
        ("ArnNotEquals", "arn:aws:iam::1:user/a", "arn:aws:iam::1:user/a", false),
        ("ArnNotLike", "arn:aws:iam::1:user/*", "arn:aws:iam::2:user/a", true),
    ] {
        assert_eq!(
            holds(operator, "k:x", &[policy], &one(request)),
            expected,
            "{operator} {policy} {request}"
        );
    }
}

#[test]
fn a_missing_key_fails_positive_operators_and_passes_negated_ones() {
    for (operator, expected) in [
        ("StringEquals", false),
        ("StringNotEquals", true),
        ("StringNotLike", true),
        ("NumericNotEquals", true),
        ("DateNotEquals", true),
        ("NotIpAddress", true),
        ("ArnNotLike", true),
        ("NumericLessThan", false),
        ("Bool", false),
        ("BinaryEquals", false),
        ("StringEqualsIfExists", true),
        ("BoolIfExists", true),
        ("NotIpAddressIfExists", true),
        ("ForAllValues:StringEquals", true),
        ("ForAllValues:StringNotEquals", true),
        ("ForAnyValue:StringEquals", false),
        ("ForAnyValue:StringNotEquals", false),
        ("ForAnyValue:StringEqualsIfExists", true),
    ] {
        for context in [MapContext::new(), MapContext::new().with_many("k:x", Vec::<String>::new())] {
            assert_eq!(holds(operator, "k:x", &["1"], &context), expected, "{operator} {context:?}");
        }
    }
}

#[test]
fn if_exists_changes_nothing_when_the_key_is_there() {
    assert!(holds("StringEqualsIfExists", "k:x", &["a"], &one("a")));
    assert!(!holds("StringEqualsIfExists", "k:x", &["a"], &one("b")));
    assert!(!holds("BoolIfExists", "k:x", &["true"], &one("false")));
}

#[test]
fn null_asks_for_presence() {
    let empty = MapContext::new().with_many("k:x", Vec::<String>::new());
    for (value, context, expected) in [
        ("true", &MapContext::new(), true),
        ("false", &MapContext::new(), false),
        ("true", &one("a"), false),
        ("FALSE", &one("a"), true),
        ("true", &empty, true),
        ("maybe", &one("a"), false),
        ("maybe", &MapContext::new(), false),
    ] {
        assert_eq!(holds("Null", "k:x", &[value], context), expected, "{value} {context:?}");
    }
}

#[test]
fn values_are_alternatives_and_negated_ones_are_none_of_them() {
    for (operator, request, expected) in [
        ("StringEquals", "a", true),
        ("StringEquals", "b", true),
        ("StringEquals", "c", false),
        ("StringNotEquals", "a", false),
        ("StringNotEquals", "b", false),
        ("StringNotEquals", "c", true),
    ] {
        assert_eq!(holds(operator, "k:x", &["a", "b"], &one(request)), expected, "{operator} {request}");
    }
    assert!(!holds("StringEquals", "k:x", &[], &one("a")));
    assert!(holds("StringNotEquals", "k:x", &[], &one("a")));
}

#[test]
fn set_operators_quantify_over_the_values_of_the_request() {
    for (operator, request, expected) in [
        ("ForAllValues:StringEquals", &["a", "b"][..], true),
        ("ForAllValues:StringEquals", &["a", "c"], false),
        ("ForAnyValue:StringEquals", &["a", "c"], true),
        ("ForAnyValue:StringEquals", &["c", "d"], false),
        ("ForAllValues:StringNotEquals", &["c", "d"], true),
        ("ForAllValues:StringNotEquals", &["a", "c"], false),
        ("ForAnyValue:StringNotEquals", &["a", "c"], true),
        ("ForAnyValue:StringNotEquals", &["a", "b"], false),
        ("ForAllValues:StringLike", &["a", "b"], true),
        // Undefined on AWS.
        ("StringEquals", &["a", "c"], true),
        ("StringEquals", &["c", "d"], false),
        ("StringNotEquals", &["a", "c"], false),
        ("StringNotEquals", &["c", "d"], true),
    ] {
        let context = MapContext::new().with_many("k:x", request.iter().copied());
        assert_eq!(holds(operator, "k:x", &["a", "b"], &context), expected, "{operator} {request:?}");
    }
    assert!(holds("ForAllValues:StringEquals", "k:x", &["a"], &one("a")));
    assert!(!holds("ForAnyValue:StringEquals", "k:x", &["a"], &one("b")));
}

#[test]
fn keys_are_compared_without_regard_to_letter_case() {
    let context = MapContext::new().with("kms:EncryptionContext:AppName", "x");
    assert!(holds("StringEquals", "KMS:encryptioncontext:appname", &["x"], &context));
    assert!(!holds("StringEquals", "kms:EncryptionContext:appname", &["X"], &context));
}

#[test]
fn conditions_remember_how_aws_spells_them() {
    let name = OperatorName::parse("forallvalues:stringlikeifexists").unwrap();
    let condition = Condition::new(name, "aws:TagKeys", &[], Variables::Yes).unwrap();
    assert_eq!(&*condition.spelling, "ForAllValues:StringLikeIfExists aws:TagKeys");
}
