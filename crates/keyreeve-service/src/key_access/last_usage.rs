//! When and how a key was last used: kept in memory, written behind, read by GetKeyLastUsage.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;

use super::{AuthorizedKey, KeyAccess};
use crate::desk::Desk;
use crate::records::path;
use crate::usage::LastUse;

impl<O> AuthorizedKey<O> {
    /// The last use of the key, if it was used since tracking began.
    pub(crate) async fn last_use(&self, desk: &Desk<'_>) -> Result<Option<LastUse>, KmsError> {
        if let Some(recent) = desk.service.usage.recent(self.arn()) {
            return Ok(Some(recent));
        }
        let row = desk.service.keys.records.read(&path::last_usage(self.arn())?).await?;
        Ok(row.map(|row| row.value))
    }

    /// Notes a use.
    pub(crate) fn used(&self, desk: &Desk<'_>, operation: &'static str) {
        desk.service.usage.note(self.arn(), || LastUse {
            operation: operation.to_owned(),
            at: desk.now,
            request_id: desk.caller.request_id.to_string(),
        });
    }
}

impl KeyAccess {
    /// Writes one key's last use. A conflict means that another node wrote a later one: then ours is dropped.
    pub(crate) async fn store_last_use(&self, arn: &KeyArn, last: &LastUse) -> Result<(), KmsError> {
        let place = path::last_usage(arn)?;
        let before = self.records.read::<LastUse>(&place).await?;
        let draft = self.records.draft()?.put(&place, before.map(|row| row.stamp), last)?;
        match self.records.commit(draft).await {
            Ok(()) | Err(KmsError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
