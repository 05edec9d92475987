//! The grammar of ValidationException: every constraint of every member of every operation, violated once.

use keyreeve_service::input::shape::{Kind, Member, Structure};
use serde_json::{Value, json};

use crate::kit::{Kit, kms_rows};
use crate::rig::{Rig, b64, root};

/// `KeyId` is `keyId` in messages.
fn lower(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_lowercase() + rest
}

/// A value that violates one constraint, and what follows "at '<path>' failed to satisfy constraint: ", with the part
/// before it.
struct Violation {
    value: Value,
    shown: String,
    path: String,
    rule: String,
}

fn violation(value: Value, shown: String, rule: String) -> Violation {
    Violation { value, shown, path: String::new(), rule }
}

fn at_least(len: usize) -> String {
    format!("Member must have length greater than or equal to {len}")
}

fn at_most(len: usize) -> String {
    format!("Member must have length less than or equal to {len}")
}

/// Every way to break the kind, one at a time.
fn violations_of(kind: &'static Kind) -> Vec<Violation> {
    let quoted = |text: &str| format!("Value '{text}'");
    match kind {
        Kind::Text { min, max, pattern } => {
            let mut found = Vec::new();
            // An empty text breaks a `+` pattern too; that pair is tested below.
            if *min == 1 && pattern.is_none_or(|pattern| (pattern.matches)("")) {
                found.push(violation(json!(""), quoted(""), at_least(1)));
            }
            let long = "x".repeat(max.saturating_add(1).min(200_000));
            if *max < 200_000 && pattern.is_none_or(|pattern| (pattern.matches)(&long)) {
                found.push(violation(json!(long), quoted(&long), at_most(*max)));
            }
            if let Some(pattern) = pattern {
                let rule = format!("Member must satisfy regular expression pattern: {}", pattern.expression);
                let strange = "\u{2603}".repeat((*min).max(1));
                found.push(violation(json!(strange), quoted(&strange), rule));
            }
            found
        }
        Kind::Enum(names) => {
            let rule = format!("Member must satisfy enum value set: [{}]", names.join(", "));
            ["", "nothing", &names[0].to_lowercase()]
                .map(|bad| violation(json!(bad), quoted(bad), rule.clone()))
                .into()
        }
        Kind::Blob { min, max } => vec![
            violation(json!(""), "Value".to_owned(), at_least(*min)),
            violation(json!(b64(vec![0; max + 1])), "Value".to_owned(), at_most(*max)),
        ],
        Kind::Integer { min, max } => {
            let low = format!("Member must have value greater than or equal to {min}");
            let high = format!("Member must have value less than or equal to {max}");
            vec![
                violation(json!(min - 1), quoted(&(min - 1).to_string()), low),
                violation(json!(max + 1), quoted(&(max + 1).to_string()), high),
                violation(
                    json!(u64::MAX),
                    quoted(&i64::MAX.to_string()),
                    format!("Member must have value less than or equal to {max}"),
                ),
            ]
        }
        Kind::List { element, min, max } => list_violations(element, *min, *max),
        Kind::Structure(structure) => structure_violations(structure),
        Kind::Boolean | Kind::Timestamp | Kind::Map => Vec::new(),
    }
}

fn list_violations(element: &'static Kind, min: usize, max: usize) -> Vec<Violation> {
    let mut found = Vec::new();
    if min > 0 {
        found.push(violation(json!([]), "Value".to_owned(), at_least(min)));
    }
    if max < 1000 {
        let good = if let Kind::Enum(names) = element { json!(names[0]) } else { json!("x") };
        found.push(violation(json!(vec![good; max + 1]), "Value".to_owned(), at_most(max)));
    }
    found.extend(violations_of(element).into_iter().map(|inner| Violation {
        value: json!([inner.value]),
        path: format!(".1.member{}", inner.path),
        ..inner
    }));
    found
}

