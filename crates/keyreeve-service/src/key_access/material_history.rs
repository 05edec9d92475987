//! The history of a key's materials: a row of its own, which only who asks for it reads.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::rotation::{ImportedMaterial, MaterialEntry, MaterialHistory};

use super::multi_region::tells_apart;
use super::{KeyAccess, KeyEntry};
use crate::audit::Cause;
use crate::records::{Draft, Stamp, path};

/// A history that was read, and where its row stood, if there is one.
#[derive(Debug)]
pub(super) struct ReadHistory {
    pub(super) history: MaterialHistory,
    pub(super) stamp: Option<Stamp>,
}

/// What the first material of a key is, where no row tells.
fn first(record: &KeyRecord) -> MaterialHistory {
    let external = record.origin == keyreeve_model::algorithm::Origin::External;
    let imported = external.then_some(ImportedMaterial {
        present: record.has_material,
        valid_to: None,
        description: None,
        fingerprint: None,
    });
    let entry =
        MaterialEntry { id: record.current_material, created: record.created, rotated: None, imported };
    // A replica may know which material it must be given before it is.
    let known = record.has_material || record.current_material.is_some();
    MaterialHistory(if known { vec![entry] } else { Vec::new() })
}

impl KeyAccess {
    /// The history of a key's materials, oldest first.
    pub(super) async fn history(&self, arn: &KeyArn, record: &KeyRecord) -> Result<ReadHistory, KmsError> {
        let row = self.records.read::<MaterialHistory>(&path::material_history(arn)?).await?;
        Ok(match row {
            Some(row) => ReadHistory { history: row.value, stamp: Some(row.stamp) },
            None => ReadHistory { history: first(record), stamp: None },
        })
    }

    /// A draft that writes the key's row, and its turn among what is due, in place of what was read. What the replicas of
    /// a multi-Region key have to hear of, they hear.
    pub(super) async fn redraft(
        &self,
        draft: Draft,
        entry: &KeyEntry,
        record: &KeyRecord,
    ) -> Result<Draft, KmsError> {
        let (draft, shared) = self.draft_shared(draft, entry, record, false).await?;
        self.redraft_plain(draft, entry, shared.as_ref().unwrap_or(record)).await
    }

    /// As [`Self::redraft`], for what is a matter of this Region alone, or was told by another.
    pub(super) async fn redraft_plain(
        &self,
        draft: Draft,
        entry: &KeyEntry,
        record: &KeyRecord,
    ) -> Result<Draft, KmsError> {
        let draft = draft.put(&path::key(&entry.arn)?, Some(entry.stamp), record)?;
        self.reschedule(draft, &entry.arn, &entry.record, record).await
    }

    /// As [`Self::redraft`], with the history of materials in place of the one that was read.
    pub(super) async fn redraft_with_history(
        &self,
        draft: Draft,
        entry: &KeyEntry,
        record: &KeyRecord,
        read: &ReadHistory,
    ) -> Result<Draft, KmsError> {
        // What a Region knows of a material for itself alone, whether it is here and for how long, is no news to others.
        let told = entry.record.has_replicas()
            && tells_apart(&self.history(&entry.arn, &entry.record).await?.history, &read.history);
        let (draft, shared) = self.draft_shared(draft, entry, record, told).await?;
        let draft = self.redraft_plain(draft, entry, shared.as_ref().unwrap_or(record)).await?;
        Self::draft_history(draft, &entry.arn, read)
    }

    pub(super) fn draft_history(draft: Draft, arn: &KeyArn, read: &ReadHistory) -> Result<Draft, KmsError> {
        draft.put(&path::material_history(arn)?, read.stamp, &read.history)
    }

    /// Commits a change of a key; no cache answers with what was before.
    pub(super) async fn commit_key(
        &self,
        draft: Draft,
        entry: &KeyEntry,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let outcome = self.records.commit(draft, cause).await;
        // Also after a failure: a conflict means that the cached row is old, an unknown outcome that it may be.
        self.forget_key(&entry.arn);
        if entry.arn.key_id.is_multi_region() {
            self.stir.notify_one();
        }
        outcome
    }
}
