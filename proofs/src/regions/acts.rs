//! Steps of a history that change a key: each books what was acknowledged, refused, or may have been done.

use std::time::Duration;

use serde_json::{Value, json};

use super::history::History;
use super::imports::{self, Import};
use super::installation::{NAMES, Outcome};
use super::ledger::KeyBook;
use super::tally::Done;
use crate::failure::Failure;

/// Of a hundred keys, how many take imported material.
const IMPORTED: usize = 25;
/// Of a hundred deletions, how many are asked for in a Region that has a replica.
const OF_REPLICAS: usize = 75;
/// Seconds. Longer than any waiting period that is asked for, and than domain keys serve.
const WEEK: i64 = 8 * 24 * 3600;
/// Of a hundred deletions that were scheduled, how many are carried out before anything else happens.
const WEEK_AFTER_SCHEDULE: usize = 35;
/// Of a hundred of those of replicas, after how many one is made again in the same Region.
const MADE_AGAIN: usize = 60;
/// How often, and after how long each time, it is looked whether the primary knows that a replica is gone.
const LOOKS: usize = 15;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Of a hundred promotions, before how many all is mended.
const MENDED_PROMOTIONS: usize = 50;
/// The shortest that AWS allows.
const WINDOW_DAYS: u64 = 7;

/// Whether an answer to DescribeKey lists a replica in a Region. No answer does.
fn lists(told: &Outcome, region: &str) -> bool {
    let Outcome::Done(reply) = told else { return false };
    let replicas = reply.pointer("/KeyMetadata/MultiRegionConfiguration/ReplicaKeys");
    replicas
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .any(|replica| replica.get("Region").and_then(Value::as_str) == Some(region))
}

