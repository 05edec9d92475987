//! Forced promotion: the primary is lost, and operators have confirmed that this Region takes its place. The lost one stays
//! listed; if it comes back, it hears of the higher epoch, and what it alone has is kept.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::multi_region::MultiRegion;
use keyreeve_model::region::{AccountId, Region};

use super::handover::promoted;
use super::progress::{Progress, ReadReplication, Replication};
use super::regions_of;
use super::report::settled;
use crate::audit::{Cause, Forced, ServiceEvent};
use crate::desk::Desk;
use crate::key_access::KeyAccess;
use crate::records::path;
use crate::regions::KeySelection;

/// Keys that are looked at in one page.
const PAGE: usize = 1000;

/// What became of the selected keys.
#[derive(Debug, Default)]
pub(crate) struct Promotions {
    /// Their primary is here from now on.
    pub(crate) done: Vec<KeyArn>,
    /// Their primary is in the lost Region still, as something here is damaged or in the way.
    pub(crate) failed: Vec<(KeyArn, KmsError)>,
}

/// Whether this primary is handing its role over to a Region that is lost.
fn is_stuck(known: &MultiRegion, own: &Region, lost: &Region) -> bool {
    known.primary() == own && known.demoting.as_ref().is_some_and(|demotion| demotion.to == *lost)
}

/// The Regions with this one as the primary still; the next epoch may be that of the lost Region, if it was told.
fn taken_back(known: &MultiRegion, own: &Region) -> MultiRegion {
    let at = known.at.promoted(own.clone()).promoted(own.clone());
    MultiRegion { at, demoting: None, ..known.clone() }
}

/// Why a key cannot be promoted.
fn refused(arn: &KeyArn, why: &str) -> KmsError {
    KmsError::Refused(format!("{arn} {why}"))
}

impl KeyAccess {
    /// As `Service::force_promote` says.
    pub(crate) async fn force_promote(
        &self,
        desk: &Desk<'_>,
        keys: &KeySelection,
        (lost, signers): (&Region, &[String]),
    ) -> Result<Promotions, KmsError> {
        let own = &desk.caller.region;
        if let KeySelection::Key { id, epoch } = keys {
            let arn = self.multi_region_key(own, *id).await?;
            let entry = self.entry(&arn).await?.ok_or_else(|| refused(&arn, "does not exist"))?;
            let known = regions_of(&arn, &entry.record);
            if *known.primary() != *own && known.at.epoch != *epoch {
                return Err(refused(
                    &arn,
                    "has got another primary since the request was made: make a new one",
                ));
            }
            self.force(desk, &arn, (lost, signers)).await?;
            return Ok(Promotions { done: vec![arn], ..Promotions::default() });
        }
        let (prefix, mut after, mut done) = (path::key_owners_prefix(own), None, Promotions::default());
        loop {
            let page = self.records.page::<AccountId>(&prefix, after.as_ref(), PAGE).await?;
            for (place, account) in &page.rows {
                let Some(key_id) = place.as_str().strip_prefix(&prefix).and_then(KeyId::parse) else {
                    continue;
                };
                let arn = KeyArn { region: own.clone(), account: *account, key_id };
                match self.force(desk, &arn, (lost, signers)).await {
                    Ok(()) => done.done.push(arn),
                    Err(KmsError::Refused(why)) => tracing::debug!(%why, "a key is not promoted"),
                    // The confirmation is spent: what can be promoted is.
                    Err(error) => {
                        tracing::error!(key = %arn, %error, "a key could not be promoted");
                        done.failed.push((arn, error));
                    }
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(done),
            }
        }
    }

    /// The epoch of a replica whose primary is lost.
    pub(crate) async fn epoch_of_replica(
        &self,
        own: &Region,
        id: KeyId,
        lost: &Region,
    ) -> Result<u64, KmsError> {
        let arn = self.multi_region_key(own, id).await?;
        let entry = self.entry(&arn).await?.ok_or_else(|| refused(&arn, "does not exist"))?;
        let known = regions_of(&arn, &entry.record);
        if known.primary() != lost && !is_stuck(&known, own, lost) {
            return Err(refused(&arn, &format!("has its primary in {}, not in {lost}", known.primary())));
        }
        Ok(known.at.epoch)
    }

    async fn multi_region_key(&self, own: &Region, id: KeyId) -> Result<KeyArn, KmsError> {
        let owner = self.records.read::<AccountId>(&path::key_owner(own, id)?).await?;
        let owner = owner.ok_or_else(|| KmsError::Refused(format!("no key {id} is in {own}")))?;
        Ok(KeyArn { region: own.clone(), account: owner.value, key_id: id })
    }

    /// Each key has a record of its own, in the trail of its account: the command stands in the operators' log alone.
    async fn force(
        &self,
        desk: &Desk<'_>,
        arn: &KeyArn,
        (lost, signers): (&Region, &[String]),
    ) -> Result<(), KmsError> {
        let entry = self.entry(arn).await?.ok_or_else(|| refused(arn, "does not exist"))?;
        if !arn.key_id.is_multi_region() {
            return Err(refused(arn, "is not a multi-Region key"));
        }
        let known = regions_of(arn, &entry.record);
        let stuck = is_stuck(&known, &arn.region, lost);
        if !stuck && *known.primary() == arn.region && known.replica(lost).is_some() && known.at.epoch > 1 {
            return Ok(());
        }
        if known.primary() != lost && !stuck {
            return Err(refused(arn, &format!("has its primary in {}, not in {lost}", known.primary())));
        }
        if matches!(entry.record.state, KeyState::Creating | KeyState::PendingDeletion) {
            return Err(refused(
                arn,
                &format!("is {} here and cannot become the primary", entry.record.state),
            ));
        }
        let generated = entry.record.origin == keyreeve_model::algorithm::Origin::AwsKms;
        if generated && !entry.record.has_material {
            return Err(refused(arn, "has no material here and cannot become the primary"));
        }
        let mut record = entry.record.clone();
        record.state = settled(&record);
        let regions = if stuck { taken_back(&known, &arn.region) } else { promoted(&known, &arn.region) };
        let here = self.ids_here(&entry).await?;
        if generated {
            record.pending_material = record.pending_material.filter(|id| here.contains(&Some(*id)));
        }
        let read = self.replication(arn).await?;
        let progress = |region| Progress { birth: read.of(region).birth, ..Progress::default() };
        let replicas =
            regions.replicas.iter().map(|replica| (replica.region.clone(), progress(&replica.region)));
        let replication = Replication(replicas.collect());
        let forced = Forced { lost, epoch: regions.at.epoch, signers, request_id: desk.caller.request_id };
        let event = ServiceEvent::force_promote(arn, desk.now, &forced);
        record.multi_region = Some(regions);
        let draft = self.redraft_plain(self.records.draft()?, &entry, &record).await?;
        let stamp = read.stamp;
        let draft = Self::draft_replication(draft, arn, &ReadReplication { replication, stamp })?;
        let draft = self.draft_work(draft, arn).await?;
        self.commit_key(draft, &entry, Cause::Event(&event)).await?;
        tracing::warn!(key = %arn, %lost, "this Region was made the primary of a key by force");
        Ok(())
    }
}
