//! Rotation of a key's material: new material waits (`stage`), then it encrypts (`make_current`); older materials stay and
//! decrypt for ever. The key, the material, the history, the turn among what is due and the record of it are one commit.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html>

use futures_util::future::join_all;
use keyreeve_crypto::open_key;
use keyreeve_crypto::secret::KeyMaterial;
use keyreeve_model::algorithm::Origin;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::{Due, KeyRecord, MaterialSlot};
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::rotation::{MaterialEntry, MaterialHistory, RotationType};
use keyreeve_model::timestamp::Timestamp;

use super::imported::refresh;
use super::material::material_id;
use super::material_history::ReadHistory;
use super::{AuthorizedKey, KeyAccess, KeyEntry};
use crate::audit::{Cause, Rotated, ServiceEvent};
use crate::desk::Desk;

/// A change of a key's materials that is being put together.
#[derive(Debug)]
pub(super) struct Rotation<'a> {
    entry: &'a KeyEntry,
    pub(super) record: KeyRecord,
    read: ReadHistory,
    /// Material that was generated and is not stored yet.
    generated: Option<(MaterialSlot, KeyMaterial)>,
}

/// The imported material that waits for its rotation, if it is here.
fn pending(record: &KeyRecord, history: &MaterialHistory) -> Option<MaterialId> {
    let id = record.pending_material?;
    let entry = history.find(Some(&id))?;
    entry.imported.as_ref().is_none_or(|imported| imported.present).then_some(id)
}

impl Rotation<'_> {
    /// Generates material and lets it wait: it decrypts, and does not encrypt yet.
    pub(super) fn stage(&mut self, now: Timestamp) -> Result<(), KmsError> {
        let arn = &self.entry.arn;
        let material = open_key::generate(self.record.spec).map_err(|_| KmsError::Internal)?;
        let id = material_id(arn, &self.record, &material)?.ok_or(KmsError::Internal)?;
        self.record.pending_material = Some(id);
        let entry = MaterialEntry { id: Some(id), created: now, rotated: None, imported: None };
        self.read.history.0.push(entry);
        self.generated = Some((MaterialSlot { key: arn.clone(), material: Some(id) }, material));
        Ok(())
    }

    /// Lets the waiting material encrypt from now on; answers the event that tells of it. `None` when there is none.
    pub(super) fn make_current(
        &mut self,
        kind: RotationType,
        now: Timestamp,
    ) -> Result<Option<ServiceEvent>, KmsError> {
        let Some(current) = pending(&self.record, &self.read.history) else { return Ok(None) };
        let record = &mut self.record;
        let previous = record.current_material.replace(current).ok_or(KmsError::Internal)?;
        record.pending_material = None;
        match kind {
            RotationType::OnDemand => record.on_demand.started = None,
            RotationType::Automatic => {
                record.rotation = record.rotation.map(|schedule| schedule.after_rotation(now));
            }
        }
        let entry = self.read.history.find_mut(Some(&current)).ok_or(KmsError::Internal)?;
        entry.rotated = Some((now, kind));
        if record.origin == Origin::External {
            // What waited could not be missed; from now on the key is not without it.
            refresh(record, &self.read.history);
        }
        let rotated = Rotated { kind, origin: record.origin, previous, current };
        Ok(Some(ServiceEvent::rotate_key(&self.entry.arn, now, &rotated)))
    }
}

