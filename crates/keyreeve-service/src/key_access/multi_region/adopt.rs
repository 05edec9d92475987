//! A replica takes over what its primary says.

use keyreeve_model::algorithm::Origin;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::multi_region::{MultiRegion, Replica};
use keyreeve_model::region::Region;
use keyreeve_model::rotation::MaterialHistory;
use keyreeve_model::timestamp::Timestamp;

use super::heard::as_replica;
use super::shared_state::Ids;
use super::{MATERIALS_PER_MESSAGE, lists};
use crate::key_access::imported::refresh;
use crate::regions::message::keys::SharedKey;

impl SharedKey {
    /// The Regions, as the replica in one of them keeps them from now on.
    pub(super) fn regions_at(&self, own: &Region, before: &MultiRegion) -> MultiRegion {
        let mut after = MultiRegion {
            at: self.at.clone(),
            since: self.since.clone(),
            replicas: self.replicas.clone(),
            gone: self.gone.clone(),
            demoting: None,
            refused: before.refused.clone(),
            orphans: Vec::new(),
            only_here: before.only_here,
        };
        // A Region knows best which life it lives.
        if let (Some(lived), Some(own)) =
            (before.since_in(own), after.replicas.iter_mut().find(|replica| replica.region == *own))
            && own.since < *lived
        {
            own.since = lived.clone();
        }
        // Also in one term: a primary that was restored from a backup may have forgotten some.
        let primary = Replica { region: before.primary().clone(), since: before.since.clone() };
        let mut orphans = before.orphans.clone();
        orphans.extend(before.replicas.iter().cloned().chain([primary]));
        // Whoever speaks knows of itself.
        let others = |member: &Replica| member.region != *own && member.region != self.at.primary;
        orphans.retain(|member| others(member) && !lists(&after, member));
        after.orphans = orphans;
        after
    }

    /// Materials that the primary can give and that are not here: the most needed first.
    pub(super) fn lacking(&self, here: &Ids) -> Vec<Option<MaterialId>> {
        if self.origin != Origin::AwsKms {
            return Vec::new();
        }
        let needed = |id: &Option<MaterialId>| *id == self.current || *id == self.pending;
        let mut lacks: Vec<_> = self.held().into_iter().filter(|id| !here.contains(id)).collect();
        lacks.sort_by_key(|id| !needed(id));
        lacks.truncate(MATERIALS_PER_MESSAGE);
        lacks
    }

    /// What a replica does with what it has: encrypts as the primary says, as soon as it has the bytes.
    pub(super) fn apply(
        &self,
        record: &mut KeyRecord,
        history: &MaterialHistory,
        here: &Ids,
        now: Timestamp,
    ) {
        record.rotation = self.rotation;
        record.on_demand = self.on_demand;
        as_replica(record, now);
        match self.origin {
            Origin::AwsKms => self.apply_generated(record, here),
            Origin::External | Origin::AwsCloudHsm | Origin::ExternalKeyStore => {
                self.apply_imported(record, history);
            }
        }
    }

    fn apply_generated(&self, record: &mut KeyRecord, here: &Ids) {
        if here.contains(&self.current) {
            record.current_material = self.current;
            record.has_material = true;
        }
        record.pending_material = self.pending.filter(|id| here.contains(&Some(*id)));
        let held = self.held();
        if let Some(regions) = &mut record.multi_region {
            regions.only_here = here.iter().any(|id| !held.contains(id));
        }
        if record.state == KeyState::Creating && record.has_material && self.lacking(here).is_empty() {
            record.state = KeyState::Enabled;
        }
    }

    fn apply_imported(&self, record: &mut KeyRecord, history: &MaterialHistory) {
        record.current_material = self.current;
        record.pending_material = self.pending;
        refresh(record, history);
        let usable = matches!(record.state, KeyState::Creating | KeyState::Enabled | KeyState::Disabled);
        if usable && !record.has_material {
            record.state = KeyState::PendingImport;
        }
        if let Some(regions) = &mut record.multi_region {
            regions.only_here = false;
        }
    }
}
