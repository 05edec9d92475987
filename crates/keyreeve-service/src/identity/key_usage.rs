//! When and where access keys last signed: kept in memory, written behind, read by GetAccessKeyLastUsed.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyLastUsed.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::Identity;
use crate::audit::Cause;
use crate::records::{Draft, path};
use crate::usage::Uses;

/// How often last uses are written again when their rows change at the same moment.
const ATTEMPTS_MAX: usize = 4;
/// Access keys in one commit: each costs three operations of the 96 that a store takes.
pub(crate) const KEY_USES_PER_COMMIT: usize = 30;

/// A use of an access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyUse {
    pub(crate) at: Timestamp,
    /// `kms`, `iam`, `sts`.
    pub(crate) service: String,
    pub(crate) region: String,
}

impl Uses for KeyUse {
    type Use = Self;

    fn first(used: Self) -> Self {
        used
    }

    fn add(&mut self, used: Self) {
        *self = used;
    }
}

impl Identity {
    /// Notes that an access key signed a request for a service in a Region.
    pub fn note_key_use(&self, access_key_id: &str, service: &str, region: &str, now: Timestamp) {
        let (service, region) = (service.to_owned(), region.to_owned());
        self.key_uses.note(access_key_id, KeyUse { at: now, service, region });
    }

    /// The last use of an access key, if it was ever used.
    pub(crate) async fn last_key_use(&self, id: &str) -> Result<Option<KeyUse>, KmsError> {
        if let Some(recent) = self.key_uses.recent(id) {
            return Ok(Some(recent));
        }
        Ok(self.records.read(&path::access_key_usage(id)?).await?.map(|row| row.value))
    }

    /// Adds to the deletion of an access key that its last use goes with it.
    pub(crate) async fn draft_forget_use(&self, draft: Draft, id: &str) -> Result<Draft, KmsError> {
        let place = path::access_key_usage(id)?;
        let row = self.records.read::<KeyUse>(&place).await?;
        Ok(match row {
            Some(row) => draft.delete(&place, row.stamp),
            None => draft,
        })
    }

    /// Writes the last uses that were noted since the last flush; where a later one is stored already, it stays.
    pub(crate) async fn flush_key_uses(&self, now: Timestamp) {
        for batch in self.key_uses.unflushed().chunks(KEY_USES_PER_COMMIT) {
            match self.store_key_uses(batch, now).await {
                Ok(()) => self.key_uses.flushed(batch),
                Err(error) => {
                    tracing::warn!(%error, count = batch.len(), "last uses of access keys could not be written yet");
                }
            }
        }
    }

    /// Starts over when a row changed meanwhile: another node wrote it, a rotation sealed it anew, or the key is gone.
    async fn store_key_uses(&self, uses: &[(String, KeyUse)], now: Timestamp) -> Result<(), KmsError> {
        for _ in 0..ATTEMPTS_MAX {
            let mut draft = self.records.draft()?;
            for (id, last) in uses {
                // A key that was deleted since leaves no trace.
                let Some(key) = self.access_key(id).await? else { continue };
                let place = path::access_key_usage(id)?;
                let before = self.records.read::<KeyUse>(&place).await?;
                if before.as_ref().is_none_or(|row| row.value.at <= last.at) {
                    draft = draft
                        .put(&place, before.map(|row| row.stamp), last)?
                        .expect(&path::access_key(id)?, Some(key.stamp));
                }
            }
            match self.records.commit(draft, Cause::Upkeep(now)).await {
                Err(KmsError::Conflict) => {}
                outcome => return outcome,
            }
        }
        Err(KmsError::Conflict)
    }
}
