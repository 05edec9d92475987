//! Multi-Region keys, as one Region keeps them: what is shared, what is told to and heard from other Regions. What is
//! sent, and when, is `regions/keys/`; the rules are held by an explored model of the protocol.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html>

mod adopt;
mod forced;
mod handover;
mod heard;
mod progress;
mod pulled;
mod push;
mod replicate;
mod report;
mod sealing;
mod shared_state;
mod staged;
mod stranger;
mod synchronize;
mod terms;
mod tombstone;

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::multi_region::{MultiRegion, Replica, SharedVersion};
use keyreeve_model::region::Region;
use keyreeve_store::Path;

pub(crate) use forced::Promotions;
pub(crate) use progress::Task;
pub(crate) use push::NextPush;
pub(super) use shared_state::tells_apart;

use super::{KeyAccess, KeyEntry};
use crate::records::{Draft, path};
use crate::regions::message::keys::KeyOfAll;

/// Materials in one message, and in one commit: each costs two operations of the 96 that a store takes.
const MATERIALS_PER_MESSAGE: usize = 24;

/// By how many promotions, or changes, another Region's word may be ahead of what is known here: far more than there can
/// have been, and far less than would leave none for the future.
const AHEAD_MAX: u64 = 1 << 32;

/// Whether somebody can be as far ahead as he says.
fn check_ahead(known: &SharedVersion, said: &SharedVersion) -> Result<(), KmsError> {
    let behind = if known.term() == said.term() { known.version } else { 0 };
    let ahead =
        said.epoch.saturating_sub(known.epoch) > AHEAD_MAX || said.version.saturating_sub(behind) > AHEAD_MAX;
    if ahead {
        return Err(KmsError::Refused("nobody can be that far ahead".to_owned()));
    }
    Ok(())
}

/// The Regions of a multi-Region key.
pub(super) fn regions_of(arn: &KeyArn, record: &KeyRecord) -> MultiRegion {
    record.multi_region.clone().unwrap_or_else(|| MultiRegion::first(arn.region.clone()))
}

impl KeyOfAll {
    pub(super) const fn of(arn: &KeyArn) -> Self {
        Self { account: arn.account, key_id: arn.key_id }
    }

    pub(super) fn in_region(&self, region: &Region) -> KeyArn {
        KeyArn { region: region.clone(), account: self.account, key_id: self.key_id }
    }
}

/// Whether a list of members has this life of a Region, or a later one.
fn lists(regions: &MultiRegion, member: &Replica) -> bool {
    let listed = regions.since_in(&member.region).is_some_and(|since| *since >= member.since);
    listed || regions.gone.get(&member.region).is_some_and(|gone| *gone >= member.since)
}

impl KeyAccess {
    /// What the primary has to tell about the key is looked at again: a row of its own says so, so that no kill forgets
    /// it.
    async fn draft_work(&self, draft: Draft, arn: &KeyArn) -> Result<Draft, KmsError> {
        let place = path::region_work(arn)?;
        // Also where it is there already: whoever just found that nothing is left to do must not remove it.
        match self.records.read::<()>(&place).await? {
            Some(row) => Ok(draft.expect(&place, Some(row.stamp))),
            None => draft.put(&place, None, &()),
        }
    }

    /// The record with the next version of the shared state, where a change of a key with replicas is one; told to them
    /// by and by.
    pub(super) async fn draft_shared(
        &self,
        draft: Draft,
        entry: &KeyEntry,
        record: &KeyRecord,
        history: bool,
    ) -> Result<(Draft, Option<KeyRecord>), KmsError> {
        let (Some(regions), before) = (&record.multi_region, &entry.record) else { return Ok((draft, None)) };
        let changes = history
            || before.rotation != record.rotation
            || before.on_demand != record.on_demand
            || before.current_material != record.current_material
            || before.pending_material != record.pending_material;
        if regions.replicas.is_empty() || *regions.primary() != entry.arn.region || !changes {
            return Ok((draft, None));
        }
        if regions.demoting.is_some() {
            // From here on the next primary decides.
            let updating = keyreeve_model::key_state::StateRefusal::Updating;
            return Err(KmsError::State(entry.arn.clone(), updating));
        }
        let mut record = record.clone();
        if let Some(regions) = &mut record.multi_region {
            regions.at = regions.at.next();
        }
        Ok((self.draft_work(draft, &entry.arn).await?, Some(record)))
    }

    /// Keys with work that concerns other Regions.
    pub(crate) async fn region_work(
        &self,
        after: Option<&Path>,
        limit: usize,
    ) -> Result<(Vec<KeyArn>, Option<Path>), KmsError> {
        let page = self.records.page::<()>(path::REGION_WORK_PREFIX, after, limit).await?;
        Ok((page.rows.iter().filter_map(|(place, ())| path::region_work_key(place)).collect(), page.next))
    }

    /// Something may be told to other Regions now that could not be told before.
    pub(crate) fn stir(&self) {
        self.stir.notify_one();
    }

    /// Waits until something was changed that other Regions shall hear of.
    pub(crate) async fn stirred(&self) {
        self.stir.notified().await;
    }
}
