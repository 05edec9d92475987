//! What a client believes about its keys and aliases, and how a request changes that: the model that a server which
//! came back is held against. Pure: no I/O.

pub(crate) mod observer;
pub(crate) mod witness;
pub(crate) mod writer;

use std::collections::{BTreeMap, BTreeSet};

/// The key specs that the proofs create, each with its usage and how often of a hundred it is drawn. RSA is rare as
/// its generation takes a hundred times longer than a commit.
pub(crate) const SPECS: [(&str, &str, usize); 6] = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", 60),
    ("HMAC_256", "GENERATE_VERIFY_MAC", 12),
    ("ECC_NIST_P256", "SIGN_VERIFY", 12),
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", 8),
    ("ML_DSA_44", "SIGN_VERIFY", 6),
    ("RSA_2048", "SIGN_VERIFY", 2),
];

/// The Sid in the policy that AWS gives a key without one.
pub(crate) const DEFAULT_POLICY: &str = "Enable IAM User Permissions";

/// The states that a client can bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Enabled,
    Disabled,
    PendingDeletion,
    /// Anything else: no request of the proofs leads there.
    Other,
}

/// A key as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// Unique to the CreateKey request: finds the key of a request that got no answer.
    pub(crate) description: String,
    pub(crate) spec: String,
    pub(crate) state: State,
    pub(crate) tags: BTreeMap<String, String>,
    /// The Sid of the first statement of its policy.
    pub(crate) policy: String,
}

/// What one writer knows. Writers share the server, never keys or aliases, so that each request has one of two
/// outcomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct World {
    /// By key id.
    pub(crate) keys: BTreeMap<String, Key>,
    /// Alias to key id.
    pub(crate) aliases: BTreeMap<String, String>,
}

/// A request that changes the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Create(Key),
    State { key: String, to: State, operation: &'static str },
    Tag { key: String, name: String, value: String },
    Untag { key: String, name: String },
    Policy { key: String, sid: String },
    SetAlias { name: String, key: String, new: bool },
    DeleteAlias { name: String },
}

impl World {
    /// The world after a change; `new` is the id of the key that it created.
    pub(crate) fn apply(&mut self, change: &Change, new: Option<&str>) {
        match change {
            Change::Create(key) => {
                if let Some(id) = new {
                    self.keys.insert(id.to_owned(), key.clone());
                }
            }
            Change::State { key, to, .. } => self.alter(key, |key| key.state = *to),
            Change::Tag { key, name, value } => {
                self.alter(key, |key| drop(key.tags.insert(name.clone(), value.clone())));
            }
            Change::Untag { key, name } => self.alter(key, |key| drop(key.tags.remove(name))),
            Change::Policy { key, sid } => self.alter(key, |key| key.policy.clone_from(sid)),
            Change::SetAlias { name, key, .. } => drop(self.aliases.insert(name.clone(), key.clone())),
            Change::DeleteAlias { name } => drop(self.aliases.remove(name)),
        }
    }

    fn alter(&mut self, key: &str, alteration: impl FnOnce(&mut Key)) {
        if let Some(key) = self.keys.get_mut(key) {
            alteration(key);
        }
    }
}

/// What a server shows, as far as it was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight {
    /// Every key id.
    pub(crate) ids: BTreeSet<String>,
    /// The keys that were looked at.
    pub(crate) keys: BTreeMap<String, Key>,
    /// Every alias of this writer.
    pub(crate) aliases: BTreeMap<String, String>,
}

/// How a request without an answer turned out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There was none, or it was not carried out.
    NotApplied,
    /// It was carried out; for CreateKey, with the new key's id.
    Applied(Option<String>),
}

/// Holds a sight against the world of one writer: everything acknowledged is there, and of the request that got no
/// answer all or nothing.
///
/// # Errors
/// What was lost, one line each.
pub(crate) fn judge(world: &World, pending: Option<&Change>, sight: &Sight) -> Result<Outcome, Vec<String>> {
    let losses = differences(world, sight);
    let Some(change) = pending else { return whole(losses, Outcome::NotApplied) };
    if let Change::Create(wanted) = change {
        let found = sight.keys.iter().find(|(_, key)| key.description == wanted.description);
        return match found {
            None => whole(losses, Outcome::NotApplied),
            Some((_, key)) if key != wanted => {
                Err(vec![format!("a key is there in part: asked for {wanted:?}, found {key:?}")])
            }
            Some((id, _)) => whole(losses, Outcome::Applied(Some(id.clone()))),
        };
    }
    if losses.is_empty() {
        return Ok(Outcome::NotApplied);
    }
    let mut after = world.clone();
    after.apply(change, None);
    if differences(&after, sight).is_empty() { Ok(Outcome::Applied(None)) } else { Err(losses) }
}