impl History<'_> {
    /// The key that every history begins with, mostly with replicas.
    pub(super) async fn first_key(&mut self) -> Result<(), Failure> {
        while self.keys.is_empty() {
            self.installation.heal()?;
            self.create().await?;
        }
        for to in NAMES {
            let Some(at) = self.keys.first().map(|key| key.primary.believed) else { return Ok(()) };
            if to != at && self.chance.percent(80) {
                self.replicate_to(0, at, to).await?;
            }
        }
        let at = self.holder(0);
        self.encrypt_at(0, at).await?;
        Ok(())
    }

    pub(super) async fn create(&mut self) -> Result<(), Failure> {
        let (at, imported) = (self.region(), self.chance.percent(IMPORTED));
        let origin = if imported { "EXTERNAL" } else { "AWS_KMS" };
        let input = json!({"MultiRegion": true, "Origin": origin});
        let outcome = self.change((at, at), "CreateKey", &input).await?;
        if let Outcome::Done(reply) = outcome {
            let id = reply.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).unwrap_or_default();
            self.story.push(format!("that is {id}"));
            self.keys.push(KeyBook::new(id.to_owned(), at, imported));
            self.tally.add(Done::Keys);
            self.tally.add_if(Done::ImportedKeys, imported);
            if imported {
                self.import_into(self.keys.len() - 1, at, true).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn replicate(&mut self) -> Result<(), Failure> {
        let (index, at) = self.key();
        let to = self.other(at);
        self.replicate_to(index, at, to).await
    }

    pub(super) async fn replicate_to(
        &mut self,
        index: usize,
        at: &'static str,
        to: &'static str,
    ) -> Result<(), Failure> {
        let Some(id) = self.keys.get(index).map(|key| key.id.clone()) else { return Ok(()) };
        let input = json!({"KeyId": id, "ReplicaRegion": to});
        let outcome = self.change((at, to), "ReplicateKey", &input).await?;
        let Some(key) = self.keys.get_mut(index) else { return Ok(()) };
        match outcome {
            Outcome::Done(_) => {
                self.tally.add(Done::Replicas);
                self.tally.add_if(Done::MadeAgain, key.must_be_gone(to));
                // One of two primaries may have promised it.
                key.replicated(to, !key.primary.forced);
            }
            Outcome::Unknown => key.replicated(to, false),
            Outcome::Refused(_) => {}
        }
        Ok(())
    }

    pub(super) async fn rotate(&mut self) -> Result<(), Failure> {
        let (index, at) = self.key();
        self.rotate_at(index, at).await.map(drop)
    }

    /// Whether it was acknowledged.
    pub(super) async fn rotate_at(&mut self, index: usize, at: &'static str) -> Result<bool, Failure> {
        let Some(id) = self.keys.get(index).map(|key| key.id.clone()) else { return Ok(false) };
        let input = json!({"KeyId": id});
        let before = self.installation.call(at, "GetKeyRotationStatus", &input).await?;
        // A repeat while one is under way is the same rotation.
        let idle =
            matches!(&before, Outcome::Done(status) if status.get("OnDemandRotationStartDate").is_none());
        let outcome = self.change((at, at), "RotateKeyOnDemand", &input).await?;
        Ok(self.rotated(index, idle, &outcome))
    }

    /// Books a rotation; whether it was acknowledged. `new` where none was under way.
    pub(super) fn rotated(&mut self, index: usize, new: bool, outcome: &Outcome) -> bool {
        let Some(key) = self.keys.get_mut(index) else { return false };
        match outcome {
            Outcome::Done(_) if new => {
                self.tally.add(Done::Rotations);
                key.rotations += 1;
            }
            Outcome::Done(_) | Outcome::Unknown => key.maybe_rotations += 1,
            Outcome::Refused(_) => {}
        }
        matches!(outcome, Outcome::Done(_))
    }

    /// A further material for the primary of a key with imported material, or what it has for a replica that lacks it.
    pub(super) async fn import(&mut self) -> Result<(), Failure> {
        let imported: Vec<usize> = (0..self.keys.len())
            .filter(|index| self.keys.get(*index).is_some_and(|key| key.imported.is_some()))
            .collect();
        let Some(index) = self.chance.pick(&imported).copied() else { return self.rotate().await };
        let primary = self.keys.get(index).map_or("", |key| key.primary.believed);
        let new = self.chance.percent(50);
        if new {
            self.import_into(index, primary, true).await?;
        }
        // A rotation wants it in every Region.
        for at in NAMES {
            if at != primary && (new || self.chance.percent(70)) {
                self.import_into(index, at, false).await?;
            }
        }
        if new && self.chance.percent(60) {
            self.rotate_at(index, primary).await?;
        }
        Ok(())
    }

    /// Imports a new material, or the newest that the key was given.
    async fn import_into(&mut self, index: usize, at: &'static str, new: bool) -> Result<(), Failure> {
        let blow = self.blow(at, at);
        let material = self.chance.bytes::<32>();
        let Some(key) = self.keys.get_mut(index) else { return Ok(()) };
        let new = new || key.imported.iter().any(Vec::is_empty);
        let material =
            if new { material } else { *key.imported.iter().flatten().last().unwrap_or(&material) };
        let outcome =
            imports::import(self.installation, key, Import { at, material: &material, new }, blow).await?;
        let kept = !matches!(outcome, Outcome::Refused(_));
        key.imported.iter_mut().filter(|_| kept && new).for_each(|all| all.push(material));
        let said = json!({"KeyId": key.id, "New": new});
        self.tally.add_if(Done::Imports, matches!(outcome, Outcome::Done(_)));
        self.note(at, "ImportKeyMaterial", &said, &outcome);
        Ok(())
    }

    pub(super) async fn promote(&mut self) -> Result<(), Failure> {
        if self.chance.percent(MENDED_PROMOTIONS) {
            self.story.push("all is mended".to_owned());
            self.installation.heal()?;
        }
        let (index, at) = self.key();
        let Some(key) = self.keys.get(index) else { return Ok(()) };
        // Mostly to a Region that has the key.
        let (id, having) = (key.id.clone(), key.regions());
        let having: Vec<_> = having.into_iter().filter(|name| *name != at).collect();
        let to = match self.chance.pick(&having) {
            Some(to) => *to,
            None => self.other(at),
        };
        self.promote_at(index, &id, (at, to)).await.map(drop)
    }

    /// Whether it was acknowledged.
    pub(super) async fn promote_at(
        &mut self,
        index: usize,
        id: &str,
        (at, to): (&'static str, &'static str),
    ) -> Result<bool, Failure> {
        let input = json!({"KeyId": id, "PrimaryRegion": to});
        let outcome = self.change((at, to), "UpdatePrimaryRegion", &input).await?;
        let Some(key) = self.keys.get_mut(index) else { return Ok(false) };
        let done = matches!(outcome, Outcome::Done(_));
        match outcome {
            Outcome::Done(_) => {
                self.tally.add(Done::Promotions);
                key.primary.promoted(at, to);
            }
            Outcome::Unknown => {
                self.tally.add(Done::PromotionsUnknown);
                key.primary.maybe_promoted(to);
            }
            Outcome::Refused(_) => self.tally.add(Done::PromotionsRefused),
        }
        Ok(done)
    }

    pub(super) async fn schedule_deletion(&mut self) -> Result<(), Failure> {
        let (index, primary) = self.key();
        let Some(key) = self.keys.get(index) else { return Ok(()) };
        let (id, having) = (key.id.clone(), key.regions());
        let replicas: Vec<_> = having.into_iter().filter(|name| *name != primary).collect();
        let at = match self.chance.pick(&replicas) {
            Some(replica) if self.chance.percent(OF_REPLICAS) => *replica,
            Some(_) | None => primary,
        };
        let input = json!({"KeyId": id, "PendingWindowInDays": WINDOW_DAYS});
        let outcome = self.change((at, primary), "ScheduleKeyDeletion", &input).await?;
        let Some(key) = self.keys.get_mut(index) else { return Ok(()) };
        match outcome {
            Outcome::Done(reply) => {
                self.tally.add(Done::Deletions);
                // A primary that has replicas does not begin to wait yet.
                key.doom(at, reply.get("KeyState") == Some(&json!("PendingDeletion")));
            }
            Outcome::Unknown => key.doom(at, false),
            Outcome::Refused(_) => return Ok(()),
        }
        if !self.chance.percent(WEEK_AFTER_SCHEDULE) {
            return Ok(());
        }
        self.week()?;
        if at != primary && self.chance.percent(MADE_AGAIN) {
            return self.make_again(index, primary, at).await;
        }
        Ok(())
    }

    /// A replica where one is just being deleted.
    async fn make_again(
        &mut self,
        index: usize,
        primary: &'static str,
        at: &'static str,
    ) -> Result<(), Failure> {
        self.story.push("all is mended".to_owned());
        self.installation.heal()?;
        let Some(input) = self.keys.get(index).map(|key| json!({"KeyId": key.id})) else { return Ok(()) };
        for _ in 0..LOOKS {
            let told = self.installation.call(primary, "DescribeKey", &input).await?;
            if !lists(&told, at) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.replicate_to(index, primary, at).await
    }

    pub(super) async fn cancel_deletion(&mut self) -> Result<(), Failure> {
        let (index, _) = self.key();
        let Some(id) = self.keys.get(index).map(|key| key.id.clone()) else { return Ok(()) };
        let input = json!({"KeyId": id});
        for at in NAMES {
            let outcome = self.change((at, at), "CancelKeyDeletion", &input).await?;
            let Some(key) = self.keys.get_mut(index) else { return Ok(()) };
            match outcome {
                Outcome::Done(_) => {
                    key.spared(at, true);
                    self.change((at, at), "EnableKey", &input).await?;
                }
                Outcome::Unknown => key.spared(at, false),
                Outcome::Refused(_) => {}
            }
        }
        Ok(())
    }

    /// Waiting periods end.
    pub(super) fn week(&mut self) -> Result<(), Failure> {
        self.story.push("a week passes".to_owned());
        self.tally.add(Done::Weeks);
        self.keys.iter_mut().for_each(KeyBook::week_passed);
        self.installation.pass(WEEK)
    }
}
