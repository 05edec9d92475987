//! UpdatePrimaryRegion: the role of the primary goes to a replica that has everything, and to it alone. There is no way
//! back once it may have been told so, but through its own refusal.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-update.html>

use std::collections::BTreeMap;

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_state::{KeyState, StateRule};
use keyreeve_model::multi_region::{Demotion, MultiRegion, Replica, SharedVersion};
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use super::progress::{Progress, ReadReplication, Replication};
use super::regions_of;
use super::report::settled;
use crate::audit::{Cause, ServiceEvent};
use crate::desk::Desk;
use crate::key_access::{AuthorizedKey, KeyAccess, KeyEntry};
use crate::operations::update_primary_region::UpdatePrimaryRegion;
use crate::records::path;
use crate::regions::Regions;
use crate::regions::message::keys::{
    KeyOfAll, MayPromote, Promote, PromotionAnswer, PromotionVerdict, Synchronize, Synchronized, Tombstone,
};

impl AuthorizedKey<UpdatePrimaryRegion> {
    /// Begins to hand the role over; idempotent for the same Region.
    pub(crate) async fn hand_over(&self, desk: &Desk<'_>, to: &Region) -> Result<(), KmsError> {
        let (keys, entry) = (&desk.service.keys, self.entry());
        let mut regions = regions_of(&entry.arn, &entry.record);
        match &regions.demoting {
            Some(demotion) if demotion.to == *to => return Ok(()),
            Some(_) => {
                let updating = keyreeve_model::key_state::StateRefusal::Updating;
                return Err(KmsError::State(entry.arn.clone(), updating));
            }
            None => {}
        }
        regions.demoting = Some(Demotion { to: to.clone(), epoch: regions.at.epoch.saturating_add(1) });
        let mut record = entry.record.clone();
        record.state = KeyState::Updating;
        record.multi_region = Some(regions);
        let draft = keys.redraft_plain(keys.records.draft()?, entry, &record).await?;
        let draft = keys.draft_work(draft, &entry.arn).await?;
        keys.commit_key(draft, entry, Cause::Request(desk)).await
    }
}

impl KeyAccess {
    /// What another Region judges its caller by. Only Regions of the key are told.
    pub(crate) async fn may_promote(
        &self,
        own: &Region,
        from: &Region,
        asked: &MayPromote,
    ) -> Result<PromotionVerdict, KmsError> {
        let arn = asked.key.in_region(own);
        let entry = self.entry(&arn).await?;
        let entry = entry.filter(|entry| regions_of(&arn, &entry.record).since_in(from).is_some());
        Ok(match entry {
            Some(entry) => PromotionVerdict {
                record: Some(Box::new(entry.record.clone())),
                aliases: entry.aliases.clone(),
            },
            None => PromotionVerdict { record: None, aliases: Vec::new() },
        })
    }

    /// What the next primary is told; `None` when the role is not being handed over.
    pub(crate) async fn promote_message(
        &self,
        arn: &KeyArn,
        to: &Region,
    ) -> Result<Option<Promote>, KmsError> {
        let Some(entry) = self.entry(arn).await? else { return Ok(None) };
        let regions = regions_of(arn, &entry.record);
        let read = self.replication(arn).await?;
        let ready = regions.demoting.as_ref().is_some_and(|demotion| demotion.to == *to)
            && read.is_up_to_date(&regions, to);
        if !ready {
            return Ok(None);
        }
        let births = read.replication.0.into_iter();
        let births = births.filter_map(|(region, progress)| Some((region, progress.birth?))).collect();
        Ok(Some(Promote { shared: self.shared(&entry).await?, births }))
    }

    /// The primary makes this Region the next one.
    pub(crate) async fn promote(
        &self,
        regions: &Regions,
        own: &Region,
        from: &Region,
        said: &Promote,
        now: Timestamp,
    ) -> Result<PromotionAnswer, KmsError> {
        let arn = said.shared.key.in_region(own);
        if said.shared.at.primary != *from {
            return Err(KmsError::Refused("a primary hands over its own role only".to_owned()));
        }
        let Some(entry) = self.entry(&arn).await? else {
            let row = self.records.read::<Tombstone>(&path::replica_gone(&arn)?).await?;
            let gone = row.map_or(Synchronized::Absent, |row| Synchronized::Gone(row.value));
            return Ok(PromotionAnswer::NotReady(gone));
        };
        let known = regions_of(&arn, &entry.record);
        let listed = known.since_in(from).is_some();
        if listed && known.primary() == own && known.at.epoch > said.shared.at.epoch {
            return Ok(PromotionAnswer::Promoted(Box::new(self.shared(&entry).await?)));
        }
        if known.refused.as_ref().is_some_and(|refused| *refused >= said.shared.at) {
            return Ok(PromotionAnswer::Refused("it was refused before".to_owned()));
        }
        let standing = self.standing(regions, &entry, from, &said.shared, now).await?;
        let complete = standing.lacks.is_empty() && standing.extra.is_empty() && standing.orphans.is_empty();
        if known.at != said.shared.at || known.primary() != from || !complete {
            return Ok(PromotionAnswer::NotReady(Synchronized::Here(Box::new(standing))));
        }
        if let Err(refusal) = StateRule::Crypto.check(entry.record.state) {
            return self.refuse_promotion(&entry, said, refusal.text(), now).await;
        }
        self.become_primary(&entry, &known, said.births.clone(), now).await?;
        let entry = self.entry(&arn).await?.ok_or(KmsError::Conflict)?;
        Ok(PromotionAnswer::Promoted(Box::new(self.shared(&entry).await?)))
    }

