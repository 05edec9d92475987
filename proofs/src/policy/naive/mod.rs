//! A second opinion of our own: slow and obvious, read off AWS's documentation, with grants. It shares no code with the
//! engine and reads the JSON documents as they are.
//! Evaluation: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! keys and grants: <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html>.

mod condition;

use serde_json::{Map, Value};

use super::case::{Case, Decision, Grant, Kind, TargetKind};
use super::explained::{Quirk, Quirks};
use condition::Reading;

/// How closely an Allow of a resource names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nobody,
    /// The caller's account: its own policies decide.
    Account,
    /// The role of a session: boundary and session policy limit it.
    Role,
    /// This very principal, or everyone.
    Direct,
}

/// What a policy says about the request.
#[derive(Debug, Clone, Copy)]
struct Says {
    denies: bool,
    allows: Reach,
}

/// What is decided, as AWS documents it (without quirks) or as the oracle does (with its quirks, without the grant).
pub(crate) fn decide(case: &Case, grant: Option<&Grant>, quirks: Quirks) -> Decision {
    let all =
        |policies: &[Value]| policies.iter().map(|policy| says(case, policy, quirks)).collect::<Vec<_>>();
    let (identity, sessions, guards) = (all(&case.identity), all(&case.sessions), all(&case.guards));
    let (boundary, own_policy) = (all(case.boundary.as_slice()), all(case.own_policy.as_slice()));
    if [&identity, &sessions, &guards, &boundary, &own_policy].into_iter().flatten().any(|says| says.denies) {
        return Decision::Explicit;
    }
    let allows = |says: &Says| says.allows > Reach::Nobody;
    let session = sessions.is_empty() || sessions.iter().any(allows);
    let limits = session && boundary.iter().all(allows);
    let root = case.caller.kind == Kind::Root && !quirks.has(Quirk::RootNeedsPolicy);
    let own = root || (limits && identity.iter().any(allows));
    let named = own_policy.iter().map(|says| says.allows).max().unwrap_or(Reach::Nobody);
    let reach = named.max(grant.map_or(Reach::Nobody, |grant| granted(case, grant)));
    let foreign = case.caller.account != case.resource.owner;
    let allowed = match (case.resource.kind, reach) {
        (TargetKind::Everything | TargetKind::Alias, _) => own && !foreign,
        (_, Reach::Nobody) => false,
        // A service acts for nobody's account: the resource decides alone.
        (_, reach) if case.caller.kind == Kind::Service => reach == Reach::Direct,
        (_, _) if foreign => own && (case.other_accounts() || quirks.has(Quirk::AnyAccountMayCall)),
        (_, Reach::Account) => own,
        (_, Reach::Role) => limits,
        (_, Reach::Direct) => session || !quirks.has(Quirk::SessionPolicyLimitsAll),
    };
    if allowed && guards.iter().all(allows) { Decision::Allowed } else { Decision::Implicit }
}

/// Constraints bind key names in any letter case and values exactly, and nothing that describes or retires.
fn granted(case: &Case, grant: &Grant) -> Reach {
    let operation = case.operation();
    let asked: Vec<_> =
        grant.requested.iter().flatten().map(|(key, value)| (key.to_lowercase(), value.clone())).collect();
    let all = |pairs: &std::collections::BTreeMap<String, String>| {
        pairs.iter().all(|(key, value)| asked.contains(&(key.to_lowercase(), value.clone())))
    };
    let equals = grant.equals.as_ref().is_none_or(|pairs| all(pairs) && pairs.len() == asked.len());
    let subset = grant.subset.as_ref().is_none_or(all);
    let free = ["DescribeKey", "RetireGrant"].contains(&operation);
    let covers = grant.operations.iter().any(|name| name == operation) && (free || (equals && subset));
    if covers { named(case, &grant.grantee, Quirks::NONE) } else { Reach::Nobody }
}

fn says(case: &Case, policy: &Value, quirks: Quirks) -> Says {
    let new = policy.get("Version").and_then(Value::as_str) == Some("2012-10-17");
    let reading = Reading { case, quirks, variables: new || quirks.has(Quirk::OldVersionVariables) };
    let mut all = Says { denies: false, allows: Reach::Nobody };
    for statement in many(policy.get("Statement")).into_iter().filter_map(Value::as_object) {
        let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
        let reach = principal(&reading, statement, denies);
        if reach > Reach::Nobody && matches(&reading, statement) {
            all.denies |= denies;
            all.allows = all.allows.max(if denies { Reach::Nobody } else { reach });
        }
    }
    all
}

