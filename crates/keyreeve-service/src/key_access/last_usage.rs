//! When and how a key was last used: kept in memory, written behind, read by GetKeyLastUsage.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

use std::borrow::Cow;

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::timestamp::Timestamp;

use super::material_usage::MaterialUsage;
use super::{AuthorizedKey, KeyAccess, KeyEntry};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::records::{Draft, Stamp, Stamped, path};
use crate::usage::{KeyUse, KeyUses, LastUse};

/// How often last uses are written again when their rows change at the same moment.
const ATTEMPTS_MAX: usize = 4;

/// What is known of the last use of a key.
#[derive(Debug)]
pub(crate) struct TrackedUse {
    /// `None` if it was not used since tracking began.
    pub(crate) last: Option<LastUse>,
    pub(crate) tracking_since: Timestamp,
}

impl<O> AuthorizedKey<O> {
    /// The last use of the key, if it was used since tracking began.
    pub(crate) async fn last_use(&self, desk: &Desk<'_>) -> Result<TrackedUse, KmsError> {
        desk.service.keys.last_use(desk, self.entry()).await
    }

    /// Notes a use.
    pub(crate) fn used(&self, desk: &Desk<'_>, operation: &'static str) {
        self.decrypted(desk, operation, None);
    }

    /// Notes a use that decrypted with this material; key pairs have no material id.
    pub(crate) fn decrypted(
        &self,
        desk: &Desk<'_>,
        operation: &'static str,
        decrypted_with: Option<MaterialId>,
    ) {
        let last = LastUse {
            operation: Cow::Borrowed(operation),
            at: desk.now,
            request_id: desk.caller.request_id,
            event_id: Some(desk.notes.event_id()),
        };
        desk.service.usage.note(self.arn(), KeyUse { last, decrypted_with });
    }
}

/// Keys in one commit: each costs five operations of the 96 that a store takes.
pub(super) const LAST_USES_PER_COMMIT: usize = 18;

/// What stands of the uses of a key.
struct Stored {
    /// Of the key's own row.
    key: Stamp,
    last: Option<Stamped<LastUse>>,
    materials: Option<Stamped<MaterialUsage>>,
}

impl Stored {
    /// Adds what is later than that; the key must still be there then.
    fn add(self, mut draft: Draft, arn: &KeyArn, uses: &KeyUses) -> Result<Draft, KmsError> {
        let last = self.last.as_ref();
        let newer = !last.is_some_and(|row| is_told(&row.value, &uses.last));
        if newer {
            draft = draft.put(&path::last_usage(arn)?, last.map(|row| row.stamp), &uses.last)?;
        }
        let (materials, stamp) = self.materials.map(|row| (row.value, row.stamp)).unzip();
        let mut materials = materials.unwrap_or_default();
        let decrypted = materials.add(&uses.decrypted);
        if decrypted {
            draft = draft.put(&path::material_usage(arn)?, stamp, &materials)?;
        }
        // One that is deleted meanwhile leaves no trace.
        Ok(if newer || decrypted { draft.expect(&path::key(arn)?, Some(self.key)) } else { draft })
    }
}

impl KeyAccess {
    /// The last use of a key, if it was used since tracking began.
    pub(super) async fn last_use(&self, desk: &Desk<'_>, entry: &KeyEntry) -> Result<TrackedUse, KmsError> {
        let usage = &desk.service.usage;
        // Nobody may hear that a key is idle, or was last used long ago, because a crash forgot its last use, or because
        // the log is being read for it right now.
        let since = self.uses_known_since(usage, desk.now).await?;
        let last = match usage.recent(&entry.arn) {
            Some(recent) => Some(recent.last),
            None => self.records.read(&path::last_usage(&entry.arn)?).await?.map(|row| row.value),
        };
        Ok(TrackedUse { last, tracking_since: since.max(entry.record.created) })
    }

    /// Writes the last uses of at most [`LAST_USES_PER_COMMIT`] keys; where a later one is stored already, it stays. Starts
    /// over when a row changed meanwhile: another node wrote it, a rotation sealed it anew, or the key is gone.
    ///
    /// Answers what is settled. A damaged key keeps no other from being written, and what is known of its uses is kept
    /// until its rows are mended.
    pub(super) async fn store_last_uses(
        &self,
        uses: &[(KeyArn, KeyUses)],
        now: Timestamp,
    ) -> Result<Vec<(KeyArn, KeyUses)>, KmsError> {
        for _ in 0..ATTEMPTS_MAX {
            let (mut draft, mut settled) = (self.records.draft()?, Vec::with_capacity(uses.len()));
            for (arn, uses) in uses {
                match self.stored_uses(arn, uses).await {
                    Ok(Some(stored)) => draft = stored.add(draft, arn, uses)?,
                    // A key that is gone.
                    Ok(None) => {}
                    Err(KmsError::Internal) => continue,
                    Err(error) => return Err(error),
                }
                settled.push((arn.clone(), uses.clone()));
            }
            if draft.is_empty() {
                return Ok(settled);
            }
            match self.records.commit(draft, Cause::Upkeep(now)).await {
                Ok(()) => return Ok(settled),
                Err(KmsError::Conflict) => uses.iter().for_each(|(arn, _)| self.forget_key(arn)),
                Err(error) => return Err(error),
            }
        }
        Err(KmsError::Conflict)
    }

    async fn stored_uses(&self, arn: &KeyArn, uses: &KeyUses) -> Result<Option<Stored>, KmsError> {
        let Some(entry) = self.entry(arn).await? else { return Ok(None) };
        let last = self.records.read(&path::last_usage(arn)?).await?;
        let materials = match uses.decrypted.as_slice() {
            [] => None,
            [..] => self.records.read(&path::material_usage(arn)?).await?,
        };
        Ok(Some(Stored { key: entry.stamp, last, materials }))
    }
}

/// Whether a stored use is this one, or a later one.
fn is_told(stored: &LastUse, last: &LastUse) -> bool {
    stored.at > last.at || stored == last
}
