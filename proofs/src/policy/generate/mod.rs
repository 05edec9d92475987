//! Draws cases from a seed. A draw leans towards policies that speak about this very request, so that a third is allowed
//! and the rest is refused by little.

mod condition;
mod grant;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::case::{Caller, Case, Kind, Known, Target, TargetKind};
use super::vocabulary as words;
use crate::chance::Chance;

/// Where a policy is put, which decides what it may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Key,
    Trust,
    Identity,
    /// A boundary, session policy or guard: mostly wide, as it only limits.
    Limit,
}

/// The case of this stream of choices.
pub(crate) fn case(chance: Chance) -> Case {
    let mut draw = Draw { chance, case: question() };
    draw.question();
    draw.context();
    draw.policies();
    draw.grant();
    draw.case
}

/// A question that nothing answers yet.
fn question() -> Case {
    let caller = Caller {
        kind: Kind::Root,
        account: String::new(),
        arn: String::new(),
        role: String::new(),
        id: String::new(),
    };
    Case {
        caller,
        action: String::new(),
        resource: Target {
            kind: TargetKind::Key,
            arn: words::KEY.to_owned(),
            owner: words::OWNER.to_owned(),
        },
        own_policy: None,
        identity: Vec::new(),
        boundary: None,
        sessions: Vec::new(),
        guards: Vec::new(),
        context: BTreeMap::new(),
        grant: None,
    }
}

struct Draw {
    chance: Chance,
    case: Case,
}

impl Draw {
    fn one(&mut self, items: &[&str]) -> String {
        self.chance.pick(items).map(|item| (*item).to_owned()).unwrap_or_default()
    }

    fn flip(&mut self, percent: usize) -> bool {
        self.chance.percent(percent)
    }

