//! One random history: what chance draws, one step after the other. What the steps do is in `acts.rs` and `changes.rs`.

use std::time::Duration;

use serde_json::Value;

use super::installation::{Blow, Installation, NAMES, Outcome};
use super::ledger::KeyBook;
use super::links::Fate;
use super::tally::{Done, Tally};
use crate::chance::Chance;
use crate::failure::Failure;

/// Steps of a history.
const STEPS: usize = 24;
/// Keys that one history makes at most.
const KEYS_MAX: usize = 3;
/// Of a hundred steps, before how many all is mended, so that what follows can be carried out and not only be refused.
const MENDED: usize = 40;
/// Of a hundred changes, how many are asked of a Region that is not known as the primary.
const ASTRAY: usize = 10;
/// Of a hundred changes, during how many a process is killed.
const KILLED_CHANGES: usize = 12;
/// And during how many further ones a link is cut.
const CUT_CHANGES: usize = 24;
/// A process is killed, or a link cut, at most so long after a change was asked for.
const BLOW_AFTER_MS_MAX: usize = 120;
/// Bytes after which a link is torn: in the handshake of TLS, in a message, or in its answer.
const TORN_AFTER_MAX: usize = 12_000;
/// How long a link stands still.
const STALL: Duration = Duration::from_millis(700);

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Create,
    Replicate,
    Encrypt,
    Decrypt,
    Rotate,
    Import,
    Promote,
    Force,
    Pull,
    ScheduleDeletion,
    CancelDeletion,
    Week,
    Break,
    Kill,
    Restart,
}

/// Each as often as its weight says.
const WEIGHTS: &[(Kind, usize)] = &[
    (Kind::Create, 4),
    (Kind::Replicate, 15),
    (Kind::Encrypt, 16),
    (Kind::Decrypt, 12),
    (Kind::Rotate, 12),
    (Kind::Import, 8),
    (Kind::Promote, 15),
    (Kind::Force, 9),
    (Kind::Pull, 6),
    (Kind::ScheduleDeletion, 6),
    (Kind::CancelDeletion, 2),
    (Kind::Week, 3),
    (Kind::Break, 9),
    (Kind::Kill, 3),
    (Kind::Restart, 3),
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
        self.first_key().await?;
        for _ in 0..STEPS {
            if self.chance.percent(MENDED) {
                self.story.push("all is mended".to_owned());
                self.installation.heal()?;
            }
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
            Kind::Import => self.import().await,
            Kind::Promote => self.promote().await,
            Kind::Force => self.force().await,
            Kind::Pull => self.pull().await,
            Kind::ScheduleDeletion => self.schedule_deletion().await,
            Kind::CancelDeletion => self.cancel_deletion().await,
            Kind::Week => self.week(),
            Kind::Break => {
                self.break_link();
                Ok(())
            }
            Kind::Kill => {
                let victim = self.region();
                self.story.push(format!("kill {victim}"));
                self.tally.add_if(Done::Kills, self.installation.is_up(victim));
                self.installation.kill(victim)
            }
            Kind::Restart => NAMES.into_iter().try_for_each(|name| self.installation.restart(name)),
        }
    }

    pub(super) fn region(&mut self) -> &'static str {
        self.chance.pick(&NAMES).copied().unwrap_or_default()
    }

    /// A Region that has the key, mostly.
    pub(super) fn holder(&mut self, index: usize) -> &'static str {
        let having = self.keys.get(index).map(KeyBook::regions).unwrap_or_default();
        let holder = self.chance.pick(&having).copied();
        if self.chance.percent(ASTRAY) { self.region() } else { holder.unwrap_or_else(|| self.region()) }
    }

    /// A Region that is another one.
    pub(super) fn other(&mut self, than: &str) -> &'static str {
        let others: Vec<&'static str> = NAMES.into_iter().filter(|name| *name != than).collect();
        self.chance.pick(&others).copied().unwrap_or_default()
    }

    fn break_link(&mut self) {
        let from = self.region();
        let to = self.other(from);
        let bytes = self.chance.below(TORN_AFTER_MAX);
        let fate = match self.chance.below(6) {
            0 | 1 => Fate::Cut,
            2 => Fate::TornAsking(bytes),
            3 => Fate::TornAnswering(bytes),
            4 => Fate::Slow(Duration::from_millis(20)),
            _ => Fate::Stalled,
        };
        self.tally.add(Done::LinkFaults);
        self.story.push(format!("{from} to {to}: {fate:?}"));
        if fate == Fate::Stalled {
            self.installation.stall(from, to, STALL);
            return;
        }
        self.installation.set(from, to, fate);
        // Half of the cuts part two Regions in both directions.
        if fate == Fate::Cut && self.chance.percent(50) {
            self.installation.set(to, from, fate);
        }
    }

    /// One of the keys, and where its next change is asked for.
    pub(super) fn key(&mut self) -> (usize, &'static str) {
        let index = self.chance.below(self.keys.len());
        let primary = self.keys.get(index).map_or("", |key| key.primary.believed);
        let at = if self.chance.percent(ASTRAY) { self.region() } else { primary };
        (index, at)
    }

    /// Maybe something that happens in the middle of a change at `at` that concerns `to`.
    pub(super) fn blow(&mut self, at: &'static str, to: &'static str) -> Option<(Blow, Duration)> {
        let drawn = self.chance.below(100);
        let after = self.chance.below(BLOW_AFTER_MS_MAX);
        let blow = if drawn < KILLED_CHANGES {
            let victim = self.region();
            self.tally.add_if(Done::Kills, self.installation.is_up(victim));
            self.tally.add_if(Done::KillsInChange, self.installation.is_up(victim));
            Blow::Kill(victim)
        } else if drawn < KILLED_CHANGES + CUT_CHANGES {
            let other = if to == at { self.other(at) } else { to };
            self.tally.add(Done::LinkFaults);
            self.tally.add(Done::CutsInChange);
            match self.chance.below(4) {
                0 => Blow::Cut(at, other),
                1 => Blow::Cut(other, at),
                _ => Blow::Part(at, other),
            }
        } else {
            return None;
        };
        self.story.push(format!("{blow:?} {after} ms after this began:"));
        Some((blow, Duration::from_millis(u64::try_from(after).unwrap_or_default())))
    }

    /// A change that concerns `to`, in the middle of which something may happen.
    pub(super) async fn change(
        &mut self,
        (at, to): (&'static str, &'static str),
        operation: &str,
        input: &Value,
    ) -> Result<Outcome, Failure> {
        let outcome = match self.blow(at, to) {
            Some(blow) => self.installation.call_under(at, (operation, input), blow).await?,
            None => self.installation.call(at, operation, input).await?,
        };
        self.note(at, operation, input, &outcome);
        Ok(outcome)
    }

    /// Writes it into the story.
    pub(super) fn note(&mut self, at: &str, operation: &str, input: &Value, outcome: &Outcome) {
        let became = match outcome {
            Outcome::Done(_) => "done",
            Outcome::Refused(error) => {
                self.tally.add(Done::Refused);
                error
            }
            Outcome::Unknown => {
                self.tally.add(Done::Unknown);
                "nobody knows"
            }
        };
        let input: String = input.to_string().chars().take(160).collect();
        self.story.push(format!("{operation} in {at} {input}: {became}"));
    }
}
