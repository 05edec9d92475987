//! Importing material, deleting it, and its expiry: row, history and bytes in one commit, and read back before an import
//! is acknowledged.

use keyreeve_crypto::import::{MaterialIdentity, identify};
use keyreeve_crypto::secret::KeyMaterial;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::{KeyRecord, MaterialSlot};
use keyreeve_model::key_spec::KeyClass;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::timestamp::Timestamp;

use super::imported::{ImportTerms, KeyAndHistory};
use super::material::binding;
use super::material_history::ReadHistory;
use super::{AuthorizedKey, KeyAccess, KeyEntry};
use crate::audit::{Cause, ServiceEvent};
use crate::desk::Desk;
use crate::records::{Draft, Stamp, path};

/// Material that was unwrapped and checked.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) material: KeyMaterial,
    pub(crate) identity: MaterialIdentity,
    pub(crate) terms: ImportTerms,
}

impl<O> AuthorizedKey<O> {
    /// Imports material; answers its id, if it has one.
    pub(crate) async fn import(
        &self,
        desk: &Desk<'_>,
        import: &Import,
    ) -> Result<Option<MaterialId>, KmsError> {
        desk.service.keys.import(self.entry(), import, desk).await?;
        Ok(import.identity.id())
    }

    /// Deletes the bytes of a material, by default of the current one; answers its id, if it has one.
    pub(crate) async fn delete_material(
        &self,
        desk: &Desk<'_>,
        id: Option<MaterialId>,
    ) -> Result<Option<MaterialId>, KmsError> {
        desk.service.keys.delete_material(self.entry(), id, Cause::Request(desk)).await
    }
}

impl KeyAccess {
    async fn import(&self, entry: &KeyEntry, import: &Import, desk: &Desk<'_>) -> Result<(), KmsError> {
        let (mut after, stamp) = self.key_and_history(entry).await?;
        let missing = after.import(&entry.arn, &import.identity, &import.terms, desk.now)?;
        let slot = MaterialSlot { key: entry.arn.clone(), material: import.identity.id() };
        let mut draft = self.records.draft()?;
        let before = self.records.read_bytes(&path::material(&slot)?).await?;
        // What was imported before is stored again if its bytes are not what they were.
        let stored = before.as_ref().filter(|_| !missing).is_some_and(|row| {
            let unwrapped =
                self.records.keyring().unwrap_material(&row.value, &binding(&slot, &after.record));
            unwrapped.is_ok_and(|unwrapped| unwrapped.ct_eq(&import.material))
        });
        if !stored {
            let before = before.map(|row| row.stamp);
            draft = Self::put_material(draft, &slot, &after.record, &import.material, before)?;
        }
        let draft = self.redraft_imported(draft, entry, &after, stamp).await?;
        self.commit_key(draft, entry, Cause::Request(desk)).await?;
        let lost = !stored && !self.is_stored(&after.record, &slot, &import.material).await?;
        if lost && self.has_imported(&slot).await? {
            tracing::error!(key = %entry.arn, "imported key material was not stored: it is not acknowledged");
            return Err(KmsError::Internal);
        }
        Ok(())
    }

    /// Whether an imported material should be here: another request may have deleted it.
    async fn has_imported(&self, slot: &MaterialSlot) -> Result<bool, KmsError> {
        let Some(entry) = self.entry(&slot.key).await? else { return Ok(false) };
        let history = self.history(&slot.key, &entry.record).await?.history;
        let imported = history.find(slot.material.as_ref()).and_then(|entry| entry.imported.as_ref());
        Ok(imported.is_some_and(|imported| imported.present))
    }

