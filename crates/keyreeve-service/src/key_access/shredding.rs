//! How gone a deleted key is. Its rows are removed at once (`deletion.rs`); but who has an older copy of the disk, and what
//! opened the root key then, has the key. Once the last epoch of the domain keys that may have wrapped its material is out
//! of the keyring, a record says so: `KeyShredded` if what could open the root key is destroyed with an epoch, else
//! `KeyDeleted`, with what an older copy can still be opened by.

use std::collections::{BTreeMap, BTreeSet};

use keyreeve_crypto::keyring::Purpose;
use keyreeve_crypto::root_key::SlotKind;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::{KeyAccess, KeyEntry};
use crate::audit::{Cause, End, ServiceEvent};
use crate::records::{Draft, path};

/// Rows looked at in one page.
const PAGE: usize = 100;

/// Whether what opens a slot of this kind can no longer open what an epoch was wrapped in once that epoch is removed. A
/// file and a passphrase open every copy of `root.json` that was ever made with them.
const fn is_destroyed_with_an_epoch(kind: SlotKind) -> bool {
    match kind {
        SlotKind::KeyFile | SlotKind::Passphrase => false,
    }
}

/// The row of a deleted key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeletedKey {
    /// The oldest epoch that may have wrapped its material; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    first_epoch: Option<u32>,
    deleted: Timestamp,
}

/// What could open the root key while each epoch of the domain keys was in the keyring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SlotHistory {
    /// The newest epoch that is known of.
    through: u32,
    /// From this epoch on, until the next entry.
    from: BTreeMap<u32, BTreeSet<SlotKind>>,
}

impl SlotHistory {
    fn of(&self, epoch: u32) -> Option<&BTreeSet<SlotKind>> {
        let known = self.from.range(..=epoch).next_back().filter(|_| epoch <= self.through);
        known.map(|(_, kinds)| kinds)
    }

    /// These kinds can open the root key while these epochs are wrapped under it.
    fn note(&mut self, (oldest, newest): (u32, u32), kinds: &BTreeSet<SlotKind>) {
        for epoch in oldest..=newest {
            let noted = self.of(epoch).map(|before| before | kinds).unwrap_or_else(|| kinds.clone());
            self.through = self.through.max(epoch);
            self.from.insert(epoch, noted);
        }
        let mut before = None;
        self.from.retain(|_, kinds| before.replace(kinds.clone()).as_ref() != Some(&*kinds));
    }

    /// All that could open the root key during these epochs; all that there is, where that is not known.
    fn during(&self, first: u32, last: u32) -> BTreeSet<SlotKind> {
        let mut kinds = BTreeSet::new();
        // Every entry that reaches into the span, rather than every epoch of years.
        let starts = self.from.range(first..=last).map(|(epoch, _)| *epoch);
        for epoch in starts.chain([first, last]) {
            match self.of(epoch) {
                Some(known) => kinds.extend(known),
                None => kinds.extend(SlotKind::ALL),
            }
        }
        kinds
    }
}

impl KeyAccess {
    /// Remembers a key that this draft deletes.
    pub(super) async fn remember_deleted(
        &self,
        draft: Draft,
        entry: &KeyEntry,
        now: Timestamp,
    ) -> Result<Draft, KmsError> {
        let last = draft.keyring().active_epoch(Purpose::Domain).number;
        let place = path::deleted(last, &entry.arn)?;
        // A replica may come back under its id, and be deleted again in the same epoch.
        let before = self.records.read::<DeletedKey>(&place).await?;
        let earlier = before.as_ref().map(|row| row.value.first_epoch);
        let first_epoch = earlier.into_iter().fold(entry.record.first_domain_epoch, Ord::min);
        draft.put(&place, before.map(|row| row.stamp), &DeletedKey { first_epoch, deleted: now })
    }

    /// Notes what can open the root key while these epochs are wrapped under it.
    pub(crate) async fn note_slots(
        &self,
        epochs: (u32, u32),
        kinds: &BTreeSet<SlotKind>,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let place = path::domain_epochs()?;
        let row = match self.records.read::<SlotHistory>(&place).await {
            // What was altered says nothing any more, so that every kind counts; it holds up no epoch.
            Err(KmsError::Internal) => return Ok(()),
            row => row?,
        };
        let (mut history, stamp) = row.map(|row| (row.value, Some(row.stamp))).unwrap_or_default();
        let before = history.clone();
        history.note(epochs, kinds);
        if history == before {
            return Ok(());
        }
        let draft = self.records.draft()?.put(&place, stamp, &history)?;
        self.records.commit(draft, Cause::Upkeep(now)).await
    }

