//! Makes a failing case small: leaves away whatever is not needed for it to fail.

use serde_json::Value;

use super::case::Case;

/// The smallest case found for which `fails` still holds; it holds for `case`.
///
/// # Errors
/// Whatever `fails` cannot do.
pub(crate) fn smallest<E>(case: Case, mut fails: impl FnMut(&Case) -> Result<bool, E>) -> Result<Case, E> {
    let mut best = case;
    'again: loop {
        for smaller in candidates(&best) {
            if fails(&smaller)? {
                best = smaller;
                continue 'again;
            }
        }
        return Ok(best);
    }
}

/// Every case with one thing less, the large things first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut without = |change: &dyn Fn(&mut Case)| {
        let mut smaller = case.clone();
        change(&mut smaller);
        all.push(smaller);
    };
    if case.grant.is_some() {
        without(&|case| case.grant = None);
    }
    for at in 0..case.guards.len() {
        without(&|case| drop(case.guards.remove(at)));
    }
    for at in 0..case.identity.len() {
        without(&|case| drop(case.identity.remove(at)));
    }
    for at in 0..case.sessions.len() {
        without(&|case| drop(case.sessions.remove(at)));
    }
    if case.boundary.is_some() {
        without(&|case| case.boundary = None);
    }
    for key in case.context.keys() {
        without(&|case| drop(case.context.remove(key)));
    }
    for number in 0..case.policies().count() {
        let Some(policy) = case.policies().nth(number) else { continue };
        for smaller in lesser(policy) {
            without(&|case| {
                if let Some(policy) = policies_mut(case).into_iter().nth(number) {
                    *policy = smaller.clone();
                }
            });
        }
    }
    all
}

/// In the order of [`Case::policies`].
fn policies_mut(case: &mut Case) -> Vec<&mut Value> {
    let Case { identity, guards, own_policy, boundary, sessions, .. } = case;
    let many = identity.iter_mut().chain(guards).chain(sessions);
    many.chain(own_policy).chain(boundary).collect()
}

/// The document with one statement, operator, key or list item less. Elements that a statement must have stay.
fn lesser(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => {
            let without = |at: usize| {
                let mut items = items.clone();
                items.remove(at);
                Value::Array(items)
            };
            let fewer = (0..items.len()).filter(|_| items.len() > 1).map(without);
            let deeper = items.iter().enumerate().flat_map(|(at, item)| {
                lesser(item).into_iter().map(move |item| {
                    let mut items = items.clone();
                    if let Some(place) = items.get_mut(at) {
                        *place = item;
                    }
                    Value::Array(items)
                })
            });
            fewer.chain(deeper).collect()
        }
        Value::Object(members) => {
            let optional =
                |key: &str| !KEPT.contains(&key) && (key == "Condition" || key == "Sid" || members.len() > 1);
            let fewer = members.keys().filter(|key| optional(key)).map(|gone| {
                Value::Object(
                    members
                        .iter()
                        .filter(|(key, _)| *key != gone)
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .collect(),
                )
            });
            let deeper = members.iter().flat_map(|(key, member)| {
                lesser(member).into_iter().map(move |member| {
                    let mut members = members.clone();
                    members.insert(key.clone(), member);
                    Value::Object(members)
                })
            });
            fewer.chain(deeper).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Members whose absence would make another policy of it, or none.
const KEPT: &[&str] = &[
    "Version",
    "Statement",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
];

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::smallest;
    use crate::chance::Chance;
    use crate::policy::generate;

    #[test]
    fn only_what_is_needed_stays() {
        let case = generate::case(Chance::new(3));
        let fails = |case: &super::Case| Ok::<_, Infallible>(case.line().contains("kms:"));
        let small = smallest(case.clone(), fails).unwrap();
        assert!(small.line().len() < case.line().len());
        assert!(small.identity.is_empty() && small.context.is_empty() && small.grant.is_none());
    }
}
