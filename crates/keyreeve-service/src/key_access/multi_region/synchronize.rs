//! The answer of a replica to its primary. Every commit stands alone, and what is told twice changes nothing.

use keyreeve_crypto::secret::KeyMaterial;
use keyreeve_model::algorithm::Origin;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::{KeyRecord, MaterialSlot};
use keyreeve_model::key_state::KeyState;
use keyreeve_model::multi_region::{MultiRegion, SharedVersion};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::rotation::MaterialHistory;
use keyreeve_model::timestamp::Timestamp;

use super::{MATERIALS_PER_MESSAGE, regions_of};
use crate::audit::{Cause, ServiceEvent};
use crate::key_access::material_history::ReadHistory;
use crate::key_access::{KeyAccess, KeyEntry};
use crate::records::path;
use crate::regions::Regions;
use crate::regions::message::keys::{
    Birth, SharedKey, SharedMaterial, Standing, Synchronize, Synchronized, Tombstone,
};

/// Materials that a Region reports at once.
const EXTRA_PER_ANSWER: usize = 8;

impl KeyAccess {
    /// Another Region tells this one, as its primary, about a key.
    ///
    /// # Errors
    /// [`KmsError::Refused`]: nothing was done and never will be; others: it may be tried again.
    pub(crate) async fn synchronize(
        &self,
        regions: &Regions,
        own: &Region,
        from: &Region,
        said: &Synchronize,
        now: Timestamp,
    ) -> Result<Synchronized, KmsError> {
        let shared = &said.shared;
        let arn = shared.key.in_region(own);
        if shared.at.primary != *from || !arn.key_id.is_multi_region() {
            return Err(KmsError::Refused("a primary speaks for its own multi-Region keys only".to_owned()));
        }
        if said.materials.len() > MATERIALS_PER_MESSAGE {
            return Err(KmsError::Refused("too many materials in one message".to_owned()));
        }
        let Some(entry) = self.entry(&arn).await? else {
            return self.bear(regions, &arn, said, now).await;
        };
        if (entry.record.spec, entry.record.usage, entry.record.origin)
            != (shared.spec, shared.usage, shared.origin)
        {
            return Err(KmsError::Refused("the key is of another kind here".to_owned()));
        }
        if let Some(asked) = self.to_be_shown(regions, &entry, from, said, now).await? {
            return Ok(Synchronized::Stranger(asked));
        }
        self.tell_again(&entry, from, &shared.at, now).await?;
        let entry = self.adopt(regions, entry, said, from, now).await?;
        let standing = self.standing(regions, &entry, from, shared, now).await?;
        Ok(Synchronized::Here(Box::new(standing)))
    }

    /// Makes the replica.
    async fn bear(
        &self,
        regions: &Regions,
        arn: &KeyArn,
        said: &Synchronize,
        now: Timestamp,
    ) -> Result<Synchronized, KmsError> {
        let shared = &said.shared;
        let place = path::replica_gone(arn)?;
        let tombstone = self.records.read::<Tombstone>(&place).await?;
        let since = shared.replicas.iter().find(|replica| replica.region == arn.region);
        let nothing = SharedVersion::first(shared.at.primary.clone());
        super::check_ahead(tombstone.as_ref().map_or(&nothing, |row| &row.value.at), &shared.at)?;
        if let Some(row) = &tombstone {
            let reborn = since.is_some_and(|replica| replica.since > row.value.since);
            if !reborn || shared.at.term() < row.value.at.term() {
                if shared.at.term() >= row.value.at.term() {
                    self.told_by_answer(arn, now).await?;
                }
                return Ok(Synchronized::Gone(row.value.clone()));
            }
        }
        let Some(listed) = since else { return Ok(Synchronized::Absent) };
        let Some(birth) = &said.birth else {
            // It never came to be, and never will: what an earlier primary says late does not bring it about.
            let gone = Tombstone { since: listed.since.clone(), at: shared.at.clone() };
            let before = tombstone.map(|row| row.stamp);
            let draft = self.records.draft()?.put(&place, before, &gone)?;
            self.records.commit(draft, Cause::Upkeep(now)).await?;
            return Ok(Synchronized::Gone(gone));
        };
        let owner = self.records.read::<AccountId>(&path::key_owner(&arn.region, arn.key_id)?).await?;
        if owner.is_some() {
            return Err(KmsError::Refused("the key id belongs to another key in this Region".to_owned()));
        }
        self.within_quota(arn).await?;
        let record = born(arn, shared, birth);
        let history = shared.merged(&MaterialHistory::default());
        let mut draft = self
            .records
            .draft()?
            .put(&path::key_owner(&arn.region, arn.key_id)?, None, &arn.account)?
            .put(&path::key(arn)?, None, &record)?
            .put(&path::material_history(arn)?, None, &history)?;
        if let Some((when, _)) = record.next_due(&arn.region) {
            draft = draft.put(&path::due(arn, when)?, None, &())?;
        }
        if let Some(row) = tombstone {
            draft = draft.delete(&place, row.stamp);
            draft = self.draft_told(draft, arn).await?;
        }
        let event = ServiceEvent::synchronize(arn, now);
        let outcome = self.records.commit(draft, Cause::Event(&event)).await;
        self.forget_key(arn);
        outcome?;
        self.counts.adjust(&(arn.region.clone(), arn.account), 1);
        tracing::info!(key = %arn, primary = %shared.at.primary, "a replica of a key is made");
        let entry = self.entry(arn).await?.ok_or(KmsError::Conflict)?;
        let standing = self.standing(regions, &entry, &shared.at.primary, shared, now).await?;
        Ok(Synchronized::Here(Box::new(standing)))
    }

