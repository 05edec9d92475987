//! Steps of a history that use a key, and two that need several: a material that must be pulled, and a forced promotion.

use std::time::Duration;

use serde_json::{Value, json};

use super::deployment::base64;
use super::history::History;
use super::installation::{NAMES, Outcome};
use super::ledger::Ciphertext;
use super::links::Fate;
use super::tally::Done;
use crate::failure::Failure;

/// Longer than new material waits for a replica that does not answer.
const GRACE_SECONDS: i64 = 150;
/// How often, and after how long each time, it is looked whether new material encrypts.
const LOOKS: usize = 15;
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl History<'_> {
    pub(super) async fn encrypt(&mut self) -> Result<(), Failure> {
        let (index, _) = self.key();
        let at = self.holder(index);
        self.encrypt_at(index, at).await.map(drop)
    }

    /// Makes a ciphertext; whether there was an answer.
    pub(super) async fn encrypt_at(&mut self, index: usize, at: &'static str) -> Result<bool, Failure> {
        let drawn = base64(&self.chance.bytes::<24>());
        let Some(key) = self.keys.get_mut(index) else { return Ok(false) };
        // GenerateDataKey says under which material.
        let (operation, input) = if key.imported.is_some() {
            ("GenerateDataKey", json!({"KeyId": key.id, "NumberOfBytes": 24}))
        } else {
            ("Encrypt", json!({"KeyId": key.id, "Plaintext": drawn}))
        };
        let outcome = self.installation.call(at, operation, &input).await?;
        let done = matches!(outcome, Outcome::Done(_));
        if let Outcome::Done(reply) = &outcome {
            let text = |name: &str| reply.get(name).and_then(Value::as_str).map(str::to_owned);
            key.ciphertexts.push(Ciphertext {
                blob: text("CiphertextBlob").unwrap_or_default(),
                plaintext: text("Plaintext").unwrap_or(drawn),
                made_in: at,
                material: text("KeyMaterialId"),
            });
            self.tally.add(Done::Ciphertexts);
        }
        self.note(at, operation, &input, &outcome);
        Ok(done)
    }

    pub(super) async fn decrypt(&mut self) -> Result<(), Failure> {
        let (index, _) = self.key();
        let at = self.holder(index);
        let Some(key) = self.keys.get(index) else { return Ok(()) };
        let Some(ciphertext) = self.chance.pick(&key.ciphertexts).cloned() else { return Ok(()) };
        self.decrypt_at(index, at, &ciphertext).await.map(drop)
    }

    /// Whether it was decrypted. A Region may not be able to now, and must not say that the ciphertext is none.
    async fn decrypt_at(
        &mut self,
        index: usize,
        at: &'static str,
        ciphertext: &Ciphertext,
    ) -> Result<bool, Failure> {
        let Some(key) = self.keys.get(index) else { return Ok(false) };
        // Imported material does not cross, nor can anybody be asked for it.
        let crosses = key.imported.is_none();
        let input = json!({"KeyId": key.id, "CiphertextBlob": ciphertext.blob});
        let outcome = self.installation.call(at, "Decrypt", &input).await?;
        self.note(at, "Decrypt", &input, &outcome);
        match outcome {
            Outcome::Done(reply) if reply.get("Plaintext") == Some(&json!(ciphertext.plaintext)) => Ok(true),
            Outcome::Refused(error) if error != "InvalidCiphertextException" || !crosses => Ok(false),
            Outcome::Unknown => Ok(false),
            other @ (Outcome::Done(_) | Outcome::Refused(_)) => Err(Failure::Broken(format!(
                "a ciphertext of {} does not decrypt in {at}: {other:?}",
                ciphertext.made_in
            ))),
        }
    }

    /// A replica that hears nothing from its primary, and can ask it: what the primary encrypts with next must be pulled.
    pub(super) async fn pull(&mut self) -> Result<(), Failure> {
        let generated = |index: &usize| self.keys.get(*index).is_some_and(|key| key.imported.is_none());
        let generated: Vec<usize> = (0..self.keys.len()).filter(generated).collect();
        let Some(index) = self.chance.pick(&generated).copied() else { return Ok(()) };
        self.installation.heal()?;
        self.installation.pass(GRACE_SECONDS)?;
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(key) = self.keys.get(index) else { return Ok(()) };
        let (input, having) = (json!({"KeyId": key.id}), key.regions());
        let Some(any) = having.first().copied() else { return Ok(()) };
        let told = self.installation.call(any, "DescribeKey", &input).await?;
        let Some(primary) = primary_in(&told) else { return Ok(()) };
        let replicas: Vec<_> = having.into_iter().filter(|name| *name != primary).collect();
        let Some(deaf) = self.chance.pick(&replicas).copied() else { return Ok(()) };
        self.story.push(format!("{primary} to {deaf}: Cut, and all else is mended"));
        self.tally.add(Done::LinkFaults);
        self.installation.set(primary, deaf, Fate::Cut);
        let current = |outcome: Outcome| match outcome {
            Outcome::Done(reply) => reply.pointer("/KeyMetadata/CurrentKeyMaterialId").cloned(),
            Outcome::Refused(_) | Outcome::Unknown => None,
        };
        let before = current(self.installation.call(primary, "DescribeKey", &input).await?);
        let outcome = self.installation.call(primary, "RotateKeyOnDemand", &input).await?;
        self.note(primary, "RotateKeyOnDemand", &input, &outcome);
        // Another one may be under way.
        if !self.rotated(index, false, &outcome) {
            return Ok(());
        }
        for look in 0..LOOKS {
            tokio::time::sleep(LOOK_EVERY).await;
            if current(self.installation.call(primary, "DescribeKey", &input).await?) != before {
                break;
            }
            if look % 5 == 2 {
                self.installation.pass(GRACE_SECONDS)?;
            }
        }
        if !self.encrypt_at(index, primary).await? {
            return Ok(());
        }
        let Some(newest) = self.keys.get(index).and_then(|key| key.ciphertexts.last()).cloned() else {
            return Ok(());
        };
        let there = current(self.installation.call(deaf, "DescribeKey", &input).await?);
        let now = current(self.installation.call(primary, "DescribeKey", &input).await?);
        let pulled = self.decrypt_at(index, deaf, &newest).await?;
        self.tally.add_if(Done::Pulls, pulled && now != before && now.is_some() && there == before);
        Ok(())
    }

    /// The primary is dead, cut off, or only believed to be; two operators promote a replica. The old one goes on meanwhile.
    pub(super) async fn force(&mut self) -> Result<(), Failure> {
        let index = self.chance.below(self.keys.len());
        let Some(key) = self.keys.get(index) else { return Ok(()) };
        let (id, mut having) = (key.id.clone(), key.regions());
        having.retain(|name| self.installation.is_up(name));
        let Some(to) = self.chance.pick(&having).copied() else { return Ok(()) };
        let input = json!({"KeyId": id});
        let told = self.installation.call(to, "DescribeKey", &input).await?;
        let Some(lost) = primary_in(&told).filter(|name| *name != to) else { return Ok(()) };
        let unmade = self.unmade(index).await?;
        // How it is lost.
        let how = match self.chance.below(10) {
            0..4 => {
                self.tally.add_if(Done::Kills, self.installation.is_up(lost));
                self.installation.kill(lost)?;
                Done::ForcedDead
            }
            4..8 => {
                self.installation.restart(lost)?;
                self.tally.add(Done::LinkFaults);
                self.installation.cut_off(lost);
                Done::ForcedCutOff
            }
            _ => Done::ForcedBeside,
        };
        self.installation.disturbed = true;
        let forced = self.installation.force_promote(to, &id, lost)?;
        self.story.push(format!("{how:?}: {to} in place of {lost} for {id}: {forced:?}"));
        let Some(key) = self.keys.get_mut(index) else { return Ok(()) };
        if forced.is_err() {
            self.tally.add(Done::ForcedRefused);
            return Ok(());
        }
        self.tally.add(Done::Forced);
        self.tally.add(how);
        key.primary.forced(lost, to);
        key.ever_forced = true;
        unmade.into_iter().for_each(|name| key.is_unmade(name));
        self.both_go_on(index, lost, to, how).await
    }

    /// Where a copy was acknowledged and does not answer: only its primary knows how to make it.
    async fn unmade(&mut self, index: usize) -> Result<Vec<&'static str>, Failure> {
        let Some(key) = self.keys.get(index) else { return Ok(Vec::new()) };
        let (input, mut unmade) = (json!({"KeyId": key.id}), Vec::new());
        for name in key.regions() {
            if !matches!(self.installation.call(name, "DescribeKey", &input).await?, Outcome::Done(_)) {
                unmade.push(name);
            }
        }
        Ok(unmade)
    }

    async fn both_go_on(
        &mut self,
        index: usize,
        old: &'static str,
        new: &'static str,
        how: Done,
    ) -> Result<(), Failure> {
        for _ in 0..=self.chance.below(4) {
            let at = if self.chance.percent(60) { old } else { new };
            let done = match self.chance.below(5) {
                0 | 1 => self.encrypt_at(index, at).await?,
                2 | 3 => self.rotate_at(index, at).await?,
                _ => {
                    let third = NAMES.into_iter().find(|name| *name != old && *name != new).unwrap_or(old);
                    self.replicate_to(index, at, third).await?;
                    false
                }
            };
            self.tally.add_if(Done::ChangedMeanwhile, done && at == old && how == Done::ForcedCutOff);
        }
        if self.chance.percent(40) {
            self.story.push("the lost one returns".to_owned());
            self.installation.heal()?;
        }
        Ok(())
    }
}

/// Where the primary is, as DescribeKey answers.
fn primary_in(outcome: &Outcome) -> Option<&'static str> {
    let Outcome::Done(reply) = outcome else { return None };
    let primary = reply.pointer("/KeyMetadata/MultiRegionConfiguration/PrimaryKey/Region")?.as_str()?;
    NAMES.into_iter().find(|name| *name == primary)
}
