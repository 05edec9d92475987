//! When and how a key was last used: kept in memory, written behind, read by GetKeyLastUsage.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

use std::borrow::Cow;

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;

use super::{AuthorizedKey, KeyAccess};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::records::path;
use crate::usage::LastUse;

/// How often last uses are written again when their rows change at the same moment.
const ATTEMPTS_MAX: usize = 4;

impl<O> AuthorizedKey<O> {
    /// The last use of the key, if it was used since tracking began.
    pub(crate) async fn last_use(&self, desk: &Desk<'_>) -> Result<Option<LastUse>, KmsError> {
        desk.service.keys.last_use(desk, self.arn()).await
    }

    /// Notes a use.
    pub(crate) fn used(&self, desk: &Desk<'_>, operation: &'static str) {
        desk.service.usage.note(self.arn(), || LastUse {
            operation: Cow::Borrowed(operation),
            at: desk.now,
            request_id: desk.caller.request_id,
            event_id: Some(desk.notes.event_id()),
        });
    }
}

/// Keys in one commit: each costs two operations of the 96 that a store takes.
pub(crate) const LAST_USES_PER_COMMIT: usize = 40;

impl KeyAccess {
    /// The last use of a key, if it was used since tracking began.
    pub(super) async fn last_use(&self, desk: &Desk<'_>, arn: &KeyArn) -> Result<Option<LastUse>, KmsError> {
        if let Some(recent) = desk.service.usage.recent(arn) {
            return Ok(Some(recent));
        }
        let row = self.records.read(&path::last_usage(arn)?).await?;
        Ok(row.map(|row| row.value))
    }

    /// Writes the last uses of at most [`LAST_USES_PER_COMMIT`] keys; where a later one is stored already, it stays.
    /// Starts over when a row changed meanwhile: another node wrote it, or a rotation sealed it anew.
    pub(crate) async fn store_last_uses(
        &self,
        uses: &[(KeyArn, LastUse)],
        now: Timestamp,
    ) -> Result<(), KmsError> {
        for _ in 0..ATTEMPTS_MAX {
            let mut draft = self.records.draft()?;
            for (arn, last) in uses {
                let place = path::last_usage(arn)?;
                let before = self.records.read::<LastUse>(&place).await?;
                if before.as_ref().is_none_or(|row| row.value.at <= last.at) {
                    draft = draft.put(&place, before.map(|row| row.stamp), last)?;
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
