//! How far each replica of a primary is: a row of its own beside the key's, and what is left to do about the key.

use std::collections::BTreeMap;

use keyreeve_model::algorithm::Origin;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::multi_region::{MultiRegion, SharedVersion};
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::regions_of;
use crate::audit::Cause;
use crate::key_access::{KeyAccess, KeyEntry};
use crate::records::{Draft, Stamp, path};
use crate::regions::message::keys::Birth;

/// Keys that are looked at in one page.
const KEYS_PER_PAGE: usize = 500;

/// The row: by Region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Replication(pub(super) BTreeMap<Region, Progress>);

/// How far a replica is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The newest that it has everything of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) acknowledged: Option<SharedVersion>,
    /// Since when it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) behind_since: Option<Timestamp>,
    /// What it is born with; until it is known to exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) birth: Option<Birth>,
    /// Imported materials that it said it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) holds: Vec<Option<MaterialId>>,
    /// The state of the key there, when it answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<KeyState>,
}

/// The row, and where it stood.
#[derive(Debug)]
pub(super) struct ReadReplication {
    pub(super) replication: Replication,
    pub(super) stamp: Option<Stamp>,
}

impl ReadReplication {
    pub(super) fn of(&self, region: &Region) -> Progress {
        self.replication.0.get(region).cloned().unwrap_or_default()
    }

    /// Whether a replica has everything of the newest version.
    pub(super) fn is_up_to_date(&self, regions: &MultiRegion, region: &Region) -> bool {
        self.replication
            .0
            .get(region)
            .is_some_and(|progress| progress.acknowledged.as_ref() == Some(&regions.at))
    }
}

/// What is to be done about a key that concerns another Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Tell a replica the shared state.
    Push(Region),
    /// Hand the role of the primary over.
    Promote(Region),
    /// Tell a Region that the replica here is gone.
    TellGone(Region),
}

impl KeyAccess {
    pub(super) async fn replication(&self, arn: &KeyArn) -> Result<ReadReplication, KmsError> {
        let row = self.records.read::<Replication>(&path::replication(arn)?).await?;
        let (replication, stamp) = row.map(|row| (row.value, row.stamp)).unzip();
        Ok(ReadReplication { replication: replication.unwrap_or_default(), stamp })
    }

    /// Writes the row in place of the one that was read; none where no replica is left.
    pub(super) fn draft_replication(
        draft: Draft,
        arn: &KeyArn,
        read: &ReadReplication,
    ) -> Result<Draft, KmsError> {
        let place = path::replication(arn)?;
        match (read.stamp, read.replication.0.is_empty()) {
            (Some(stamp), true) => Ok(draft.delete(&place, stamp)),
            (None, true) => Ok(draft.expect(&place, None)),
            (stamp, false) => draft.put(&place, stamp, &read.replication),
        }
    }

    /// Notes how far a replica is, as long as the key is as it was read.
    pub(super) async fn note_progress(
        &self,
        entry: &KeyEntry,
        region: &Region,
        now: Timestamp,
        change: impl FnOnce(&mut Progress),
    ) -> Result<(), KmsError> {
        let mut read = self.replication(&entry.arn).await?;
        let progress = read.replication.0.entry(region.clone()).or_default();
        let before = progress.clone();
        change(progress);
        if *progress == before {
            return Ok(());
        }
        let mut draft = self.records.draft()?.expect(&path::key(&entry.arn)?, Some(entry.stamp));
        if awaits_import(entry, &read, region) {
            // It may have had it, and be asked because a request wants to know.
            draft = self.draft_work(draft, &entry.arn).await?;
        }
        let draft = Self::draft_replication(draft, &entry.arn, &read)?;
        let outcome = self.records.commit(draft, Cause::Upkeep(now)).await;
        if outcome == Err(KmsError::Conflict) {
            self.forget_key(&entry.arn);
        }
        outcome
    }

    /// A replica that speaks as an earlier primary may have forgotten what it was told: it was restored from a backup. Not
    /// while the role is handed over: whom that depends on is not forgotten.
    pub(super) async fn tell_again(
        &self,
        entry: &KeyEntry,
        from: &Region,
        said: &SharedVersion,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let regions = regions_of(&entry.arn, &entry.record);
        if *regions.primary() != entry.arn.region || regions.demoting.is_some() || regions.at <= *said {
            return Ok(());
        }
        let mut read = self.replication(&entry.arn).await?;
        let progress = read.replication.0.get_mut(from);
        let Some(progress) = progress.filter(|progress| progress.acknowledged.is_some()) else {
            return Ok(());
        };
        progress.acknowledged = None;
        let draft = self.records.draft()?.expect(&path::key(&entry.arn)?, Some(entry.stamp));
        let draft = Self::draft_replication(self.draft_work(draft, &entry.arn).await?, &entry.arn, &read)?;
        self.commit_key(draft, entry, Cause::Upkeep(now)).await
    }