fn whole(losses: Vec<String>, outcome: Outcome) -> Result<Outcome, Vec<String>> {
    if losses.is_empty() { Ok(outcome) } else { Err(losses) }
}

fn differences(world: &World, sight: &Sight) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, key) in &world.keys {
        if !sight.ids.contains(id) {
            lines.push(format!("the acknowledged key {id} is gone: {key:?}"));
        } else if let Some(seen) = sight.keys.get(id).filter(|seen| *seen != key) {
            lines.push(format!("the key {id} is not as acknowledged: acknowledged {key:?}, found {seen:?}"));
        }
    }
    for (name, id) in &world.aliases {
        match sight.aliases.get(name) {
            None => lines.push(format!("the acknowledged {name} to {id} is gone")),
            Some(seen) if seen != id => lines.push(format!("{name} points to {seen}, acknowledged {id}")),
            Some(_) => {}
        }
    }
    for (name, id) in sight.aliases.iter().filter(|(name, _)| !world.aliases.contains_key(*name)) {
        lines.push(format!("{name} to {id} is back, or was never asked for"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(description: &str) -> Key {
        let (spec, policy) = ("HMAC_256".to_owned(), DEFAULT_POLICY.to_owned());
        Key {
            description: description.to_owned(),
            spec,
            state: State::Enabled,
            tags: BTreeMap::new(),
            policy,
        }
    }

    fn world() -> World {
        let mut world = World::default();
        world.apply(&Change::Create(key("a")), Some("A"));
        world.apply(&Change::SetAlias { name: "alias/x".to_owned(), key: "A".to_owned(), new: true }, None);
        world
    }

    fn sight(world: &World) -> Sight {
        let ids = world.keys.keys().cloned().collect();
        Sight { ids, keys: world.keys.clone(), aliases: world.aliases.clone() }
    }

    fn disable() -> Change {
        Change::State { key: "A".to_owned(), to: State::Disabled, operation: "DisableKey" }
    }

    #[test]
    fn a_request_without_an_answer_may_be_applied_or_not_but_nothing_else_may_change() {
        let before = world();
        let changes = [
            disable(),
            Change::Tag { key: "A".to_owned(), name: "n".to_owned(), value: "v".to_owned() },
            Change::Policy { key: "A".to_owned(), sid: "other".to_owned() },
            Change::SetAlias { name: "alias/y".to_owned(), key: "A".to_owned(), new: true },
            Change::DeleteAlias { name: "alias/x".to_owned() },
        ];
        for change in &changes {
            let mut after = before.clone();
            after.apply(change, None);
            assert_eq!(judge(&before, Some(change), &sight(&before)), Ok(Outcome::NotApplied), "{change:?}");
            assert_eq!(
                judge(&before, Some(change), &sight(&after)),
                Ok(Outcome::Applied(None)),
                "{change:?}"
            );
            // Unasked, or acknowledged and not there.
            assert!(judge(&before, None, &sight(&after)).is_err(), "{change:?}");
            assert!(judge(&after, None, &sight(&before)).is_err(), "{change:?}");
            for other in changes.iter().filter(|other| *other != change) {
                assert!(judge(&before, Some(other), &sight(&after)).is_err(), "{other:?} for {change:?}");
            }
        }
    }

    #[test]
    fn a_lost_key_or_alias_is_named() {
        let world = world();
        let mut seen = sight(&world);
        seen.ids.clear();
        seen.keys.clear();
        let losses = judge(&world, Some(&disable()), &seen).unwrap_err();
        assert!(losses.iter().any(|line| line.contains("key A is gone")), "{losses:?}");
        let mut seen = sight(&world);
        seen.aliases.clear();
        assert!(judge(&world, None, &seen).unwrap_err().concat().contains("alias/x"));
    }

    #[test]
    fn a_created_key_without_an_answer_is_found_whole_or_not_at_all() {
        let world = world();
        let create = Change::Create(key("b"));
        assert_eq!(judge(&world, Some(&create), &sight(&world)), Ok(Outcome::NotApplied));
        let mut after = world.clone();
        after.apply(&create, Some("B"));
        assert_eq!(judge(&world, Some(&create), &sight(&after)), Ok(Outcome::Applied(Some("B".to_owned()))));
        after.alter("B", |key| key.state = State::Disabled);
        assert!(judge(&world, Some(&create), &sight(&after)).is_err());
    }
}
