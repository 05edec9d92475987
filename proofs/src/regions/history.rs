//! One random history: steps that chance draws, each booked by its answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::deployment::base64;
use super::installation::{Installation, NAMES, Outcome};
use super::ledger::{Ciphertext, KeyBook, Tally};
use super::links::Fate;
use crate::chance::Chance;
use crate::failure::Failure;

/// Steps of a history.
const STEPS: usize = 30;
/// Keys that one history makes at most.
const KEYS_MAX: usize = 3;
/// Of a hundred changes, during how many a process is killed.
const KILLED_CHANGES: usize = 12;
/// Of a hundred changes, how many are asked of a Region that is not known as the primary.
const ASTRAY: usize = 20;
/// A process is killed at most so long after a change was asked for.
const KILL_AFTER_MS_MAX: usize = 120;
/// Bytes after which a link is torn: in the handshake of TLS, in a message, or in its answer.
const TORN_AFTER_MAX: usize = 12_000;

/// The kinds of steps, each as often as its weight says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Create,
    Replicate,
    Encrypt,
    Decrypt,
    Rotate,
    Promote,
    ScheduleDeletion,
    CancelDeletion,
    Break,
    Mend,
    Kill,
    Restart,
}

const WEIGHTS: &[(Kind, usize)] = &[
    (Kind::Create, 5),
    (Kind::Replicate, 15),
    (Kind::Encrypt, 20),
    (Kind::Decrypt, 14),
    (Kind::Rotate, 12),
    (Kind::Promote, 10),
    (Kind::ScheduleDeletion, 3),
    (Kind::CancelDeletion, 4),
    (Kind::Break, 14),
    (Kind::Mend, 8),
    (Kind::Kill, 4),
    (Kind::Restart, 6),
];

/// A history under way.
#[derive(Debug)]
pub(super) struct History<'a> {
    pub(super) installation: &'a mut Installation,
    pub(super) chance: Chance,
    pub(super) keys: Vec<KeyBook>,
    pub(super) tally: &'a mut Tally,
    /// What was done, for whoever looks for the cause of a failure.
    pub(super) story: Vec<String>,
}