    async fn delete_material(
        &self,
        entry: &KeyEntry,
        id: Option<MaterialId>,
        cause: Cause<'_>,
    ) -> Result<Option<MaterialId>, KmsError> {
        let (mut after, stamp) = self.key_and_history(entry).await?;
        let meant = id.or(entry.record.current_material);
        if let Some(id) = id.filter(|id| after.history.find(Some(id)).is_none()) {
            return Err(KmsError::MaterialNotFound(entry.arn.clone(), id));
        }
        if after.remove(&entry.arn, meant.as_ref()) {
            self.commit_without(entry, meant, &after, stamp, cause).await?;
        }
        Ok(meant)
    }

    /// Deletes what has expired of the key's materials; answers whether something had. Each has a record of its own.
    pub(super) async fn expire_materials(&self, arn: &KeyArn, now: Timestamp) -> Result<bool, KmsError> {
        let mut done = false;
        while let Some(entry) = self.entry(arn).await? {
            let (mut after, stamp) = self.key_and_history(&entry).await?;
            let Some(id) = after.expired(now).filter(|id| after.remove(arn, id.as_ref())) else { break };
            let event = ServiceEvent::delete_expired_key_material(arn, id, now);
            self.commit_without(&entry, id, &after, stamp, Cause::Event(&event)).await?;
            tracing::info!(key = %arn, "imported key material has expired and was deleted");
            done = true;
        }
        Ok(done)
    }

    async fn commit_without(
        &self,
        entry: &KeyEntry,
        id: Option<MaterialId>,
        after: &KeyAndHistory,
        stamp: Option<Stamp>,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let slot = MaterialSlot { key: entry.arn.clone(), material: id };
        let draft = self.remove_material(self.records.draft()?, &slot).await?;
        let draft = self.redraft_imported(draft, entry, after, stamp).await?;
        let outcome = self.commit_key(draft, entry, cause).await;
        self.forget_material(&slot);
        outcome
    }

    /// Deletes the bytes of a material, if they are here. No cache holds it any more once [`Self::forget_material`] was
    /// called after the commit.
    pub(super) async fn remove_material(&self, draft: Draft, slot: &MaterialSlot) -> Result<Draft, KmsError> {
        let place = path::material(slot)?;
        Ok(match self.records.read_bytes(&place).await? {
            Some(row) => draft.delete(&place, row.stamp),
            None => draft,
        })
    }

    async fn redraft_imported(
        &self,
        draft: Draft,
        entry: &KeyEntry,
        after: &KeyAndHistory,
        stamp: Option<Stamp>,
    ) -> Result<Draft, KmsError> {
        let read = ReadHistory { history: after.history.clone(), stamp };
        self.redraft_with_history(draft, entry, &after.record, &read).await
    }

    /// The key with its history, in which every material that has no id has its fingerprint.
    async fn key_and_history(&self, entry: &KeyEntry) -> Result<(KeyAndHistory, Option<Stamp>), KmsError> {
        let ReadHistory { mut history, stamp } = self.history(&entry.arn, &entry.record).await?;
        if entry.record.spec.row().class != KeyClass::Symmetric
            && let Some(imported) = history.0.first_mut().and_then(|first| first.imported.as_mut())
            && imported.present
            && imported.fingerprint.is_none()
        {
            imported.fingerprint = Some(self.stored_fingerprint(&entry.arn, &entry.record).await?);
        }
        Ok((KeyAndHistory { record: entry.record.clone(), history }, stamp))
    }

    /// Of material that came in another way than by an import.
    async fn stored_fingerprint(&self, arn: &KeyArn, record: &KeyRecord) -> Result<String, KmsError> {
        let slot = MaterialSlot { key: arn.clone(), material: None };
        let row = self.records.read_bytes(&path::material(&slot)?).await?.ok_or(KmsError::Internal)?;
        let material = self.records.keyring().unwrap_material(&row.value, &binding(&slot, record));
        let identity = material.and_then(|material| identify(record.spec, arn.key_id, &material));
        match identity.map_err(|_| KmsError::Internal)? {
            MaterialIdentity::Fingerprint(text) => Ok(text),
            MaterialIdentity::Id(_) => Err(KmsError::Internal),
        }
    }
}
