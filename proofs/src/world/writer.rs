//! One writer: draws the next request, sends it, and books what was acknowledged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::witness::{self, Witness};
use super::{Change, DEFAULT_POLICY, Key, SPECS, State, World};
use crate::chance::Chance;
use crate::client::{Answer, Kms};
use crate::failure::Failure;

/// What one writer knows and asked.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Its number: part of the names of its keys and aliases.
    pub(crate) number: usize,
    /// What was acknowledged to it.
    pub(crate) world: World,
    /// The request that got no answer.
    pub(crate) pending: Option<Change>,
    /// Every acknowledged answer of a key.
    pub(crate) witnesses: Vec<Witness>,
    /// Keys that its requests named since this was last emptied.
    pub(crate) touched: Vec<String>,
    names: u64,
}

/// What a writer does next.
#[derive(Debug)]
pub(crate) enum Step {
    Change(Change),
    Witness { key: String, spec: String },
}

/// How a step ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Acknowledged; with the id of a new key.
    Acknowledged(Option<String>),
    /// The connection broke.
    Gone,
}

impl Writer {
    /// A writer that knows nothing yet.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            world: World::default(),
            pending: None,
            witnesses: Vec::new(),
            touched: Vec::new(),
            names: 0,
        }
    }

    /// The beginning of the names of all its aliases.
    pub(crate) fn alias_prefix(&self) -> String {
        format!("alias/w{}-", self.number)
    }

    fn name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    /// Draws the next step. Every step is one that the server must accept.
    pub(crate) fn draw(&mut self, chance: &mut Chance) -> Step {
        let live: Vec<(String, Key)> =
            self.world.keys.iter().map(|(id, key)| (id.clone(), key.clone())).collect();
        let Some((id, key)) = chance.pick(&live) else { return Step::Change(self.create(chance)) };
        let (id, key) = (id.clone(), key.clone());
        let deleting = key.state == State::PendingDeletion;
        let change = match chance.below(100) {
            0..18 => Some(self.create(chance)),
            18..28 if !deleting => {
                let name = self.name();
                let name = format!("{}{name}", self.alias_prefix());
                Some(Change::SetAlias { name, key: id.clone(), new: true })
            }
            28..36 if !deleting => self.move_alias(&id, &key, chance),
            36..43 => self.delete_alias(chance),
            43..51 if !deleting => {
                let (name, value) = (format!("t{}", chance.below(4)), self.name().to_string());
                Some(Change::Tag { key: id.clone(), name, value })
            }
            51..57 if !deleting => {
                key.tags.keys().next().map(|name| Change::Untag { key: id.clone(), name: name.clone() })
            }
            57..66 => Some(state_change(&id, key.state, chance)),
            66..73 if !deleting => Some(Change::Policy { key: id.clone(), sid: format!("s{}", self.name()) }),
            _ => None,
        };
        match change {
            Some(change) => Step::Change(change),
            None if key.state == State::Enabled => Step::Witness { key: id, spec: key.spec },
            None => Step::Change(self.create(chance)),
        }
    }

    fn create(&mut self, chance: &mut Chance) -> Change {
        let mut roll = chance.below(100);
        let mut spec = "SYMMETRIC_DEFAULT";
        for (name, _, share) in SPECS {
            if roll < share {
                spec = name;
                break;
            }
            roll -= share;
        }
        let tags = (0..chance.below(3)).map(|tag| (format!("t{tag}"), "first".to_owned())).collect();
        let name = self.name();
        let description = format!("w{} {name}", self.number);
        let (state, policy) = (State::Enabled, DEFAULT_POLICY.to_owned());
        Change::Create(Key { description, spec: spec.to_owned(), state, tags, policy })
    }

    /// An alias may only move between keys of one kind.
    fn move_alias(&self, id: &str, key: &Key, chance: &mut Chance) -> Option<Change> {
        let fits = |target: &&String| {
            self.world.keys.get(*target).is_some_and(|old| old.spec == key.spec && *target != id)
        };
        let names: Vec<&String> =
            self.world.aliases.iter().filter(|(_, target)| fits(target)).map(|(name, _)| name).collect();
        let name = chance.pick(&names)?;
        Some(Change::SetAlias { name: (*name).clone(), key: id.to_owned(), new: false })
    }

    fn delete_alias(&self, chance: &mut Chance) -> Option<Change> {
        let names: Vec<&String> = self.world.aliases.keys().collect();
        chance.pick(&names).map(|name| Change::DeleteAlias { name: (*name).clone() })
    }

    /// Sends a step and books its acknowledgement.
    pub(crate) async fn take(
        &mut self,
        kms: &mut Kms,
        step: Step,
        chance: &mut Chance,
    ) -> Result<Ended, Failure> {
        match step {
            Step::Witness { key, spec } => {
                let plaintext = STANDARD.encode(chance.bytes::<32>());
                let data_key = chance.percent(25);
                self.touched.push(key.clone());
                Ok(match witness::ask(kms, &key, &spec, &plaintext, data_key).await? {
                    Some(witness) => {
                        self.witnesses.push(witness);
                        Ended::Acknowledged(None)
                    }
                    None => Ended::Gone,
                })
            }
            Step::Change(change) => {
                self.touched.extend(key_of(&change).map(str::to_owned));
                self.pending = Some(change.clone());
                let ended = send(kms, &change).await?;
                if let Ended::Acknowledged(id) = &ended {
                    self.book(&change, id.as_deref());
                }
                Ok(ended)
            }
        }
    }

    /// Sends a change that a living server must acknowledge.
    pub(crate) async fn carry_out(&mut self, kms: &mut Kms, change: Change) -> Result<(), Failure> {
        match self.take(kms, Step::Change(change), &mut Chance::new(0)).await? {
            Ended::Acknowledged(_) => Ok(()),
            Ended::Gone => Err(Failure::Server("the connection broke".to_owned())),
        }
    }

    /// A change that is known to have happened.
    pub(crate) fn book(&mut self, change: &Change, id: Option<&str>) {
        self.world.apply(change, id);
        self.touched.extend(id.map(str::to_owned));
        self.pending = None;
    }
}