impl History<'_> {
    /// Takes the steps.
    pub(super) async fn run(&mut self) -> Result<(), Failure> {
        self.create().await?;
        for _ in 0..STEPS {
            let kind = self.draw();
            self.take(kind).await?;
        }
        Ok(())
    }

    fn draw(&mut self) -> Kind {
        let all = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut left = self.chance.below(all);
        for (kind, weight) in WEIGHTS {
            if left < *weight {
                return *kind;
            }
            left -= weight;
        }
        Kind::Encrypt
    }

    async fn take(&mut self, kind: Kind) -> Result<(), Failure> {
        match kind {
            Kind::Create if self.keys.len() < KEYS_MAX => self.create().await,
            Kind::Replicate => self.replicate().await,
            Kind::Create | Kind::Encrypt => self.encrypt().await,
            Kind::Decrypt => self.decrypt().await,
            Kind::Rotate => self.rotate().await,
            Kind::Promote => self.promote().await,
            Kind::ScheduleDeletion => self.schedule_deletion().await,
            Kind::CancelDeletion => self.cancel_deletion().await,
            Kind::Break => {
                self.break_link();
                Ok(())
            }
            Kind::Mend => {
                let (from, to) = self.link();
                self.story.push(format!("{from} to {to}: whole"));
                self.installation.set(from, to, Fate::Whole);
                Ok(())
            }
            Kind::Kill => {
                let victim = self.region();
                self.story.push(format!("kill {victim}"));
                self.tally.kills += usize::from(self.installation.is_up(victim));
                self.installation.kill(victim)
            }
            Kind::Restart => NAMES.into_iter().try_for_each(|name| self.installation.restart(name)),
        }
    }

    fn region(&mut self) -> &'static str {
        self.chance.pick(&NAMES).copied().unwrap_or_default()
    }

    fn link(&mut self) -> (&'static str, &'static str) {
        let from = self.region();
        let others: Vec<&'static str> = NAMES.into_iter().filter(|name| *name != from).collect();
        (from, self.chance.pick(&others).copied().unwrap_or_default())
    }

    fn break_link(&mut self) {
        let (from, to) = self.link();
        let bytes = self.chance.below(TORN_AFTER_MAX);
        let fate = match self.chance.below(6) {
            0 | 1 => Fate::Cut,
            2 => Fate::TornAsking(bytes),
            3 => Fate::TornAnswering(bytes),
            4 => Fate::Slow(Duration::from_millis(20)),
            _ => Fate::Stalled,
        };
        self.tally.link_faults += 1;
        self.story.push(format!("{from} to {to}: {fate:?}"));
        if fate == Fate::Stalled {
            self.installation.stall(from, to, Duration::from_millis(1500));
            return;
        }
        self.installation.set(from, to, fate);
        // Half of the cuts part two Regions in both directions.
        if fate == Fate::Cut && self.chance.percent(50) {
            self.installation.set(to, from, fate);
        }
    }

    /// One of the keys, and where its next change is asked for.
    fn key(&mut self) -> (usize, &'static str) {
        let index = self.chance.below(self.keys.len());
        let primary = self.keys.get(index).map_or_else(|| self.installation_home(), |key| key.primary);
        let at = if self.chance.percent(ASTRAY) { self.region() } else { primary };
        (index, at)
    }

    fn installation_home(&self) -> &'static str {
        NAMES.first().copied().unwrap_or_default()
    }

    /// A change, during which a process may be killed.
    async fn change(&mut self, at: &'static str, operation: &str, input: &Value) -> Result<Outcome, Failure> {
        let outcome = if self.chance.percent(KILLED_CHANGES) {
            let victim = self.region();
            let after = self.chance.below(KILL_AFTER_MS_MAX);
            self.tally.kills += usize::from(self.installation.is_up(victim));
            self.story.push(format!("kill {victim} {after} ms after this began:"));
            let after = Duration::from_millis(u64::try_from(after).unwrap_or_default());
            self.installation.call_under_kill(at, (operation, input), (victim, after)).await?
        } else {
            self.installation.call(at, operation, input).await?
        };
        self.note(at, operation, input, &outcome);
        Ok(outcome)
    }

    fn note(&mut self, at: &str, operation: &str, input: &Value, outcome: &Outcome) {
        let became = match outcome {
            Outcome::Done(_) => "done",
            Outcome::Refused(error) => {
                self.tally.refused += 1;
                error
            }
            Outcome::Unknown => {
                self.tally.unknown += 1;
                "nobody knows"
            }
        };
        let input: String = input.to_string().chars().take(160).collect();
        self.story.push(format!("{operation} in {at} {input}: {became}"));
    }

    async fn create(&mut self) -> Result<(), Failure> {
        let at = self.region();
        let outcome = self.change(at, "CreateKey", &json!({"MultiRegion": true})).await?;
        if let Outcome::Done(reply) = outcome {
            let id = reply.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).unwrap_or_default();
            self.keys.push(KeyBook::new(id.to_owned(), at));
            self.tally.keys += 1;
        }
        Ok(())
    }

    async fn replicate(&mut self) -> Result<(), Failure> {
        let (index, at) = self.key();
        let to = self.region();
        let Some(id) = self.keys.get(index).map(|key| key.id.clone()) else { return Ok(()) };
        let input = json!({"KeyId": id, "ReplicaRegion": to});
        let outcome = self.change(at, "ReplicateKey", &input).await?;
        let Some(key) = self.keys.get_mut(index) else { return Ok(()) };
        match outcome {
            Outcome::Done(_) => {
                self.tally.replicas += 1;
                key.copies.insert(to);
            }
            Outcome::Unknown => drop(key.maybe.insert(to)),
            Outcome::Refused(_) => {}
        }
        Ok(())
    }

    async fn encrypt(&mut self) -> Result<(), Failure> {
        let (index, _) = self.key();
        let at = self.region();
        let plaintext = base64(&self.chance.bytes::<24>());
        let Some(key) = self.keys.get_mut(index) else { return Ok(()) };
        let input = json!({"KeyId": key.id, "Plaintext": plaintext});
        let outcome = self.installation.call(at, "Encrypt", &input).await?;
        if let Outcome::Done(reply) = &outcome {
            let blob = reply.get("CiphertextBlob").and_then(Value::as_str).unwrap_or_default().to_owned();
            key.ciphertexts.push(Ciphertext { blob, plaintext, made_in: at });
            self.tally.ciphertexts += 1;
        }
        self.note(at, "Encrypt", &input, &outcome);
        Ok(())
    }

    async fn decrypt(&mut self) -> Result<(), Failure> {
        let (index, _) = self.key();
        let at = self.region();
        let Some(key) = self.keys.get(index) else { return Ok(()) };
        let Some(ciphertext) = self.chance.pick(&key.ciphertexts).cloned() else { return Ok(()) };
        let input = json!({"KeyId": key.id, "CiphertextBlob": ciphertext.blob});
        let outcome = self.installation.call(at, "Decrypt", &input).await?;
        self.note(at, "Decrypt", &input, &outcome);
        match outcome {
            Outcome::Done(reply) if reply.get("Plaintext") == Some(&Value::String(ciphertext.plaintext)) => {
                Ok(())
            }
            Outcome::Refused(error) if error != "InvalidCiphertextException" => Ok(()),
            Outcome::Unknown => Ok(()),
            other @ (Outcome::Done(_) | Outcome::Refused(_)) => Err(Failure::Broken(format!(
                "a ciphertext of {} does not decrypt in {at}: {other:?}",
                ciphertext.made_in
            ))),
        }
    }

    async fn rotate(&mut self) -> Result<(), Failure> {
        let (index, at) = self.key();
        let Some(id) = self.keys.get(index).map(|key| key.id.clone()) else { return Ok(()) };
        let input = json!({"KeyId": id});
        let before = self.installation.call(at, "GetKeyRotationStatus", &input).await?;
        let outcome = self.change(at, "RotateKeyOnDemand", &input).await?;
        let Some(key) = self.keys.get_mut(index) else { return Ok(()) };
        // A repeat while one is under way is the same rotation.
        let idle =
            matches!(&before, Outcome::Done(status) if status.get("OnDemandRotationStartDate").is_none());
        match outcome {
            Outcome::Done(_) if idle => {
                self.tally.rotations += 1;
                key.rotations += 1;
            }
            Outcome::Done(_) | Outcome::Unknown => key.maybe_rotations += 1,
            Outcome::Refused(_) => {}
        }
        Ok(())
    }

    async fn promote(&mut self) -> Result<(), Failure> {
        let (index, at) = self.key();
        let to = self.region();
        let Some(id) = self.keys.get(index).map(|key| key.id.clone()) else { return Ok(()) };
        let input = json!({"KeyId": id, "PrimaryRegion": to});
        let outcome = self.change(at, "UpdatePrimaryRegion", &input).await?;
        if let (Outcome::Done(_), Some(key)) = (outcome, self.keys.get_mut(index)) {
            self.tally.promotions += 1;
            key.primary = to;
        }
        Ok(())
    }

    async fn schedule_deletion(&mut self) -> Result<(), Failure> {
        let (index, _) = self.key();
        let at = self.region();
        let Some(id) = self.keys.get(index).map(|key| key.id.clone()) else { return Ok(()) };
        // Longer than any proof runs: what is scheduled is cancelled, here or after healing.
        let input = json!({"KeyId": id, "PendingWindowInDays": 30});
        self.change(at, "ScheduleKeyDeletion", &input).await.map(drop)
    }

    async fn cancel_deletion(&mut self) -> Result<(), Failure> {
        let (index, _) = self.key();
        let Some(id) = self.keys.get(index).map(|key| key.id.clone()) else { return Ok(()) };
        let input = json!({"KeyId": id});
        for at in NAMES {
            if let Outcome::Done(_) = self.change(at, "CancelKeyDeletion", &input).await? {
                self.change(at, "EnableKey", &input).await?;
            }
        }
        Ok(())
    }
}