impl KeyAccess {
    /// Begins a change of a key's materials.
    pub(super) async fn begin_rotation<'a>(&self, entry: &'a KeyEntry) -> Result<Rotation<'a>, KmsError> {
        let read = self.history(&entry.arn, &entry.record).await?;
        Ok(Rotation { entry, record: entry.record.clone(), read, generated: None })
    }

    /// Commits it. New material is read back from what was stored.
    pub(super) async fn commit_rotation(
        &self,
        rotation: Rotation<'_>,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let Rotation { entry, record, read, generated } = rotation;
        let mut draft = self.redraft_with_history(self.records.draft()?, entry, &record, &read).await?;
        if let Some((slot, material)) = &generated {
            draft = Self::put_material(draft, slot, &record, material, None)?;
        }
        self.commit_key(draft, entry, cause).await?;
        if let Some((slot, material)) = generated {
            self.verify_stored(&record, slot, &material).await?;
        }
        Ok(())
    }

    /// Rotates a key whose turn it is; answers whether it did.
    pub(super) async fn rotate(
        &self,
        entry: &KeyEntry,
        kind: RotationType,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        // A replica gets what its primary rotated.
        if entry.record.is_replica_in(&entry.arn.region) {
            return Ok(false);
        }
        if entry.record.origin != Origin::AwsKms {
            return self.activate(entry, kind, now).await;
        }
        let staged = self.stage_rotation(entry, now).await?;
        // Replicas get the new material before anybody encrypts with it (`multi_region/staged.rs`).
        if entry.record.has_replicas() {
            return Ok(staged);
        }
        let Some(entry) = self.entry(&entry.arn).await? else { return Ok(false) };
        match entry.record.next_due(&entry.arn.region).filter(|(when, _)| *when <= now) {
            Some((_, Due::Rotation(kind))) if entry.record.pending_material.is_some() => {
                self.activate(&entry, kind, now).await
            }
            // Another process did it, or the key changed.
            Some(_) | None => Ok(false),
        }
    }

    /// Lets new material wait, unless some does already.
    async fn stage_rotation(&self, entry: &KeyEntry, now: Timestamp) -> Result<bool, KmsError> {
        let handing_over =
            entry.record.multi_region.as_ref().is_some_and(|regions| regions.demoting.is_some());
        if entry.record.pending_material.is_some() || handing_over {
            return Ok(false);
        }
        let mut rotation = self.begin_rotation(entry).await?;
        rotation.stage(now)?;
        self.commit_rotation(rotation, Cause::Upkeep(now)).await?;
        Ok(true)
    }

    /// Lets material that waits encrypt: nothing does under what could not be read later.
    pub(super) async fn activate(
        &self,
        entry: &KeyEntry,
        kind: RotationType,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let mut rotation = self.begin_rotation(entry).await?;
        let Some(event) = rotation.make_current(kind, now)? else {
            return self.give_up(entry, now).await;
        };
        self.check_stored(entry, rotation.record.current_material).await?;
        self.commit_rotation(rotation, Cause::Event(&event)).await?;
        tracing::info!(key = %entry.arn, kind = %kind, "a key was rotated");
        Ok(true)
    }

    /// The imported material that was to become current is gone: what was asked for cannot be done.
    async fn give_up(&self, entry: &KeyEntry, now: Timestamp) -> Result<bool, KmsError> {
        let mut record = entry.record.clone();
        record.on_demand.started = None;
        record.on_demand.count = record.on_demand.count.saturating_sub(1);
        tracing::warn!(key = %entry.arn, "a key is not rotated: the material that waited for it is gone");
        self.replace(entry, &record, Cause::Upkeep(now)).await?;
        Ok(false)
    }

    /// All materials of a key, oldest first.
    pub(super) async fn materials_of(
        &self,
        arn: &KeyArn,
        record: &KeyRecord,
    ) -> Result<MaterialHistory, KmsError> {
        Ok(self.history(arn, record).await?.history)
    }
}

impl<O> AuthorizedKey<O> {
    /// Whether there is material that a rotation can make current: imported keys need it beforehand.
    ///
    /// # Errors
    /// [`KmsError::NothingPending`]; [`KmsError::Conflict`].
    pub(crate) async fn check_pending_material(&self, desk: &Desk<'_>) -> Result<(), KmsError> {
        if self.record().origin != Origin::External {
            return Ok(());
        }
        let history = desk.service.keys.materials_of(self.arn(), self.record()).await?;
        let nothing = || KmsError::NothingPending(self.arn().clone());
        let id = pending(self.record(), &history).ok_or_else(nothing)?;
        // Every Region must have it before any encrypts with it. One may have deleted it since it was asked last; of one
        // that is away counts what it said last.
        let replicas = self.record().multi_region.iter().flat_map(|regions| &regions.replicas);
        let asked = replicas.map(|replica| desk.service.push_now(self.arn(), &replica.region));
        join_all(asked).await.into_iter().collect::<Result<(), _>>()?;
        if desk.service.keys.lacks_import(self.entry(), Some(&id)).await? { Err(nothing()) } else { Ok(()) }
    }
}
