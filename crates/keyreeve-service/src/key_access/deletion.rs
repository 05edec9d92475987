//! Deleting keys whose waiting period has passed. For callers they are gone at that moment (`KeyRecord::is_expired`);
//! here their rows go, the key's own last, so that a kill at any point leaves work that the next run finishes.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html>

use keyreeve_model::algorithm::KeyManager;
use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::MaterialSlot;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::Path;

use super::alias::AliasRecord;
use super::{KeyAccess, KeyEntry};
use crate::audit::{Cause, ServiceEvent};
use crate::records::{Draft, path};

/// Aliases removed in one commit: each costs two operations of the 96 that a store takes.
const ALIASES_PER_COMMIT: usize = 20;
/// Materials removed in one commit: each costs two operations.
const MATERIALS_PER_COMMIT: usize = 30;

impl KeyAccess {
    /// Deletes one key, if it is really due; a conflict leaves it to the next run.
    pub(super) async fn delete(
        &self,
        entry: &KeyEntry,
        due: &Path,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let arn = &entry.arn;
        // A replica that has what no other Region has waits until the primary took it in.
        if !entry.record.is_expired(now) || !Self::may_go(entry) {
            return Ok(false);
        }
        let event = ServiceEvent::delete_key(arn, now);
        match self.delete_rows(entry, due, &event, now).await {
            Ok(()) => {}
            Err(KmsError::Conflict) => return Ok(false),
            Err(error) => return Err(error),
        }
        if entry.record.manager == KeyManager::Customer {
            self.counts.adjust(&(arn.region.clone(), arn.account), -1);
        }
        tracing::info!(key = %arn, "a key was deleted");
        Ok(true)
    }

    async fn delete_rows(
        &self,
        entry: &KeyEntry,
        due: &Path,
        event: &ServiceEvent,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let arn = &entry.arn;
        let names = self.names_of(arn).await?.map(|row| row.value).unwrap_or_default();
        for batch in names.chunks(ALIASES_PER_COMMIT) {
            self.delete_aliases(arn, batch, now).await?;
        }
        self.delete_grants(arn, Cause::Upkeep(now)).await?;
        let slots = self.slots(arn).await?;
        let history = path::material_history(arn)?;
        let had_material = !slots.is_empty() || self.records.holds(&history).await?;
        let last = slots.len().saturating_sub(MATERIALS_PER_COMMIT);
        let (earlier, slots) = slots.split_at(last);
        for batch in earlier.chunks(MATERIALS_PER_COMMIT) {
            let draft = self.remove_materials(self.records.draft()?, batch).await?;
            self.records.commit(draft, Cause::Upkeep(now)).await?;
        }
        let mut draft = self.records.draft()?.delete(&path::key(arn)?, entry.stamp);
        let (owner, aliases) = (path::key_owner(&arn.region, arn.key_id)?, path::aliases_of(arn)?);
        let (used, materials_used) = (path::last_usage(arn)?, path::material_usage(arn)?);
        for place in [&owner, &aliases, &used, &materials_used, &history, due] {
            draft = self.records.remove(draft, place).await?;
        }
        draft = self.draft_end(draft, entry).await?;
        draft = self.remove_materials(draft, slots).await?;
        // A deployment that lives in memory has no older disk.
        if had_material && self.records.is_anchored() {
            draft = self.remember_deleted(draft, entry, now).await?;
        }
        let outcome = self.records.commit(draft, Cause::Event(event)).await;
        self.forget_key(arn);
        self.stir.notify_one();
        earlier.iter().chain(slots).for_each(|slot| self.forget_material(slot));
        outcome
    }

    async fn delete_aliases(
        &self,
        key: &KeyArn,
        names: &[AliasName],
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let mut draft = self.records.draft()?;
        let mut aliases = Vec::with_capacity(names.len());
        for name in names {
            let arn = AliasArn { region: key.region.clone(), account: key.account, name: name.clone() };
            let place = path::alias(&arn)?;
            match self.records.read::<AliasRecord>(&place).await {
                // An alias that was made anew for another key meanwhile is that key's.
                Ok(row) => {
                    if let Some(row) = row.filter(|row| row.value.target == key.key_id) {
                        draft = draft.delete(&place, row.stamp);
                        aliases.push(arn);
                    }
                }
                // Whose it is nobody knows; it keeps no key from going.
                Err(KmsError::Internal) => {}
                Err(error) => return Err(error),
            }
        }
        let outcome = self.records.commit(draft, Cause::Upkeep(now)).await;
        aliases.iter().for_each(|arn| self.aliases.forget(arn));
        outcome
    }

    async fn remove_materials(&self, mut draft: Draft, slots: &[MaterialSlot]) -> Result<Draft, KmsError> {
        for slot in slots {
            draft = self.records.remove(draft, &path::material(slot)?).await?;
        }
        Ok(draft)
    }
}
