//! The primary tells a replica what is shared, and makes of the answer what it says.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::multi_region::SharedVersion;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use super::{MATERIALS_PER_MESSAGE, regions_of};
use crate::key_access::{KeyAccess, KeyEntry};
use crate::regions::Regions;
use crate::regions::message::keys::{Standing, Synchronize, Synchronized};

/// What comes after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NextPush {
    /// Another push, with these materials.
    Again(Vec<Option<MaterialId>>),
    /// Nothing for now.
    Done,
}

impl KeyAccess {
    /// What a replica is told; `None` when there is nothing to tell it from here.
    pub(crate) async fn push_message(
        &self,
        regions: &Regions,
        arn: &KeyArn,
        to: &Region,
        lacks: &[Option<MaterialId>],
        now: Timestamp,
    ) -> Result<Option<Synchronize>, KmsError> {
        let Some(entry) = self.entry(arn).await? else { return Ok(None) };
        let known = regions_of(arn, &entry.record);
        if *known.primary() != arn.region || known.replica(to).is_none() {
            return Ok(None);
        }
        let mut materials = Vec::new();
        for id in lacks.iter().take(MATERIALS_PER_MESSAGE) {
            materials.extend(self.seal_material(regions, &entry, *id, to, now).await?);
        }
        let birth = self.replication(arn).await?.of(to).birth;
        Ok(Some(Synchronize { shared: self.shared(&entry).await?, birth, materials }))
    }

    /// What the replica answered, when it was told what was shared at `told`.
    pub(crate) async fn pushed(
        &self,
        regions: &Regions,
        arn: &KeyArn,
        (by, told): (&Region, &SharedVersion),
        answer: Synchronized,
        now: Timestamp,
    ) -> Result<NextPush, KmsError> {
        let Some(entry) = self.entry(arn).await? else { return Ok(NextPush::Done) };
        let known = regions_of(arn, &entry.record);
        let Some(since) = known.replica(by).map(|replica| replica.since.clone()) else {
            return Ok(NextPush::Done);
        };
        if *known.primary() != arn.region {
            return Ok(NextPush::Done);
        }
        match answer {
            Synchronized::Here(standing) if standing.at > known.at => {
                self.hear_of(&entry, &standing.at, now).await.map(|()| NextPush::Again(Vec::new()))
            }
            Synchronized::Gone(tombstone) if tombstone.newest() > &known.at => {
                self.hear_of(&entry, tombstone.newest(), now).await.map(|()| NextPush::Again(Vec::new()))
            }
            // An answer of an earlier life, or to an earlier primary.
            Synchronized::Here(standing) if standing.at.term() < known.at.term() || standing.at < since => {
                Ok(NextPush::Done)
            }
            // By another message, or before a backup was restored here: what it has of the newest, it says when told that.
            Synchronized::Here(standing) if standing.at > *told => Ok(NextPush::Again(Vec::new())),
            Synchronized::Here(standing) => self.acknowledged(regions, &entry, by, *standing, now).await,
            Synchronized::Gone(tombstone) => {
                self.strike_off(&entry, by, &tombstone.since, now).await.map(|_| NextPush::Done)
            }
            Synchronized::Stranger(asked) => {
                // As long as it does not believe this Region, it is as good as away.
                self.note_progress(&entry, by, now, |progress| {
                    progress.behind_since.get_or_insert(now);
                })
                .await?;
                Ok(if asked.is_empty() { NextPush::Done } else { NextPush::Again(asked) })
            }
            Synchronized::Absent if self.replication(arn).await?.of(by).birth.is_some() => Ok(NextPush::Done),
            // It never came to be, and what it was to be born with is lost with the primary that knew it.
            Synchronized::Absent => self.strike_off(&entry, by, &since, now).await.map(|_| NextPush::Done),
        }
    }

    async fn acknowledged(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        by: &Region,
        standing: Standing,
        now: Timestamp,
    ) -> Result<NextPush, KmsError> {
        let Standing { at, state, lacks, holds, extra, orphans } = standing;
        let reports = !extra.is_empty() || !orphans.is_empty();
        if reports && self.take_in(regions, entry, by, extra, orphans, now).await? {
            return Ok(NextPush::Again(Vec::new()));
        }
        // The push after the one that made it opens it.
        let complete = lacks.is_empty() && !reports && state != KeyState::Creating;
        self.note_progress(entry, by, now, |progress| {
            progress.birth = None;
            progress.behind_since = None;
            progress.state = Some(state);
            progress.holds = holds;
            // An answer that comes late does not take back a newer one.
            if complete && progress.acknowledged.as_ref().is_none_or(|known| *known < at) {
                progress.acknowledged = Some(at.clone());
            }
        })
        .await?;
        let newest = at == regions_of(&entry.arn, &entry.record).at;
        let opened = lacks.is_empty() && newest && state != KeyState::Creating;
        Ok(if opened { NextPush::Done } else { NextPush::Again(lacks) })
    }
}
