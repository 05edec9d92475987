//! A primary that hears of a higher term is none any more: at once, also before the new primary has told it anything.

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
        if at.term() <= known.at.term() {
            return Ok(());
        }
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

    /// What only a primary keeps goes.
    pub(super) async fn draft_no_primary(&self, draft: Draft, arn: &KeyArn) -> Result<Draft, KmsError> {
        let draft = self.records.remove(draft, &path::replication(arn)?).await?;
        self.records.remove(draft, &path::region_work(arn)?).await
    }
}
