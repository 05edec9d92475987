//! What a primary takes in from replicas: materials and replicas of which it did not know, and that one is gone.

use keyreeve_model::algorithm::Origin;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::{KeyRecord, MaterialSlot};
use keyreeve_model::key_state::KeyState;
use keyreeve_model::multi_region::{MultiRegion, Replica, SharedVersion};
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use super::progress::Progress;
use super::{lists, regions_of};
use crate::audit::{Cause, ServiceEvent};
use crate::key_access::{KeyAccess, KeyEntry};
use crate::regions::Regions;
use crate::regions::message::keys::{
    KeyOfAll, ReplicaGone, ReplicaGoneAnswer, SealedMaterial, SharedMaterial,
};

/// Replicas of a key up to which reported ones are taken in: more than AWS has Regions.
const REPLICAS_MAX: usize = 64;

/// The state after the Updating of a primary that stays, or becomes a replica.
pub(super) fn settled(record: &KeyRecord) -> KeyState {
    if record.state != KeyState::Updating {
        return record.state;
    }
    if record.has_material { KeyState::Enabled } else { KeyState::PendingImport }
}

/// A primary that is to be deleted begins to wait once its last replica is gone.
fn begins_to_wait(record: &mut KeyRecord, now: Timestamp) {
    let alone = record.multi_region.as_ref().is_none_or(|regions| regions.replicas.is_empty());
    if record.state == KeyState::PendingReplicaDeletion && alone {
        wait(record, now);
    }
}

/// From now on the key waits for its own deletion.
pub(super) fn wait(record: &mut KeyRecord, now: Timestamp) {
    let days = record.pending_window_days.take().unwrap_or(30);
    record.state = KeyState::PendingDeletion;
    record.deletion = Some(now.plus_days(i64::from(days)));
}

/// Replicas that a primary takes in when another Region reports them.
fn adoptable(known: &MultiRegion, own: &Region, orphans: Vec<Replica>) -> Vec<Replica> {
    let room = REPLICAS_MAX.saturating_sub(known.replicas.len());
    let unknown = orphans.into_iter().filter(|member| member.region != *own && !lists(known, member));
    unknown.take(room).collect()
}

impl KeyAccess {
    /// Whether nothing may change any more: the next primary has everything, and may have been told that it is.
    async fn is_frozen(&self, arn: &KeyArn, regions: &MultiRegion) -> Result<bool, KmsError> {
        match &regions.demoting {
            Some(demotion) => Ok(self.replication(arn).await?.is_up_to_date(regions, &demotion.to)),
            None => Ok(false),
        }
    }

    /// Takes in what a replica has and the primary did not know of; answers whether anything was new.
    pub(super) async fn take_in(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        from: &Region,
        extra: Vec<(SharedMaterial, SealedMaterial)>,
        orphans: Vec<Replica>,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let (arn, mut known) = (&entry.arn, regions_of(&entry.arn, &entry.record));
        if self.is_frozen(arn, &known).await? {
            return Ok(false);
        }
        let (mut record, mut read) = (entry.record.clone(), self.history(arn, &entry.record).await?);
        let mut replication = self.replication(arn).await?;
        let (here, mut new) = (self.ids_here(entry).await?, Vec::new());
        let before = read.history.0.len();
        for (material, sealed) in extra {
            if material.id != sealed.id || record.origin != Origin::AwsKms {
                continue;
            }
            if !here.contains(&material.id) {
                let bytes = self.open_sealed(regions, arn, &record, from, &sealed, now).await?;
                new.push((MaterialSlot { key: arn.clone(), material: material.id }, bytes));
            }
            // Also what is here for a ciphertext that named it: else it is reported for ever.
            if read.history.find(material.id.as_ref()).is_none() {
                read.history.0.push(material.entry(None));
            }
        }
        let orphans = adoptable(&known, &arn.region, orphans);
        if new.is_empty() && orphans.is_empty() && read.history.0.len() == before {
            return Ok(false);
        }
        for orphan in orphans {
            replication.replication.0.insert(orphan.region.clone(), Progress::default());
            known.replicas.retain(|replica| replica.region != orphan.region);
            known.replicas.push(orphan);
        }
        tracing::warn!(key = %arn, %from, materials = new.len(), "a replica had what the primary did not know of: it is kept");
        known.at = known.at.next();
        record.multi_region = Some(known);
        let mut draft = self.redraft_plain(self.records.draft()?, entry, &record).await?;
        draft = Self::draft_history(draft, arn, &read)?;
        draft = Self::draft_replication(self.draft_work(draft, arn).await?, arn, &replication)?;
        for (slot, bytes) in &new {
            draft = Self::put_material(draft, slot, &record, bytes, None)?;
        }
        let event = ServiceEvent::synchronize(arn, now);
        self.commit_key(draft, entry, Cause::Event(&event)).await?;
        for (slot, bytes) in new {
            self.verify_stored(&record, slot, &bytes).await?;
        }
        Ok(true)
    }