    /// Whether there are deleted keys of which every epoch is older than this one.
    pub(crate) async fn has_concluded_deletions(&self, oldest: u32) -> Result<bool, KmsError> {
        let page = self.records.page::<DeletedKey>(path::DELETED_PREFIX, None, PAGE).await?;
        let mut epochs = page.rows.iter().filter_map(|(place, _)| path::deleted_key(place));
        Ok(epochs.any(|(last, _)| last < oldest))
    }

    /// Records the end of every deleted key of which every epoch is older than this one, which is the oldest that is left.
    pub(crate) async fn conclude_deletions(&self, oldest: u32, now: Timestamp) -> Result<(), KmsError> {
        let history = match self.records.read::<SlotHistory>(&path::domain_epochs()?).await {
            Err(KmsError::Internal) => SlotHistory::default(),
            row => row?.map(|row| row.value).unwrap_or_default(),
        };
        let mut after = None;
        loop {
            let page = self.records.page::<DeletedKey>(path::DELETED_PREFIX, after.as_ref(), PAGE).await?;
            for (place, row) in &page.rows {
                let Some((last, arn)) = path::deleted_key(place) else { continue };
                if last >= oldest {
                    return Ok(());
                }
                let secrets = history.during(row.first_epoch.unwrap_or(1), last);
                self.conclude(place, &arn, row, secrets, now).await?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn conclude(
        &self,
        place: &keyreeve_store::Path,
        arn: &KeyArn,
        row: &DeletedKey,
        mut secrets: BTreeSet<SlotKind>,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        secrets.retain(|kind| !is_destroyed_with_an_epoch(*kind));
        let event = ServiceEvent::end_of_key(arn, now, &End { deleted: row.deleted, secrets });
        let draft = self.records.remove(self.records.draft()?, place).await?;
        match self.records.commit(draft, Cause::Event(&event)).await {
            // Another node told of it.
            Ok(()) | Err(KmsError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(kinds: &[SlotKind]) -> BTreeSet<SlotKind> {
        kinds.iter().copied().collect()
    }

    #[test]
    fn no_kind_of_slot_that_there_is_can_promise_that_a_key_is_shredded() {
        assert!(SlotKind::ALL.iter().all(|kind| !is_destroyed_with_an_epoch(*kind)));
    }

    #[test]
    fn what_could_open_an_epoch_is_all_that_ever_could_while_it_was_in_the_keyring() {
        use SlotKind::{KeyFile, Passphrase};
        let mut history = SlotHistory::default();
        history.note((1, 1), &kinds(&[Passphrase]));
        history.note((1, 2), &kinds(&[Passphrase]));
        assert_eq!(history.from.len(), 1);
        // A key file is added while epoch 2 is in the keyring, and the passphrase removed before epoch 4.
        history.note((2, 2), &kinds(&[Passphrase, KeyFile]));
        history.note((3, 3), &kinds(&[Passphrase, KeyFile]));
        history.note((4, 4), &kinds(&[KeyFile]));
        for ((first, last), expected) in [
            ((1, 1), &[Passphrase][..]),
            ((1, 2), &[KeyFile, Passphrase]),
            ((3, 3), &[KeyFile, Passphrase]),
            ((4, 4), &[KeyFile]),
            ((3, 4), &[KeyFile, Passphrase]),
            // Not known.
            ((5, 5), &[KeyFile, Passphrase]),
            ((0, 1), &[KeyFile, Passphrase]),
        ] {
            assert_eq!(history.during(first, last), kinds(expected), "{first} to {last}");
        }
        let json = serde_json::to_string(&history).unwrap();
        assert_eq!(
            json,
            r#"{"through":4,"from":{"1":["passphrase"],"2":["key-file","passphrase"],"4":["key-file"]}}"#
        );
        assert_eq!(serde_json::from_str::<SlotHistory>(&json).unwrap(), history);
    }
}
