//! Key policy documents: JSON in, a checked document out, or the place where it is not one.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use keyreeve_model::error::{KmsError, PolicyFault, Quota};
use keyreeve_model::limits::POLICY_BYTES_MAX;
use keyreeve_model::region::AccountId;
use serde_json::{Map, Value};

/// The default policy of a key, printed as AWS prints it.
/// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
pub fn default_key_policy(partition: &str, account: AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// The policy of an AWS managed key: its account may look, its service may use.
/// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>
pub fn aws_managed_key_policy(partition: &str, region: &str, account: AccountId, service: &str) -> String {
    let document = serde_json::json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{service}"),
        "Statement": [
            {
                "Sid": format!("Allow access through {service} for all principals in the account that are authorized to use it"),
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": {"StringEquals": {
                    "kms:CallerAccount": account.as_str(),
                    "kms:ViaService": format!("{service}.{region}.amazonaws.com"),
                }},
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:{partition}:iam::{account}:root")},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                "Resource": "*",
            },
        ],
    });
    format!("{document:#}")
}

/// A key policy whose grammar was checked. Its text is kept as it was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    text: String,
    /// Whether some Allow statement lets the owning account put a policy.
    owner_keeps_control: bool,
}

const POLICY_ELEMENTS: &[&str] = &["Version", "Id", "Statement"];
const STATEMENT_ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
const PRINCIPAL_KINDS: &[&str] = &["AWS", "Federated", "Service", "CanonicalUser"];

impl KeyPolicy {
    /// Parses and checks a document that is put on a key of this account.
    ///
    /// # Errors
    /// [`KmsError::MalformedPolicy`] names the place; [`KmsError::Limit`] when it is too long.
    pub fn parse(text: &str, owner: AccountId) -> Result<Self, KmsError> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(KmsError::Limit(Quota::PolicyBytes));
        }
        let document: Value = serde_json::from_str(text).map_err(|error| {
            grammar(format!("Syntax errors in policy: line {}, column {}.", error.line(), error.column()))
        })?;
        let document = object(&document, "The policy")?;
        known_elements(document, POLICY_ELEMENTS, "The policy")?;
        match document.get("Version") {
            None => {}
            Some(Value::String(version)) if version == "2012-10-17" || version == "2008-10-17" => {}
            Some(_) => return Err(grammar("Version must be 2012-10-17 or 2008-10-17.".to_owned())),
        }
        let mut owner_keeps_control = false;
        for (number, statement) in statements(document)?.iter().enumerate() {
            owner_keeps_control |= check_statement(statement, &format!("Statement {}", number + 1), owner)?;
        }
        Ok(Self { text: text.to_owned(), owner_keeps_control })
    }

    /// The lockout check: whoever puts the policy must be able to put another one.
    ///
    /// # Errors
    /// [`PolicyFault::Lockout`].
    pub fn keeps_control(self) -> Result<Self, KmsError> {
        if self.owner_keeps_control { Ok(self) } else { Err(KmsError::MalformedPolicy(PolicyFault::Lockout)) }
    }

    /// The text as it was put.
    pub fn into_text(self) -> String {
        self.text
    }
}

fn grammar(text: String) -> KmsError {
    KmsError::MalformedPolicy(PolicyFault::Grammar(text))
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, KmsError> {
    value.as_object().ok_or_else(|| grammar(format!("{place} must be a JSON object.")))
}

fn known_elements(map: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), KmsError> {
    match map.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(grammar(format!("{place} has an unknown element {name}."))),
        None => Ok(()),
    }
}

fn statements(document: &Map<String, Value>) -> Result<&[Value], KmsError> {
    let list = match document.get("Statement") {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(_) | None => &[],
    };
    if list.is_empty() {
        Err(grammar("The policy must have at least one statement.".to_owned()))
    } else {
        Ok(list)
    }
}