fn matches(reading: &Reading<'_>, statement: &Map<String, Value>) -> bool {
    let action = |wanted: &str| condition::glob(&wanted.to_lowercase(), &reading.case.action.to_lowercase());
    let target = &reading.case.resource.arn;
    let product = target.split(['/', ':']).nth(5).unwrap_or_default();
    let not = statement.contains_key("NotResource");
    let null = |wanted: &str| not && reading.null(true) && wanted.contains(&format!(":{product}/"));
    let short =
        |wanted: &str| not && reading.quirks.has(Quirk::ShortNeverOutside) && wanted.split(':').count() < 6;
    let resource =
        |wanted: &str| wanted == "*" || short(wanted) || reading.arn(&padded(wanted), target, null(wanted));
    let conditions = statement.get("Condition").and_then(Value::as_object);
    // A trust policy is about its own role.
    let role = reading.case.resource.kind == TargetKind::Role;
    let none = !["Resource", "NotResource"].iter().any(|element| statement.contains_key(*element));
    let any = none && (role || reading.quirks.has(Quirk::NoResourceIsAnyResource));
    listed(statement, "Action", action)
        && (any || listed(statement, "Resource", resource))
        && conditions.is_none_or(|conditions| reading.holds(conditions))
}

/// A final wildcard reaches beyond its part of the ARN.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
fn padded(wanted: &str) -> String {
    let missing = if wanted.ends_with('*') { 6_usize.saturating_sub(wanted.split(':').count()) } else { 0 };
    format!("{wanted}{}", ":*".repeat(missing))
}

/// Whether the element names the request, or its `Not` does not. Without either, nothing is named.
fn listed(statement: &Map<String, Value>, element: &str, named: impl Fn(&str) -> bool) -> bool {
    let any = |list: &Value| many(Some(list)).into_iter().filter_map(Value::as_str).any(&named);
    let not = statement.get(&format!("Not{element}"));
    statement.get(element).is_some_and(any) || not.is_some_and(|list| !any(list))
}

fn principal(reading: &Reading<'_>, statement: &Map<String, Value>, denies: bool) -> Reach {
    let case = reading.case;
    let reaches = |element: &Value| -> Vec<Reach> {
        let listed = if element.is_string() { vec![element] } else { many(element.get("AWS")) };
        let services = many(element.get("Service")).into_iter().filter(|_| case.caller.kind == Kind::Service);
        listed
            .into_iter()
            .chain(services)
            .filter_map(Value::as_str)
            .map(|name| named(case, name, reading.quirks))
            .collect()
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(element), _) => reaches(element).into_iter().max().unwrap_or(Reach::Nobody),
        // AWS: a Deny with NotPrincipal denies everyone who has a permissions boundary, listed or not.
        (_, Some(_)) if denies && case.boundary.is_some() => Reach::Direct,
        (_, Some(element)) => {
            let account = case.caller.kind == Kind::Root || reading.quirks.has(Quirk::NotPrincipalAccount);
            let least = if account { Reach::Account } else { Reach::Role };
            if reaches(element).into_iter().any(|reach| reach >= least) {
                Reach::Nobody
            } else {
                Reach::Direct
            }
        }
        (None, None) => Reach::Direct,
    }
}

fn named(case: &Case, name: &str, quirks: Quirks) -> Reach {
    let caller = &case.caller;
    if caller.kind != Kind::Service && (name == caller.account || name == caller.account_arn()) {
        Reach::Account
    } else if name == "*" || name == caller.arn {
        Reach::Direct
    } else if quirks.has(Quirk::NoUniqueIds) && name.starts_with('A') {
        Reach::Nobody
    } else if name == caller.user_id() {
        Reach::Direct
    } else if !name.is_empty() && (name == caller.role || name == caller.id)
        || quirks.has(Quirk::RolePathIgnored) && same_role_name(&caller.role, name)
    {
        Reach::Role
    } else {
        Reach::Nobody
    }
}

fn same_role_name(role: &str, name: &str) -> bool {
    let parts =
        |arn: &str| (arn.split('/').next().map(str::to_owned), arn.rsplit('/').next().map(str::to_lowercase));
    role.contains(":role/") && parts(role) == parts(name)
}

