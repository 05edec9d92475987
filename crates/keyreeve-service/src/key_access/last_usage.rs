//! When and how a key was last used: kept in memory, written behind, read by GetKeyLastUsage.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

use std::borrow::Cow;

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::timestamp::Timestamp;

use super::material_usage::MaterialUsage;
use super::{AuthorizedKey, KeyAccess};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::records::{Draft, path};
use crate::usage::{KeyUse, KeyUses, LastUse};

/// How often last uses are written again when their rows change at the same moment.
const ATTEMPTS_MAX: usize = 4;

impl<O> AuthorizedKey<O> {
    /// The last use of the key, if it was used since tracking began.
    pub(crate) async fn last_use(&self, desk: &Desk<'_>) -> Result<Option<LastUse>, KmsError> {
        desk.service.keys.last_use(desk, self.arn()).await
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

/// Keys in one commit: each costs four operations of the 96 that a store takes.
pub(super) const LAST_USES_PER_COMMIT: usize = 20;

impl KeyAccess {
    /// The last use of a key, if it was used since tracking began.
    pub(super) async fn last_use(&self, desk: &Desk<'_>, arn: &KeyArn) -> Result<Option<LastUse>, KmsError> {
        let usage = &desk.service.usage;
        if usage.recent(arn).is_none() {
            // Nobody may hear that a key is idle because a crash forgot its last use.
            self.uses_known_since(usage, desk.now).await?;
        }
        if let Some(recent) = usage.recent(arn) {
            return Ok(Some(recent.last));
        }
        let row = self.records.read(&path::last_usage(arn)?).await?;
        Ok(row.map(|row| row.value))
    }

    /// Writes the last uses of at most [`LAST_USES_PER_COMMIT`] keys; where a later one is stored already, it stays.
    /// Starts over when a row changed meanwhile: another node wrote it, or a rotation sealed it anew.
    pub(super) async fn store_last_uses(
        &self,
        uses: &[(KeyArn, KeyUses)],
        now: Timestamp,
    ) -> Result<(), KmsError> {
        for _ in 0..ATTEMPTS_MAX {
            let mut draft = self.records.draft()?;
            for (arn, uses) in uses {
                if self.has_rows(arn).await? {
                    draft = self.draft_uses(draft, arn, uses).await?;
                }
            }
            match self.records.commit(draft, Cause::Upkeep(now)).await {
                Err(KmsError::Conflict) => {}
                outcome => return outcome,
            }
        }
        Err(KmsError::Conflict)
    }

    /// A key that is gone leaves no trace; one whose rows are damaged must not keep the others from being written.
    async fn has_rows(&self, arn: &KeyArn) -> Result<bool, KmsError> {
        match self.entry(arn).await {
            Ok(entry) => Ok(entry.is_some()),
            Err(KmsError::Internal) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn draft_uses(&self, draft: Draft, arn: &KeyArn, uses: &KeyUses) -> Result<Draft, KmsError> {
        let last = path::last_usage(arn)?;
        let draft = match self.records.read::<LastUse>(&last).await {
            Ok(row) if row.as_ref().is_some_and(|row| is_told(&row.value, &uses.last)) => draft,
            Ok(row) => draft.put(&last, row.map(|row| row.stamp), &uses.last)?,
            Err(KmsError::Internal) => draft,
            Err(error) => return Err(error),
        };
        if uses.decrypted.is_empty() {
            return Ok(draft);
        }
        let materials = path::material_usage(arn)?;
        match self.records.read::<MaterialUsage>(&materials).await {
            Ok(row) => {
                let (mut usage, stamp) = row.map(|row| (row.value, row.stamp)).unzip();
                let usage = usage.get_or_insert_default();
                if usage.add(&uses.decrypted) { draft.put(&materials, stamp, usage) } else { Ok(draft) }
            }
            Err(KmsError::Internal) => Ok(draft),
            Err(error) => Err(error),
        }
    }
}

/// Whether a stored use is this one, or a later one.
fn is_told(stored: &LastUse, last: &LastUse) -> bool {
    stored.at > last.at || stored == last
}