/// Checks one statement; answers whether it lets the owning account put a policy.
fn check_statement(statement: &Value, place: &str, owner: AccountId) -> Result<bool, KmsError> {
    let statement = object(statement, place)?;
    known_elements(statement, STATEMENT_ELEMENTS, place)?;
    let allows = match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        Some(_) | None => return Err(grammar(format!("{place}: Effect must be Allow or Deny."))),
    };
    let principals = exactly_one(statement, "Principal", "NotPrincipal", place)?;
    let names_owner = check_principals(principals, place, owner)?;
    let actions =
        strings(exactly_one(statement, "Action", "NotAction", place)?, &format!("{place}: Action"))?;
    for action in &actions {
        if *action != "*" && !action.contains(':') {
            return Err(grammar(format!("{place}: action {action} has no service prefix.")));
        }
    }
    if statement.contains_key("Resource") && statement.contains_key("NotResource") {
        return Err(grammar(format!("{place} has both Resource and NotResource.")));
    }
    if let Some(resources) = statement.get("Resource").or_else(|| statement.get("NotResource")) {
        strings(resources, &format!("{place}: Resource"))?;
    }
    if let Some(condition) = statement.get("Condition") {
        check_condition(condition, place)?;
    }
    let may_put = statement.contains_key("Action")
        && actions.iter().any(|action| glob_ignoring_case(action, "kms:PutKeyPolicy"));
    // Without Resource a statement is accepted and has no effect.
    Ok(allows
        && names_owner
        && may_put
        && statement.contains_key("Principal")
        && statement.contains_key("Resource"))
}

fn exactly_one<'a>(
    map: &'a Map<String, Value>,
    name: &str,
    negated: &str,
    place: &str,
) -> Result<&'a Value, KmsError> {
    match (map.get(name), map.get(negated)) {
        (Some(value), None) | (None, Some(value)) => Ok(value),
        (Some(_), Some(_)) | (None, None) => {
            Err(grammar(format!("{place} must have exactly one of {name} and {negated}.")))
        }
    }
}

fn strings<'a>(value: &'a Value, place: &str) -> Result<Vec<&'a str>, KmsError> {
    let refused = || grammar(format!("{place} must be a string or a list of strings."));
    match value {
        Value::String(one) => Ok(vec![one]),
        Value::Array(list) if !list.is_empty() => {
            list.iter().map(|item| item.as_str().ok_or_else(refused)).collect()
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            Err(refused())
        }
    }
}

/// Checks the principals; answers whether they name the owning account.
fn check_principals(value: &Value, place: &str, owner: AccountId) -> Result<bool, KmsError> {
    if value == "*" {
        return Ok(true);
    }
    let kinds = object(value, &format!("{place}: Principal"))?;
    known_elements(kinds, PRINCIPAL_KINDS, &format!("{place}: Principal"))?;
    let mut names_owner = false;
    for (kind, names) in kinds {
        for name in strings(names, &format!("{place}: Principal {kind}"))? {
            if kind == "AWS" {
                names_owner |= check_aws_principal(name, owner)?;
            }
        }
    }
    Ok(names_owner)
}

fn check_aws_principal(name: &str, owner: AccountId) -> Result<bool, KmsError> {
    if name == "*" {
        return Ok(true);
    }
    if let Some(account) = AccountId::parse(name) {
        return Ok(account == owner);
    }
    if is_unique_id(name) {
        return Ok(false);
    }
    let mut parts = name.splitn(6, ':');
    let known = parts.next() == Some("arn")
        && parts.next().is_some_and(|partition| partition.starts_with("aws"))
        && matches!(parts.next(), Some("iam" | "sts"))
        && parts.next() == Some("");
    let account = parts.next().and_then(AccountId::parse);
    match (known, account, parts.next()) {
        (true, Some(account), Some("root")) => Ok(account == owner),
        (true, Some(_), Some(rest)) if !rest.is_empty() && !rest.contains('*') => Ok(false),
        _ => Err(KmsError::MalformedPolicy(PolicyFault::Principal)),
    }
}