/// A list, or one item as a list.
fn many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::case::{Case, Decision};
    use super::super::explained::Quirks;
    use super::decide;

    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/s1";
    const ROLE: &str = "arn:aws:iam::111122223333:role/app";

    /// `kind` asks to decrypt with a key of 111122223333; `allowed` is named by its policy, `identity` has its own.
    fn case(kind: &str, account: &str, allowed: &str, identity: bool) -> Case {
        let (arn, role) = match kind {
            "root" => (format!("arn:aws:iam::{account}:root"), ""),
            "user" => (format!("arn:aws:iam::{account}:user/alice"), ""),
            _ => (SESSION.to_owned(), ROLE),
        };
        let allow = json!({"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}});
        let mut own = allow.clone();
        own["Statement"]["Principal"] = json!({"AWS": allowed});
        let identity: Vec<Value> = if identity { vec![allow] } else { Vec::new() };
        let case = json!({
            "caller": {"kind": kind, "account": account, "arn": arn, "role": role, "id": "AIDAALICE"},
            "action": "kms:Decrypt",
            "resource": {"kind": "key", "arn": "arn:aws:kms:us-east-1:111122223333:key/1", "owner": "111122223333"},
            "own_policy": own, "identity": identity, "boundary": null, "sessions": [], "guards": [],
            "context": {}, "grant": null,
        });
        serde_json::from_value(case).unwrap()
    }

    /// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html> and the pages about IAM's evaluation.
    #[test]
    fn decisions_are_those_of_the_developer_guide() {
        let (own, other) = ("111122223333", "444455556666");
        for (kind, account, allowed, identity, wanted) in [
            ("user", own, ALICE, false, true),
            ("user", own, ROOT, false, false),
            ("user", own, ROOT, true, true),
            ("user", own, SESSION, true, false),
            ("root", own, ROOT, false, true),
            ("session", own, ROLE, false, true),
            ("session", own, SESSION, false, true),
            ("user", other, other, false, false),
            ("user", other, other, true, true),
            ("user", other, "*", false, false),
            ("user", other, "*", true, true),
        ] {
            let decision = decide(&case(kind, account, allowed, identity), None, Quirks::NONE);
            let allowed = decision == Decision::Allowed;
            assert_eq!(allowed, wanted, "{kind} of {account}, {allowed:?} named, identity policy {identity}");
        }
    }

    /// What names the role is limited by what narrows its session; what names the session itself is not.
    #[test]
    fn a_session_policy_narrows_the_role_and_not_the_session() {
        for (named, wanted) in [(ROLE, Decision::Implicit), (SESSION, Decision::Allowed)] {
            let mut case = case("session", "111122223333", named, false);
            case.sessions.push(json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}));
            assert_eq!(decide(&case, None, Quirks::NONE), wanted, "{named}");
            case.sessions.push(json!({"Statement": {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}}));
            assert_eq!(decide(&case, None, Quirks::NONE), Decision::Explicit, "{named}");
        }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    #[test]
    fn conditions_are_those_of_the_user_guide() {
        for (operator, wanted, known, holds) in [
            ("StringLike", "r*", json!("red"), true),
            ("StringEquals", "r*", json!("red"), false),
            ("StringLike", "${aws:username}*", json!("ali*ce"), true),
            ("StringNotEquals", "${aws:none}", json!("red"), true),
            ("StringEquals", "${aws:none, 'red'}", json!("red"), true),
            ("ForAllValues:StringEquals", "red", json!([]), true),
            ("ForAllValues:StringEquals", "red", json!(["red", "blue"]), false),
            ("ForAnyValue:StringNotEquals", "red", json!(["red", "blue"]), true),
            ("NumericLessThan", "10.5", json!("9"), true),
            ("DateLessThan", "2026-03-01T01:00:00+01:00", json!("1772323199"), true),
            ("IpAddress", "203.0.113.0/29", json!("203.0.113.8"), false),
            ("NotIpAddress", "::/0", json!("203.0.113.8"), true),
            ("ArnLike", "arn:aws:s3:::a*", json!("arn:aws:s3:::a:b"), true),
            ("Bool", "TRUE", json!("true"), true),
        ] {
            let mut case = case("user", "111122223333", ALICE, false);
            case.context.insert("aws:username".to_owned(), serde_json::from_value(json!("ali*")).unwrap());
            case.context.insert("kms:ViaService".to_owned(), serde_json::from_value(known.clone()).unwrap());
            let own = case.own_policy.as_mut().unwrap();
            own["Version"] = json!("2012-10-17");
            own["Statement"]["Condition"] = json!({operator: {"KMS:VIASERVICE": wanted}});
            let decision = decide(&case, None, Quirks::NONE);
            assert_eq!(decision == Decision::Allowed, holds, "{operator} {wanted} {known}");
        }
    }
}