fn state_change(id: &str, state: State, chance: &mut Chance) -> Change {
    let (operation, to) = match state {
        State::PendingDeletion => ("CancelKeyDeletion", State::Disabled),
        State::Enabled if chance.percent(70) => ("DisableKey", State::Disabled),
        State::Disabled if chance.percent(80) => ("EnableKey", State::Enabled),
        State::Enabled | State::Disabled | State::Other => ("ScheduleKeyDeletion", State::PendingDeletion),
    };
    Change::State { key: id.to_owned(), to, operation }
}

/// The key that a change is about.
pub(crate) fn key_of(change: &Change) -> Option<&str> {
    match change {
        Change::Create(_) | Change::DeleteAlias { .. } => None,
        Change::State { key, .. }
        | Change::Tag { key, .. }
        | Change::Untag { key, .. }
        | Change::Policy { key, .. }
        | Change::SetAlias { key, .. } => Some(key),
    }
}

/// The request that asks for a change.
fn request(change: &Change) -> (&'static str, Value) {
    match change {
        Change::Create(key) => {
            let usage = SPECS.iter().find(|(spec, ..)| *spec == key.spec).map(|(_, usage, _)| *usage);
            let tags: Vec<Value> =
                key.tags.iter().map(|(name, value)| json!({ "TagKey": name, "TagValue": value })).collect();
            let input = json!({ "KeySpec": key.spec, "KeyUsage": usage, "Description": key.description, "Tags": tags });
            ("CreateKey", input)
        }
        Change::State { key, to: State::PendingDeletion, operation } => {
            (operation, json!({ "KeyId": key, "PendingWindowInDays": 30 }))
        }
        Change::State { key, operation, .. } => (operation, json!({ "KeyId": key })),
        Change::Tag { key, name, value } => {
            ("TagResource", json!({ "KeyId": key, "Tags": [{ "TagKey": name, "TagValue": value }] }))
        }
        Change::Untag { key, name } => ("UntagResource", json!({ "KeyId": key, "TagKeys": [name] })),
        Change::Policy { key, sid } => {
            ("PutKeyPolicy", json!({ "KeyId": key, "PolicyName": "default", "Policy": policy(sid) }))
        }
        Change::SetAlias { name, key, new } => {
            let operation = if *new { "CreateAlias" } else { "UpdateAlias" };
            (operation, json!({ "AliasName": name, "TargetKeyId": key }))
        }
        Change::DeleteAlias { name } => ("DeleteAlias", json!({ "AliasName": name })),
    }
}

fn policy(sid: &str) -> String {
    let statement = json!({
        "Sid": sid, "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::000000000000:root" },
        "Action": "kms:*", "Resource": "*",
    });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

async fn send(kms: &mut Kms, change: &Change) -> Result<Ended, Failure> {
    let (operation, input) = request(change);
    let value = match kms.call(operation, &input).await? {
        Answer::Gone => return Ok(Ended::Gone),
        answer @ (Answer::Done(_) | Answer::Refused { .. }) => answer.done(operation)?,
    };
    let id = value.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).map(str::to_owned);
    Ok(Ended::Acknowledged(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_of_change_is_drawn_and_no_step_names_an_unknown_key() {
        let (mut writer, mut chance) = (Writer::new(1), Chance::new(3));
        let mut kinds = BTreeSet::new();
        for number in 0..2000 {
            let step = writer.draw(&mut chance);
            let Step::Change(change) = step else {
                kinds.insert("Witness");
                continue;
            };
            assert!(key_of(&change).is_none_or(|key| writer.world.keys.contains_key(key)), "{change:?}");
            kinds.insert(request(&change).0);
            writer.book(&change, Some(&format!("key-{number}")));
        }
        let all = [
            "CancelKeyDeletion",
            "CreateAlias",
            "CreateKey",
            "DeleteAlias",
            "DisableKey",
            "EnableKey",
            "PutKeyPolicy",
            "ScheduleKeyDeletion",
            "TagResource",
            "UntagResource",
            "UpdateAlias",
            "Witness",
        ];
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
    }
}
