//! A primary that hears of a higher term is none any more: at once, also before the new primary has told it anything. One
//! that hears of later words of its own was restored from a backup, and speaks on from there.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::multi_region::{MultiRegion, Replica, SharedVersion};
use keyreeve_model::timestamp::Timestamp;

use super::regions_of;
use super::report::{settled, wait};
use crate::audit::{Cause, ServiceEvent};
use crate::key_access::{KeyAccess, KeyEntry};
use crate::records::{Draft, path};

/// The members with another primary.
pub(super) fn reseated(known: &MultiRegion, own: &KeyArn, at: &SharedVersion) -> MultiRegion {
    let mut after = known.clone();
    let since = known.since_in(&at.primary).unwrap_or(at).clone();
    after.replicas.retain(|replica| replica.region != at.primary);
    if *known.primary() == own.region {
        after.replicas.push(Replica { region: own.region.clone(), since: known.since.clone() });
    }
    // Whom the new primary does not list, it has to hear of.
    let others = after.replicas.iter().filter(|replica| replica.region != own.region).cloned();
    after.orphans.extend(others.collect::<Vec<_>>());
    after.since = since;
    after.at = at.heard();
    after.demoting = None;
    // What it has and the new primary does not know of, nobody has told yet.
    after.only_here = true;
    after
}

/// The state of a key that is a replica from now on.
pub(super) fn as_replica(record: &mut KeyRecord, now: Timestamp) {
    record.state = settled(record);
    // Replicas wait for nobody.
    if record.state == KeyState::PendingReplicaDeletion {
        wait(record, now);
    }
}

impl KeyAccess {
    /// This Region is not the primary: another one is, in this term.
    pub(super) async fn hear_of(
        &self,
        entry: &KeyEntry,
        at: &SharedVersion,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let (arn, known) = (&entry.arn, regions_of(&entry.arn, &entry.record));
        if at.primary == arn.region && *known.primary() == at.primary && known.at < *at {
            super::check_ahead(&known.at, at)?;
            return self.speak_on(entry, at, now).await;
        }
        if at.term() <= known.at.term() || at.primary == arn.region {
            return Ok(());
        }
        super::check_ahead(&known.at, at)?;
        let mut record = entry.record.clone();
        record.multi_region = Some(reseated(&known, arn, at));
        as_replica(&mut record, now);
        let draft = self.redraft_plain(self.records.draft()?, entry, &record).await?;
        let draft = self.draft_no_primary(draft, arn).await?;
        let event = ServiceEvent::synchronize(arn, now);
        self.commit_key(draft, entry, Cause::Event(&event)).await?;
        tracing::warn!(key = %arn, primary = %at.primary, epoch = at.epoch, "another Region is the primary of a key");
        Ok(())
    }

    /// Others know later words of this Region than it does itself. Theirs stay what they are: it takes the next number,
    /// is told what it forgot, and what it says is heard again.
    async fn speak_on(&self, entry: &KeyEntry, at: &SharedVersion, now: Timestamp) -> Result<(), KmsError> {
        let (arn, mut known) = (&entry.arn, regions_of(&entry.arn, &entry.record));
        let same_term = at.term() == known.at.term();
        known.at = if same_term { at.next() } else { at.promoted(arn.region.clone()) };
        known.demoting = None;
        let mut read = self.replication(arn).await?;
        for replica in &mut known.replicas {
            let progress = read.replication.0.entry(replica.region.clone()).or_default();
            progress.acknowledged = None;
            // One that is still to be made is made after whatever was there and is forgotten here.
            if progress.birth.is_some() {
                replica.since = known.at.clone();
            }
        }
        let mut record = entry.record.clone();
        record.state = settled(&record);
        record.multi_region = Some(known);
        let draft = self.redraft_plain(self.records.draft()?, entry, &record).await?;
        let draft = Self::draft_replication(draft, arn, &read)?;
        let draft = self.draft_work(draft, arn).await?;
        let event = ServiceEvent::synchronize(arn, now);
        self.commit_key(draft, entry, Cause::Event(&event)).await?;
        tracing::warn!(key = %arn, epoch = at.epoch, version = at.version, "this Region forgot what it said as the primary of a key: it was restored from a backup");
        Ok(())
    }

    /// What only a primary keeps goes.
    pub(super) async fn draft_no_primary(&self, draft: Draft, arn: &KeyArn) -> Result<Draft, KmsError> {
        let draft = self.records.remove(draft, &path::replication(arn)?).await?;
        self.records.remove(draft, &path::region_work(arn)?).await
    }
}