/// A structure with valid members, in which one is broken.
fn structure_violations(structure: &'static Structure) -> Vec<Violation> {
    let valid: Value = structure
        .members
        .iter()
        .filter(|member| member.required)
        .map(|member| (member.name.to_owned(), json!("x")))
        .collect();
    let mut found = Vec::new();
    for member in structure.members {
        let at = |inner: &str| format!(".{}{inner}", lower(member.name));
        for inner in violations_of(member.kind) {
            let mut value = valid.clone();
            value[member.name] = inner.value.clone();
            found.push(Violation { value, path: at(&inner.path), ..inner });
        }
        if member.required {
            let mut value = valid.clone();
            value[member.name] = Value::Null;
            let rule = "Member must not be null".to_owned();
            found.push(Violation { value, shown: "Value null".to_owned(), path: at(""), rule });
        }
    }
    found
}

fn every_member(mut test: impl FnMut(&Rig, &'static str, &Value, &'static Member)) {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for row in kms_rows() {
        for member in row.input.members {
            test(&rig, row.name, &kit.body(row.name), member);
        }
    }
}

#[test]
fn every_constraint_of_every_member_is_named_when_it_is_violated() {
    let mut count = 0;
    every_member(|rig, operation, valid, member| {
        for Violation { value, shown, path, rule } in violations_of(member.kind) {
            let mut body = valid.clone();
            body[member.name] = value;
            let text = format!(
                "1 validation error detected: {shown} at '{}{path}' failed to satisfy constraint: {rule}",
                lower(member.name)
            );
            rig.refuses(operation, body, "ValidationException", &text);
            count += 1;
        }
    });
    assert!(count > 300, "{count}");
}

#[test]
fn required_members_may_be_neither_absent_nor_null() {
    every_member(|rig, operation, valid, member| {
        let (mut null, mut absent) = (valid.clone(), valid.clone());
        null[member.name] = Value::Null;
        absent.as_object_mut().unwrap().remove(member.name);
        let text = format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
            lower(member.name)
        );
        for body in [null, absent] {
            if member.required {
                rig.refuses(operation, body, "ValidationException", &text);
            } else if let Err(error) = rig.try_as(&root(), operation, &body) {
                assert!(
                    !error.message.unwrap_or_default().contains("Member must not be null"),
                    "{operation}"
                );
            }
        }
    });
}

#[test]
fn all_violations_are_counted_and_listed_in_the_order_of_the_model() {
    let rig = Rig::new();
    let body = json!({"NumberOfBytes": 0, "KeyId": "", "KeySpec": "X", "GrantTokens": ["", "t"]});
    let text = "4 validation errors detected: \
        Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1; \
        Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1; \
        Value 'X' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]; \
        Value '' at 'grantTokens.1.member' failed to satisfy constraint: Member must have length greater than or equal to 1";
    rig.refuses("GenerateDataKey", body, "ValidationException", text);
    let text = "2 validation errors detected: \
        Value '' at 'aliasName' failed to satisfy constraint: Member must have length greater than or equal to 1; \
        Value '' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$";
    rig.refuses("DeleteAlias", json!({"AliasName": ""}), "ValidationException", text);
}

#[test]
fn secrets_are_never_shown() {
    let rig = Rig::new();
    let secret = "s3cr3t".repeat(1000);
    let body = json!({"KeyId": "", "Plaintext": b64(&secret)});
    let error = rig.try_as(&root(), "Encrypt", &body).unwrap_err();
    let text = error.message.unwrap();
    assert!(!text.contains(&b64("s3cr3t")) && !text.contains("s3cr3t"), "{text}");
}

/// A body of 1 MiB may break hundreds of thousands of constraints; the answer must not grow beyond the request.
#[test]
fn an_answer_is_not_much_longer_than_the_request_that_it_refuses() {
    let rig = Rig::new();
    for body in [
        json!({"KeyId": "x", "Tags": vec![json!({}); 100_000]}),
        json!({"KeyId": "x", "Tags": vec![json!({"TagKey": "", "TagValue": ""}); 10_000]}),
    ] {
        let error = rig.try_as(&root(), "TagResource", &body).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(error.message.unwrap().len() < body.to_string().len() + 64 * 1024);
    }
}
