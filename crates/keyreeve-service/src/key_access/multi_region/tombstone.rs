//! What a deleted replica leaves: so that a message that arrives late does not bring it back, and until its primary knows
//! that it is gone.

use std::collections::BTreeSet;

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::progress::Task;
use super::regions_of;
use crate::audit::Cause;
use crate::key_access::{KeyAccess, KeyEntry};
use crate::records::{Draft, path};
use crate::regions::message::keys::{KeyOfAll, ReplicaGone, ReplicaGoneAnswer, Tombstone};

/// Which Regions are still to be told: a row of its own beside the tombstone, which stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ToTell(BTreeSet<Region>);

impl KeyAccess {
    /// Whether a key whose waiting period is over may go: nothing is only here.
    pub(in super::super) fn may_go(entry: &KeyEntry) -> bool {
        let regions = regions_of(&entry.arn, &entry.record);
        *regions.primary() == entry.arn.region || regions.owes_nothing()
    }

    /// With the key's rows goes what it had as a primary; a replica leaves a tombstone.
    pub(in super::super) async fn draft_end(
        &self,
        draft: Draft,
        entry: &KeyEntry,
    ) -> Result<Draft, KmsError> {
        let arn = &entry.arn;
        if !arn.key_id.is_multi_region() {
            return Ok(draft);
        }
        let regions = regions_of(arn, &entry.record);
        let draft = self.records.remove(draft, &path::replication(arn)?).await?;
        if *regions.primary() == arn.region {
            return self.records.remove(draft, &path::region_work(arn)?).await;
        }
        let since = regions.since_in(&arn.region).unwrap_or(&regions.at).clone();
        let others = regions.regions().filter(|region| **region != arn.region).cloned().collect();
        let (place, to_tell) = (path::replica_gone(arn)?, path::replica_gone_to_tell(arn)?);
        let before = self.records.read::<Tombstone>(&place).await?.map(|row| row.stamp);
        let draft = draft.put(&place, before, &Tombstone { since, at: regions.at })?;
        let before = self.records.read::<ToTell>(&to_tell).await?.map(|row| row.stamp);
        let draft = draft.put(&to_tell, before, &ToTell(others))?;
        self.draft_work(draft, arn).await
    }

    /// Nobody needs to hear of a replica that is there again: its primary made it anew.
    pub(super) async fn draft_told(&self, draft: Draft, arn: &KeyArn) -> Result<Draft, KmsError> {
        self.records.remove(draft, &path::replica_gone_to_tell(arn)?).await
    }

    /// The primary asked and is answered that the replica is gone: whoever else was to be told need not be. Should the
    /// answer be lost, the primary asks again.
    pub(super) async fn told_by_answer(&self, arn: &KeyArn, now: Timestamp) -> Result<(), KmsError> {
        if self.records.read::<ToTell>(&path::replica_gone_to_tell(arn)?).await?.is_none() {
            return Ok(());
        }
        let draft = self.draft_told(self.records.draft()?, arn).await?;
        let draft = self.records.remove(draft, &path::region_work(arn)?).await?;
        self.records.commit(draft, Cause::Upkeep(now)).await
    }

    pub(super) async fn tasks_of_gone(&self, arn: &KeyArn, now: Timestamp) -> Result<Vec<Task>, KmsError> {
        let to_tell = self.records.read::<ToTell>(&path::replica_gone_to_tell(arn)?).await?;
        let to_tell: Vec<_> = to_tell.into_iter().flat_map(|row| row.value.0).map(Task::TellGone).collect();
        if to_tell.is_empty() {
            let draft = self.records.remove(self.records.draft()?, &path::region_work(arn)?).await?;
            self.records.commit(draft, Cause::Upkeep(now)).await?;
        }
        Ok(to_tell)
    }

    /// What the others are told of a replica that is gone; `None` when they know.
    pub(crate) async fn gone_message(&self, arn: &KeyArn) -> Result<Option<ReplicaGone>, KmsError> {
        let row = self.records.read::<Tombstone>(&path::replica_gone(arn)?).await?;
        let to_tell = self.records.read::<ToTell>(&path::replica_gone_to_tell(arn)?).await?;
        let message = |tombstone| ReplicaGone { key: KeyOfAll::of(arn), tombstone };
        Ok(row.filter(|_| to_tell.is_some()).map(|row| message(row.value)))
    }

    /// What a Region answered to it. Once a primary of the tombstone's term, or a later one, knows it, nobody else needs
    /// to; whoever does not have the key need not be asked again.
    pub(crate) async fn gone_told(
        &self,
        arn: &KeyArn,
        by: &Region,
        answer: ReplicaGoneAnswer,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let place = path::replica_gone_to_tell(arn)?;
        let Some(mut row) = self.records.read::<ToTell>(&place).await? else { return Ok(()) };
        let tombstone = self.records.read::<Tombstone>(&path::replica_gone(arn)?).await?;
        let term_ended = |at: &keyreeve_model::multi_region::SharedVersion| {
            tombstone.as_ref().is_none_or(|row| at.term() >= row.value.at.term())
        };
        match answer {
            ReplicaGoneAnswer::Noted(at) if term_ended(&at) => row.value.0.clear(),
            ReplicaGoneAnswer::Unknown => drop(row.value.0.remove(by)),
            ReplicaGoneAnswer::Noted(_) | ReplicaGoneAnswer::NotNow => return Ok(()),
        }
        let mut draft = self.records.draft()?;
        if row.value.0.is_empty() {
            draft = draft.delete(&place, row.stamp);
            draft = self.records.remove(draft, &path::region_work(arn)?).await?;
        } else {
            draft = draft.put(&place, Some(row.stamp), &row.value)?;
        }
        self.records.commit(draft, Cause::Upkeep(now)).await
    }
}