/// `AIDA…`, `AROA…` and their kin: how AWS shows a deleted principal.
fn is_unique_id(name: &str) -> bool {
    name.len() >= 16
        && name.starts_with('A')
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn check_condition(condition: &Value, place: &str) -> Result<(), KmsError> {
    for (operator, keys) in object(condition, &format!("{place}: Condition"))? {
        let base = operator.rsplit(':').next().unwrap_or(operator);
        if !CONDITION_OPERATORS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(base.strip_suffix("IfExists").unwrap_or(base)))
        {
            return Err(grammar(format!("{place}: unknown condition operator {operator}.")));
        }
        object(keys, &format!("{place}: Condition {operator}"))?;
    }
    Ok(())
}

const CONDITION_OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnNotEquals",
    "ArnLike",
    "ArnNotLike",
    "Null",
];

/// `*` any run, `?` one byte; letter case ignored. Two pointers, linear in practice, no recursion.
fn glob_ignoring_case(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(want), Some(have)) if *want == b'?' || want.eq_ignore_ascii_case(have) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((star_p, star_t)) => {
                    (p, t) = (star_p + 1, star_t + 1);
                    star = Some((star_p, star_t + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<KeyPolicy, KmsError> {
        KeyPolicy::parse(text, AccountId::ZERO).and_then(KeyPolicy::keeps_control)
    }

    #[test]
    fn the_default_policies_are_policies() {
        assert!(parse(&default_key_policy("aws", AccountId::ZERO)).is_ok());
        assert!(
            KeyPolicy::parse(
                &aws_managed_key_policy("aws", "us-east-1", AccountId::ZERO, "s3"),
                AccountId::ZERO
            )
            .is_ok()
        );
    }

    #[test]
    fn what_is_not_a_policy_is_refused_and_the_place_named() {
        for (text, place) in [
            ("", "line 1"),
            ("[]", "JSON object"),
            (r#"{"Statement":[]}"#, "at least one statement"),
            (r#"{"Version":"2020-01-01","Statement":[]}"#, "Version"),
            (r#"{"statement":[]}"#, "unknown element statement"),
            (r#"{"Statement":{"Effect":"Allow"}}"#, "Principal and NotPrincipal"),
            (r#"{"Statement":{"Effect":"allow","Principal":"*","Action":"*"}}"#, "Statement 1: Effect"),
            (
                r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"Encrypt","Resource":"*"}}"#,
                "no service prefix",
            ),
            (
                r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":[],"Resource":"*"}}"#,
                "list of strings",
            ),
            (
                r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Condition":{"Nope":{}}}}"#,
                "operator Nope",
            ),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(place), "{text}: {message}");
        }
    }

    #[test]
    fn principals_must_have_a_form() {
        for (principal, ok) in [
            ("000000000000", true),
            ("arn:aws:iam::000000000000:root", true),
            ("arn:aws:iam::000000000000:user/Alice", true),
            ("AROAABCDEFGHIJKLMNOP", true),
            ("Alice", false),
            ("arn:aws:iam::000000000000:user/*", false),
            ("arn:aws:s3:::bucket", false),
        ] {
            let text = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"kms:*","Resource":"*"}}}}"#
            );
            let result = KeyPolicy::parse(&text, AccountId::ZERO);
            assert_eq!(result.is_ok(), ok, "{principal}");
        }
    }

    #[test]
    fn a_policy_that_locks_its_owner_out_is_refused() {
        for (statement, ok) in [
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:Put*","Resource":"*"}"#,
                true,
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:Encrypt","Resource":"*"}"#,
                false,
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#,
                false,
            ),
            (r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}"#, false),
        ] {
            assert_eq!(parse(&format!(r#"{{"Statement":{statement}}}"#)).is_ok(), ok, "{statement}");
        }
    }

    #[test]
    fn globs_match_runs_and_single_characters() {
        for (pattern, matches) in [
            ("*", true),
            ("kms:*", true),
            ("KMS:putkey*", true),
            ("kms:Put?eyPolicy", true),
            ("kms:Put", false),
            ("s3:*", false),
            ("*Policyx", false),
        ] {
            assert_eq!(glob_ignoring_case(pattern, "kms:PutKeyPolicy"), matches, "{pattern}");
        }
    }
}
