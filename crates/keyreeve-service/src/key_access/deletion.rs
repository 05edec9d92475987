//! Deleting keys whose waiting period has passed. For callers they are gone at that moment (`KeyRecord::is_expired`);
//! here their rows go, the key's own last, so that a kill at any point leaves work that the next run finishes.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html>

use keyreeve_model::algorithm::KeyManager;
use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::Path;

use super::alias::AliasRecord;
use super::material::current_slot;
use super::{KeyAccess, KeyEntry};
use crate::audit::{Cause, ServiceEvent};
use crate::records::{Draft, path};

/// Keys looked at in one page.
const PAGE: usize = 100;
/// Aliases removed in one commit: each costs two operations of the 96 that a store takes.
const ALIASES_PER_COMMIT: usize = 20;

impl KeyAccess {
    /// Keeps the list of due deletions in step with a key's row.
    pub(super) async fn reschedule(
        &self,
        draft: Draft,
        arn: &KeyArn,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    ) -> Result<Draft, KmsError> {
        let draft = match before {
            Some(when) => self.remove_row::<()>(draft, &path::due(arn, when)?).await?,
            None => draft,
        };
        match after {
            Some(when) => draft.put(&path::due(arn, when)?, None, &()),
            None => Ok(draft),
        }
    }

    /// Deletes every key that is due; answers how many.
    pub(crate) async fn delete_expired(&self, now: Timestamp) -> Result<usize, KmsError> {
        let (mut after, mut deleted) = (None, 0);
        loop {
            let page = self.records.page::<()>(path::DUE_PREFIX, after.as_ref(), PAGE).await?;
            for (place, ()) in &page.rows {
                let Some((arn, when)) = path::due_key(place) else { continue };
                if when > now {
                    continue;
                }
                match self.delete(&arn, place, now).await {
                    Ok(true) => deleted += 1,
                    // A damaged key stays, named in the log, and keeps no other from being deleted.
                    Ok(false) | Err(KmsError::Internal) => {}
                    Err(error) => return Err(error),
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(deleted),
            }
        }
    }

    /// Deletes one key, if it is really due; a conflict leaves it to the next run.
    async fn delete(&self, arn: &KeyArn, due: &Path, now: Timestamp) -> Result<bool, KmsError> {
        let Some(entry) = self.entry(arn).await?.filter(|entry| entry.record.is_expired(now)) else {
            return Ok(false);
        };
        let event = ServiceEvent::delete_key(arn, now);
        match self.delete_rows(&entry, due, &event, now).await {
            Ok(()) => {}
            Err(KmsError::Conflict) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.materials.remove(&current_slot(arn, &entry.record));
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
        let mut draft = self.records.draft()?.delete(&path::key(arn)?, entry.stamp);
        draft =
            self.remove_row::<serde_json::Value>(draft, &path::key_owner(&arn.region, arn.key_id)?).await?;
        draft = self.remove_row::<serde_json::Value>(draft, &path::aliases_of(arn)?).await?;
        draft = self.remove_row::<serde_json::Value>(draft, &path::last_usage(arn)?).await?;
        draft = self.remove_row::<()>(draft, due).await?;
        draft = self.remove_material(draft, entry).await?;
        let outcome = self.records.commit(draft, Cause::Event(event)).await;
        self.forget_key(arn);
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
            // An alias that was made anew for another key meanwhile is that key's.
            if let Some(row) =
                self.records.read::<AliasRecord>(&place).await?.filter(|row| row.value.target == key.key_id)
            {
                draft = draft.delete(&place, row.stamp);
                aliases.push(arn);
            }
        }
        let outcome = self.records.commit(draft, Cause::Upkeep(now)).await;
        aliases.iter().for_each(|arn| self.aliases.forget(arn));
        outcome
    }

    async fn remove_material(&self, draft: Draft, entry: &KeyEntry) -> Result<Draft, KmsError> {
        let place = path::material(&current_slot(&entry.arn, &entry.record))?;
        Ok(match self.records.read_bytes(&place).await? {
            Some(row) => draft.delete(&place, row.stamp),
            None => draft,
        })
    }

    pub(super) async fn remove_row<T: serde::de::DeserializeOwned>(
        &self,
        draft: Draft,
        place: &Path,
    ) -> Result<Draft, KmsError> {
        Ok(match self.records.read::<T>(place).await? {
            Some(row) => draft.delete(place, row.stamp),
            None => draft,
        })
    }
}
