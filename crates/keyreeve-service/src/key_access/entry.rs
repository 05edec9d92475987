//! A key as it was read: its ARN, its row, and where the row stood.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;

use super::KeyAccess;
use crate::records::{Stamp, path};
use std::sync::Arc;

/// A key that exists.
#[derive(Debug)]
pub(crate) struct KeyEntry {
    pub(crate) arn: KeyArn,
    pub(crate) record: KeyRecord,
    pub(crate) stamp: Stamp,
}

impl KeyAccess {
    /// The key's entry, from the cache or the store; a key that does not exist is remembered too.
    pub(super) async fn entry(&self, arn: &KeyArn) -> Result<Option<Arc<KeyEntry>>, KmsError> {
        if let Some(known) = self.keys.get(arn) {
            return Ok(known);
        }
        let ticket = self.keys.ticket(arn);
        let row = self.records.read::<KeyRecord>(&path::key(arn)?).await?;
        let entry =
            row.map(|row| Arc::new(KeyEntry { arn: arn.clone(), record: row.value, stamp: row.stamp }));
        self.keys.fill(arn.clone(), ticket, entry.clone());
        Ok(entry)
    }

    /// Writes a key's row in place of the one that was read.
    pub(super) async fn replace(&self, entry: &KeyEntry, record: &KeyRecord) -> Result<(), KmsError> {
        let mut draft = self.records.draft()?.put(&path::key(&entry.arn)?, Some(entry.stamp), record)?;
        if entry.record.deletion != record.deletion {
            draft = self.reschedule(draft, &entry.arn, entry.record.deletion, record.deletion).await?;
        }
        let outcome = self.records.commit(draft).await;
        // Also after a failure: a conflict means that the cached row is old, an unknown outcome that it may be.
        self.forget_key(&entry.arn);
        outcome
    }
}