    /// Takes over what is newer, and stores what was lacking.
    async fn adopt(
        &self,
        regions: &Regions,
        entry: std::sync::Arc<KeyEntry>,
        said: &Synchronize,
        from: &Region,
        now: Timestamp,
    ) -> Result<std::sync::Arc<KeyEntry>, KmsError> {
        let (arn, shared) = (&entry.arn, &said.shared);
        let before = regions_of(arn, &entry.record);
        if shared.at < before.at {
            return Ok(entry);
        }
        super::check_ahead(&before.at, &shared.at)?;
        let mut here = self.ids_here(&entry).await?;
        let mut new: Vec<(MaterialSlot, KeyMaterial)> = Vec::new();
        // Of an imported one there are only what shows that the primary has it.
        let given = said.materials.iter().filter(|_| entry.record.origin == Origin::AwsKms);
        for sealed in given {
            if here.insert(sealed.id) {
                let material = self.open_sealed(regions, arn, &entry.record, from, sealed, now).await?;
                new.push((MaterialSlot { key: arn.clone(), material: sealed.id }, material));
            }
        }
        let read = self.history(arn, &entry.record).await?;
        let mut history = shared.merged(&read.history);
        let withdrawn = shared.withdrawn(&entry.record, &read.history);
        history.0.retain(|material| withdrawn.is_none() || material.id != withdrawn);
        let mut record = entry.record.clone();
        record.multi_region = Some(shared.regions_at(&arn.region, &before));
        shared.apply(&mut record, &history, &here, now);
        if record == entry.record && history == read.history && new.is_empty() {
            return Ok(entry);
        }
        let read = ReadHistory { history, stamp: read.stamp };
        let mut draft = self.redraft_plain(self.records.draft()?, &entry, &record).await?;
        draft = Self::draft_history(draft, arn, &read)?;
        draft = self.draft_no_primary(draft, arn).await?;
        for (slot, material) in &new {
            draft = Self::put_material(draft, slot, &record, material, None)?;
        }
        let withdrawn = withdrawn.map(|id| MaterialSlot { key: arn.clone(), material: Some(id) });
        if let Some(slot) = &withdrawn {
            draft = self.remove_material(draft, slot).await?;
        }
        let event = ServiceEvent::synchronize(arn, now);
        let outcome = self.commit_key(draft, &entry, Cause::Event(&event)).await;
        if let Some(slot) = &withdrawn {
            self.forget_material(slot);
        }
        outcome?;
        for (slot, material) in new {
            self.verify_stored(&record, slot, &material).await?;
        }
        if *before.primary() == arn.region {
            tracing::warn!(key = %arn, primary = %from, "this Region is not the primary of a key any more");
        }
        self.entry(arn).await?.ok_or(KmsError::Conflict)
    }

    /// How far this Region is, for whoever said `told`.
    pub(super) async fn standing(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        asker: &Region,
        told: &SharedKey,
        now: Timestamp,
    ) -> Result<Standing, KmsError> {
        let known = regions_of(&entry.arn, &entry.record);
        let (at, orphans) = (known.at.clone(), known.orphans.clone());
        let history = self.history(&entry.arn, &entry.record).await?.history;
        let imported =
            history.0.iter().filter(|material| material.imported.as_ref().is_some_and(|i| i.present));
        let mut standing = Standing {
            state: entry.record.state,
            lacks: Vec::new(),
            holds: imported.map(|material| material.id).collect(),
            extra: Vec::new(),
            orphans: Vec::new(),
            at,
        };
        // Whoever is of another term learns that alone.
        if standing.at.term() != told.at.term() || entry.record.origin != Origin::AwsKms {
            if standing.at.term() == told.at.term() {
                standing.orphans = orphans;
            }
            return Ok(standing);
        }
        standing.orphans = orphans;
        let (here, held) = (self.ids_here(entry).await?, told.held());
        standing.lacks = told.lacking(&here);
        if known.since_in(asker).is_none() {
            // It hears how things are; material is for the Regions of the key.
            return Ok(Standing { orphans: Vec::new(), ..standing });
        }
        for id in here.iter().filter(|id| !held.contains(id)).take(EXTRA_PER_ANSWER) {
            let listed = history.find(id.as_ref()).map(|material| SharedMaterial::of(material, false));
            let material = listed.unwrap_or_else(|| SharedMaterial::pulled(*id, &entry.record));
            let sealed = self.seal_material(regions, entry, *id, asker, now).await?;
            standing.extra.extend(sealed.map(|sealed| (material, sealed)));
        }
        Ok(standing)
    }
}

fn born(arn: &KeyArn, shared: &SharedKey, birth: &Birth) -> KeyRecord {
    let empty = MultiRegion::first(shared.at.primary.clone());
    let mut regions = shared.regions_at(&arn.region, &empty);
    regions.orphans.clear();
    KeyRecord {
        state: KeyState::Creating,
        description: birth.description.clone(),
        policy: birth.policy.clone(),
        policy_pins: birth.policy_pins.clone(),
        tags: birth.tags.clone(),
        rotation: shared.rotation,
        on_demand: shared.on_demand,
        multi_region: Some(regions),
        ..KeyRecord::new(shared.spec, shared.usage, shared.origin, birth.created)
    }
}