    /// A replica does not answer.
    pub(crate) async fn note_behind(
        &self,
        arn: &KeyArn,
        region: &Region,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let Some(entry) = self.entry(arn).await? else { return Ok(()) };
        if regions_of(arn, &entry.record).replica(region).is_none() {
            return Ok(());
        }
        self.note_progress(&entry, region, now, |progress| {
            progress.behind_since.get_or_insert(now);
        })
        .await
    }

    /// Whether some replica does not have this imported material, as far as the primary knows.
    pub(crate) async fn lacks_import(
        &self,
        entry: &KeyEntry,
        id: Option<&MaterialId>,
    ) -> Result<bool, KmsError> {
        let regions = regions_of(&entry.arn, &entry.record);
        if regions.replicas.is_empty() {
            return Ok(false);
        }
        let read = self.replication(&entry.arn).await?;
        let lacks = |region| !read.of(region).holds.iter().any(|held| held.as_ref() == id);
        Ok(regions.replicas.iter().any(|replica| lacks(&replica.region)))
    }

    /// What is left to do about a key that concerns other Regions. Does at once what concerns none: lets staged material
    /// encrypt, and forgets the work when nothing is left.
    pub(crate) async fn region_tasks(&self, arn: &KeyArn, now: Timestamp) -> Result<Vec<Task>, KmsError> {
        let Some(entry) = self.entry(arn).await? else { return self.tasks_of_gone(arn, now).await };
        let regions = regions_of(arn, &entry.record);
        if *regions.primary() != arn.region {
            // Whoever hears of another primary has nothing to tell.
            self.finish_work(&entry, None, now).await?;
            return Ok(Vec::new());
        }
        if self.activate_staged(&entry, now).await? {
            return Box::pin(self.region_tasks(arn, now)).await;
        }
        let read = self.replication(arn).await?;
        let behind = regions.replicas.iter().map(|replica| &replica.region);
        let mut tasks: Vec<Task> = behind
            .filter(|region| !read.is_up_to_date(&regions, region) || awaits_import(&entry, &read, region))
            .map(|region| Task::Push(region.clone()))
            .collect();
        if let Some(demotion) = &regions.demoting
            && read.is_up_to_date(&regions, &demotion.to)
        {
            tasks.push(Task::Promote(demotion.to.clone()));
        }
        if tasks.is_empty() && !self.has_staged(&entry) {
            self.finish_work(&entry, Some(&read), now).await?;
        }
        Ok(tasks)
    }

    /// How many keys whose primary is in one Region the other one has not caught up with.
    pub(crate) async fn keys_behind(&self, own: &Region, other: &Region) -> Result<u64, KmsError> {
        let (mut after, mut count) = (None, 0);
        loop {
            let (keys, next) = self.region_work(after.as_ref(), KEYS_PER_PAGE).await?;
            for arn in keys.iter().filter(|arn| arn.region == *own) {
                let Some(entry) = self.entry(arn).await? else { continue };
                let regions = regions_of(arn, &entry.record);
                let read = self.replication(arn).await?;
                let listed = *regions.primary() == *own && regions.replica(other).is_some();
                count += u64::from(listed && !read.is_up_to_date(&regions, other));
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(count),
            }
        }
    }

    async fn finish_work(
        &self,
        entry: &KeyEntry,
        read: Option<&ReadReplication>,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let place = path::region_work(&entry.arn)?;
        let Some(row) = self.records.read::<()>(&place).await? else { return Ok(()) };
        let mut draft = self.records.draft()?.delete(&place, row.stamp);
        draft = draft.expect(&path::key(&entry.arn)?, Some(entry.stamp));
        if let Some(read) = read {
            draft = draft.expect(&path::replication(&entry.arn)?, read.stamp);
        }
        match self.records.commit(draft, Cause::Upkeep(now)).await {
            // Something came in between: it is looked at again.
            Err(KmsError::Conflict) => {
                self.forget_key(&entry.arn);
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// Whether the primary waits to hear that a replica has what is to be imported there too.
fn awaits_import(entry: &KeyEntry, read: &ReadReplication, region: &Region) -> bool {
    let record = &entry.record;
    let pending = record.pending_material.filter(|_| record.origin == Origin::External);
    pending.is_some_and(|id| !read.of(region).holds.contains(&Some(id)))
}