    /// A refusal holds for ever: a copy of the request that arrives later must not be granted.
    async fn refuse_promotion(
        &self,
        entry: &KeyEntry,
        said: &Promote,
        why: &str,
        now: Timestamp,
    ) -> Result<PromotionAnswer, KmsError> {
        let (mut record, mut regions) = (entry.record.clone(), regions_of(&entry.arn, &entry.record));
        regions.refused = Some(said.shared.at.clone());
        record.multi_region = Some(regions);
        let draft = self.redraft_plain(self.records.draft()?, entry, &record).await?;
        self.commit_key(draft, entry, Cause::Upkeep(now)).await?;
        Ok(PromotionAnswer::Refused(format!("{} {why}", entry.arn)))
    }

    /// This Region becomes the primary of a key, in the next epoch after what is known.
    pub(super) async fn become_primary(
        &self,
        entry: &KeyEntry,
        known: &MultiRegion,
        mut births: BTreeMap<Region, crate::regions::message::keys::Birth>,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let (arn, mut record) = (&entry.arn, entry.record.clone());
        let regions = promoted(known, &arn.region);
        let replicas = regions.replicas.iter().map(|replica| {
            let birth = births.remove(&replica.region);
            (replica.region.clone(), Progress { birth, ..Progress::default() })
        });
        let replication = Replication(replicas.collect());
        record.multi_region = Some(regions);
        let draft = self.redraft_plain(self.records.draft()?, entry, &record).await?;
        let stamp = self.replication(arn).await?.stamp;
        let draft = Self::draft_replication(draft, arn, &ReadReplication { replication, stamp })?;
        let draft = self.draft_work(draft, arn).await?;
        let event = ServiceEvent::synchronize(arn, now);
        self.commit_key(draft, entry, Cause::Event(&event)).await?;
        tracing::info!(key = %arn, "this Region is the primary of a key from now on");
        Ok(())
    }

    /// What the next primary answered, when it was told what was shared at `told`.
    pub(crate) async fn promotion_answered(
        &self,
        regions: &Regions,
        arn: &KeyArn,
        (by, told): (&Region, &SharedVersion),
        answer: PromotionAnswer,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        match answer {
            PromotionAnswer::Promoted(shared) => {
                if shared.key != KeyOfAll::of(arn) {
                    return Err(KmsError::Refused(format!("{by} answers about another key")));
                }
                let said = Synchronize { shared: *shared, birth: None, materials: Vec::new() };
                self.synchronize(regions, &arn.region, by, &said, now).await.map(drop)
            }
            PromotionAnswer::NotReady(answer) => {
                // What it said it has was of an earlier life, or is lost: it is told again.
                if let Some(entry) = self.entry(arn).await? {
                    self.note_progress(&entry, by, now, |progress| progress.acknowledged = None).await?;
                }
                self.pushed(regions, arn, (by, told), answer, now).await.map(drop)
            }
            PromotionAnswer::Refused(why) => {
                tracing::warn!(key = %arn, region = %by, %why, "a Region refuses to become the primary of a key");
                self.stay_primary(arn, (by, told), now).await
            }
        }
    }

    /// A refusal ends the try that it is about. That of an earlier one may arrive when a later one was granted.
    async fn stay_primary(
        &self,
        arn: &KeyArn,
        (refused_by, told): (&Region, &SharedVersion),
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let Some(entry) = self.entry(arn).await? else { return Ok(()) };
        let (mut record, mut regions) = (entry.record.clone(), regions_of(arn, &entry.record));
        let demotion = regions.demoting.take();
        if regions.at != *told || demotion.is_none_or(|demotion| demotion.to != *refused_by) {
            return Ok(());
        }
        regions.at = regions.at.next();
        record.state = settled(&record);
        record.multi_region = Some(regions);
        let draft = self.redraft_plain(self.records.draft()?, &entry, &record).await?;
        let draft = self.draft_work(draft, arn).await?;
        let event = ServiceEvent::synchronize(arn, now);
        self.commit_key(draft, &entry, Cause::Event(&event)).await
    }
}

/// The Regions with this one as the primary, in the next epoch; the old one is a replica in its place.
pub(super) fn promoted(known: &MultiRegion, own: &Region) -> MultiRegion {
    let old = Replica { region: known.primary().clone(), since: known.since.clone() };
    let mut after = known.clone();
    after.since = known.since_in(own).unwrap_or(&known.at).clone();
    after.at = known.at.promoted(own.clone());
    after.demoting = None;
    after.refused = None;
    after.only_here = false;
    match after.replicas.iter_mut().find(|replica| replica.region == *own) {
        Some(place) => *place = old,
        None => after.replicas.push(old),
    }
    let orphans = std::mem::take(&mut after.orphans);
    for orphan in orphans {
        if !super::lists(&after, &orphan) {
            after.replicas.retain(|replica| replica.region != orphan.region);
            after.replicas.push(orphan);
        }
    }
    after
}