    /// One in a list of its own, or a list of up to three of them.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Value) -> Value {
        match self.chance.below(5) {
            0..=2 => item(self),
            more => Value::Array((0..more - 1).map(|_| item(self)).collect()),
        }
    }

    fn question(&mut self) {
        let number = self.chance.below(words::CALLER_COUNT);
        self.case.caller = words::caller(number).unwrap_or_else(|| self.case.caller.clone());
        match self.chance.below(20) {
            // Root users assume no roles, whatever a policy says: STS refuses them before.
            2 if self.case.caller.kind != Kind::Root => {
                let (arn, owner) = (words::ROLE.to_owned(), words::OWNER.to_owned());
                self.case.resource = Target { kind: TargetKind::Role, arn, owner };
                self.case.action = self.one(words::ROLE_ACTIONS);
            }
            0 => {
                let owner = self.case.caller.account.clone();
                self.case.resource = Target { kind: TargetKind::Everything, arn: "*".to_owned(), owner };
                self.case.action = self.one(words::EVERYTHING_ACTIONS);
            }
            1 => {
                let owner = self.one(&[words::OWNER, words::OWNER, words::OTHER]);
                let arn = format!("arn:aws:kms:us-east-1:{owner}:{}", words::ALIAS_NAME);
                self.case.resource = Target { kind: TargetKind::Alias, arn, owner };
                self.case.action = self.one(words::ALIAS_ACTIONS);
            }
            _ => self.case.action = self.one(words::ACTIONS),
        }
    }

    fn context(&mut self) {
        for (name, known) in words::about(&self.case.caller) {
            if self.flip(90) {
                self.know(name, known);
            }
        }
        for word in words::WORDS {
            if !self.flip(60) {
                continue;
            }
            let known = if word.many {
                let mut values: Vec<String> =
                    word.known.iter().filter(|_| self.chance.percent(50)).map(|v| (*v).to_owned()).collect();
                if values.is_empty() {
                    values.push(self.one(word.known));
                }
                if self.flip(3) {
                    values.clear();
                }
                Known::Many(values)
            } else if word.name.starts_with("kms:EncryptionContext:") && self.flip(3) {
                // Two names that differ by letter case only.
                Known::Many(vec![self.one(word.known), self.one(word.known)])
            } else if word.sort != words::Sort::Binary && self.flip(2) {
                Known::One(self.one(&["", "red", "1", "2026", "true"]))
            } else {
                Known::One(self.one(word.known))
            };
            self.know(word.name, known);
        }
        if self.flip(1) {
            self.know("aws:SourceIp", Known::One(words::MAPPED_ADDRESS.to_owned()));
        }
    }

    fn know(&mut self, name: &str, known: Known) {
        self.case.context.retain(|other, _| !other.eq_ignore_ascii_case(name));
        let name = if self.flip(10) { name.to_lowercase() } else { name.to_owned() };
        self.case.context.insert(name, known);
    }

    fn policies(&mut self) {
        match self.case.resource.kind {
            TargetKind::Key => self.case.own_policy = Some(self.policy(Place::Key)),
            TargetKind::Role => self.case.own_policy = Some(self.policy(Place::Trust)),
            TargetKind::Alias | TargetKind::Everything => {}
        }
        let service = self.case.caller.kind == Kind::Service;
        let root = service || self.case.caller.kind == Kind::Root;
        let most = if root { 0 } else { self.chance.below(4) };
        self.case.identity = (0..most).map(|_| self.policy(Place::Identity)).collect();
        if !root && self.flip(25) {
            self.case.boundary = Some(self.policy(Place::Limit));
        }
        if self.case.caller.kind == Kind::Session && self.flip(40) {
            let first = self.policy(Place::Limit);
            self.case.sessions.push(first);
            if self.flip(20) {
                self.another_session_policy();
            }
        }
        let guards = if service {
            0
        } else if self.flip(20) {
            1 + self.chance.below(2)
        } else {
            0
        };
        self.case.guards = (0..guards).map(|_| self.policy(Place::Limit)).collect();
    }

    /// Of the first one's version, so that the oracle can be asked about both as one.
    fn another_session_policy(&mut self) {
        let mut another = self.policy(Place::Limit);
        let version = self.case.sessions.first().and_then(|first| first.get("Version")).cloned();
        if let Some(another) = another.as_object_mut() {
            another.shift_remove("Version");
            if let Some(version) = version {
                another.insert("Version".to_owned(), version);
            }
        }
        self.case.sessions.push(another);
    }

    fn policy(&mut self, place: Place) -> Value {
        let count = match place {
            Place::Key | Place::Trust => 1 + self.chance.below(4),
            Place::Identity | Place::Limit => 1 + self.chance.below(2),
        };
        let mut statements: Vec<Value> = (0..count).map(|at| self.statement(place, at)).collect();
        let alone = if statements.len() == 1 && self.flip(30) { statements.pop() } else { None };
        let mut policy = Map::new();
        match self.chance.below(10) {
            0 => {}
            1 => drop(policy.insert("Version".to_owned(), json!("2008-10-17"))),
            _ => drop(policy.insert("Version".to_owned(), json!("2012-10-17"))),
        }
        policy.insert("Statement".to_owned(), alone.unwrap_or(Value::Array(statements)));
        Value::Object(policy)
    }

    fn statement(&mut self, place: Place, at: usize) -> Value {
        let mut statement = Map::new();
        if self.flip(20) {
            statement.insert("Sid".to_owned(), json!(format!("S{at}")));
        }
        let deny = self.flip(if place == Place::Key { 18 } else { 15 });
        statement.insert("Effect".to_owned(), json!(if deny { "Deny" } else { "Allow" }));
        if matches!(place, Place::Key | Place::Trust) {
            let element = if place == Place::Trust {
                "Principal"
            } else if self.flip(if deny { 25 } else { 4 }) {
                "NotPrincipal"
            } else {
                "Principal"
            };
            let principals = self.principals(element == "NotPrincipal");
            statement.insert(element.to_owned(), principals);
        }
        // A Deny is narrow, or nothing would ever be allowed.
        let near = if deny { 35 } else { 75 };
        let element = if self.flip(8) { "NotAction" } else { "Action" };
        let actions = self.list(|draw| draw.action(near));
        statement.insert(element.to_owned(), actions);
        if let Some((element, resources)) = self.resources(place) {
            statement.insert(element.to_owned(), resources);
        }
        if self.flip(if deny { 75 } else { 45 }) {
            let condition = self.condition(place);
            statement.insert("Condition".to_owned(), condition);
        }
        Value::Object(statement)
    }

    /// A name of the caller, of somebody else, or nearly of one.
    fn principal(&mut self) -> String {
        let number = self.chance.below(words::CALLER_COUNT);
        let somebody = words::caller(number).unwrap_or_else(|| self.case.caller.clone());
        let whose = if self.flip(70) { self.case.caller.clone() } else { somebody };
        match self.chance.below(20) {
            0..=3 => whose.account,
            4..=7 => whose.account_arn(),
            8 => self.one(words::STRANGERS),
            9 if !whose.id.is_empty() => whose.id,
            10 if whose.kind == Kind::Session => whose.user_id(),
            _ if whose.kind == Kind::Service => whose.account,
            11..=15 if whose.kind == Kind::Session => whose.role,
            _ => whose.arn,
        }
    }

    fn principals(&mut self, not: bool) -> Value {
        match self.chance.below(20) {
            0..=2 if !not => json!("*"),
            3 if !not => json!({"AWS": "*"}),
            4 => {
                let service = self.one(words::SERVICES);
                let named = self.principal();
                json!({"AWS": named, "Service": service})
            }
            5 => {
                let service = self.one(words::SERVICES);
                json!({"Service": service})
            }
            6..=15 if self.case.caller.kind == Kind::Service => json!({"Service": self.case.caller.arn}),
            _ => json!({"AWS": self.list(|draw| json!(draw.principal()))}),
        }
    }

    fn action(&mut self, near: usize) -> Value {
        if !self.flip(near) {
            return json!(self.one(words::ACTION_PATTERNS));
        }
        let action = self.case.action.clone();
        json!(match self.chance.below(6) {
            0 => action.split(':').next().map(|service| format!("{service}:*")).unwrap_or_default(),
            1 => action.to_lowercase(),
            2 => action.replace('E', "?"),
            _ => action,
        })
    }

    fn resources(&mut self, place: Place) -> Option<(&'static str, Value)> {
        if place == Place::Trust {
            return None;
        }
        if place == Place::Key {
            return match self.chance.below(20) {
                0 => None,
                1 => Some(("NotResource", json!(self.one(words::KEY_RESOURCES)))),
                2 | 3 => Some(("Resource", json!(self.one(words::KEY_RESOURCES)))),
                4 => Some(("Resource", json!([words::KEY]))),
                _ => Some(("Resource", json!("*"))),
            };
        }
        let element = if self.flip(8) { "NotResource" } else { "Resource" };
        let very = self.case.resource.arn.clone();
        let resources =
            self.list(|draw| json!(if draw.flip(50) { very.clone() } else { draw.one(words::RESOURCES) }));
        Some((element, resources))
    }
}

#[cfg(test)]
mod tests {
    use super::case;
    use crate::chance::Chance;
    use crate::policy::case::Decision;
    use crate::policy::explained::Quirks;
    use crate::policy::{engine, naive};

    #[test]
    fn a_seed_repeats_its_case() {
        let root = Chance::new(5);
        assert_eq!(case(root.branch(&[1])).line(), case(root.branch(&[1])).line());
        assert_ne!(case(root.branch(&[1])).line(), case(root.branch(&[2])).line());
    }

    /// Cases that are all denied, or that the engine cannot read, would prove nothing.
    #[test]
    fn a_third_is_allowed_and_every_policy_is_well_formed() {
        let cases: Vec<_> = (0..300).map(|number| case(Chance::new(9).branch(&[number]))).collect();
        let allowed =
            cases.iter().filter(|case| naive::decide(case, None, Quirks::NONE) == Decision::Allowed).count();
        assert!((75..=150).contains(&allowed), "{allowed} of 300");
        let refused = cases.iter().find(|case| matches!(engine::decide(case).0, engine::Decided::Refused(_)));
        assert!(refused.is_none(), "{refused:?}");
    }
}