    /// A replica of this life, or an earlier one, is gone; answers whether the primary knows it now.
    pub(super) async fn strike_off(
        &self,
        entry: &KeyEntry,
        region: &Region,
        since: &SharedVersion,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let (arn, mut known) = (&entry.arn, regions_of(&entry.arn, &entry.record));
        if known.replica(region).is_none_or(|replica| replica.since > *since) {
            return Ok(true);
        }
        let handing_to = known.demoting.as_ref().map(|demotion| demotion.to.clone());
        if handing_to.as_ref() != Some(region) && self.is_frozen(arn, &known).await? {
            return Ok(false);
        }
        let mut record = entry.record.clone();
        known.replicas.retain(|replica| replica.region != *region);
        known.gone.insert(region.clone(), since.clone());
        known.at = known.at.next();
        if handing_to.as_ref() == Some(region) {
            known.demoting = None;
            record.state = settled(&record);
        }
        record.multi_region = Some(known);
        begins_to_wait(&mut record, now);
        let mut replication = self.replication(arn).await?;
        replication.replication.0.remove(region);
        let draft = self.redraft_plain(self.records.draft()?, entry, &record).await?;
        let draft = Self::draft_replication(self.draft_work(draft, arn).await?, arn, &replication)?;
        let event = ServiceEvent::synchronize(arn, now);
        self.commit_key(draft, entry, Cause::Event(&event)).await?;
        tracing::info!(key = %arn, %region, "a replica is gone");
        Ok(true)
    }

    /// Another Region says that its replica is gone.
    pub(crate) async fn replica_gone(
        &self,
        own: &Region,
        from: &Region,
        said: &ReplicaGone,
        now: Timestamp,
    ) -> Result<ReplicaGoneAnswer, KmsError> {
        let key: KeyOfAll = said.key;
        let Some(entry) = self.entry(&key.in_region(own)).await? else {
            return Ok(ReplicaGoneAnswer::Unknown);
        };
        let known = regions_of(&entry.arn, &entry.record);
        if known.primary() != own {
            return Ok(ReplicaGoneAnswer::NotNow);
        }
        if said.tombstone.at.term() > known.at.term() {
            // Whoever is not of the key is not believed: the primary of that term will say it itself.
            if known.since_in(from).is_none() {
                return Ok(ReplicaGoneAnswer::NotNow);
            }
            self.hear_of(&entry, &said.tombstone.at, now).await?;
            return Ok(ReplicaGoneAnswer::NotNow);
        }
        let noted = self.strike_off(&entry, from, &said.tombstone.since, now).await?;
        Ok(if noted { ReplicaGoneAnswer::Noted(known.at) } else { ReplicaGoneAnswer::NotNow })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_makes_no_primary_a_replica_of_itself_and_the_list_no_longer_than_can_be() {
        let own = Region::parse("eu-central-1").unwrap();
        let known = MultiRegion::first(own.clone());
        let member = |region: Region| Replica { region, since: known.at.next() };
        let regions = (0..200).map(|number| Region::parse(&format!("xx-west-{number}")).unwrap());
        let reported: Vec<_> = std::iter::once(own.clone()).chain(regions).map(member).collect();
        let taken = adoptable(&known, &own, reported.clone());
        assert_eq!(taken.len(), REPLICAS_MAX);
        assert!(taken.iter().all(|member| member.region != own));
        let full = MultiRegion { replicas: taken, ..known.clone() };
        assert!(adoptable(&full, &own, reported).is_empty());
    }
}
