//! A key as it was read: its ARN, its row, and where the row stood.

use std::sync::{Arc, OnceLock};

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;

use super::{KeyAccess, Material};
use crate::records::{Stamp, path};

/// A key that exists.
#[derive(Debug)]
pub(crate) struct KeyEntry {
    pub(crate) arn: KeyArn,
    pub(crate) record: KeyRecord,
    pub(crate) stamp: Stamp,
    /// The ARN as text: most answers have it.
    pub(crate) text: Box<str>,
    /// The material that the key uses now, once it was opened.
    pub(super) material: OnceLock<Arc<Material>>,
}

impl KeyEntry {
    fn new(arn: KeyArn, record: KeyRecord, stamp: Stamp) -> Self {
        let text = arn.to_string().into_boxed_str();
        Self { arn, record, stamp, text, material: OnceLock::new() }
    }
}

impl KeyAccess {
    /// The key's entry, from the cache or the store; a key that does not exist is remembered too.
    pub(super) async fn entry(&self, arn: &KeyArn) -> Result<Option<Arc<KeyEntry>>, KmsError> {
        if let Some(known) = self.keys.get(arn) {
            return Ok(known);
        }
        let ticket = self.keys.ticket(arn);
        let row = self.records.read::<KeyRecord>(&path::key(arn)?).await?;
        let entry = row.map(|row| Arc::new(KeyEntry::new(arn.clone(), row.value, row.stamp)));
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
