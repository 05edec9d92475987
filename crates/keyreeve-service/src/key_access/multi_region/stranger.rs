//! A Region that this one does not list speaks as the primary of a key: a replica that the lost primary alone knew of and
//! that was made the primary by force, or a trusted Region that was broken into. The former has a material of the key.

use keyreeve_model::algorithm::Origin;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::multi_region::MultiRegion;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use super::regions_of;
use crate::key_access::{KeyAccess, KeyEntry};
use crate::regions::Regions;
use crate::regions::message::keys::{SealedMaterial, Synchronize};

/// Materials of which a Region is asked to show one: the oldest, as whoever has the key has them.
const SHOWN_MAX: usize = 8;

/// Whether a Region is known to be one of the key: from a primary, or from an earlier one.
pub(super) fn is_known(known: &MultiRegion, region: &Region) -> bool {
    known.since_in(region).is_some() || known.orphans.iter().any(|orphan| orphan.region == *region)
}

impl KeyAccess {
    /// Of which materials a Region must show one before its word counts; `None` when it counts.
    pub(super) async fn to_be_shown(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        from: &Region,
        said: &Synchronize,
        now: Timestamp,
    ) -> Result<Option<Vec<Option<MaterialId>>>, KmsError> {
        let known = regions_of(&entry.arn, &entry.record);
        if said.shared.at <= known.at || is_known(&known, from) {
            return Ok(None);
        }
        // Whose replica was deleted has what there was then.
        let was_there = known.gone.contains_key(from);
        let asked = self.known_materials(entry, was_there).await?;
        for sealed in said.materials.iter().filter(|sealed| asked.contains(&sealed.id)).take(SHOWN_MAX) {
            if self.is_shown(regions, entry, from, sealed, now).await? {
                tracing::warn!(key = %entry.arn, region = %from, "a Region that was not listed has the key, and is believed");
                return Ok(None);
            }
        }
        tracing::warn!(key = %entry.arn, region = %from, "a Region that is not listed says that it is the primary of a key");
        Ok(Some(asked))
    }

    /// What of the key this Region could recognise.
    async fn known_materials(
        &self,
        entry: &KeyEntry,
        current_alone: bool,
    ) -> Result<Vec<Option<MaterialId>>, KmsError> {
        let KeyRecord { current_material, has_material, origin, .. } = &entry.record;
        if current_alone {
            return Ok(if *has_material { vec![*current_material] } else { Vec::new() });
        }
        let (here, history) = (self.ids_here(entry).await?, self.history(&entry.arn, &entry.record).await?);
        // A replica that waits for its material knows what it is called.
        let named = here.is_empty() && *origin == Origin::AwsKms;
        let known = history.history.0.iter().map(|material| material.id);
        let known = known.filter(|id| here.contains(id) || named && id.is_some());
        Ok(known.take(SHOWN_MAX).collect())
    }

    async fn is_shown(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        from: &Region,
        sealed: &SealedMaterial,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let record = &entry.record;
        if record.origin != Origin::AwsKms {
            return self.is_print(regions, entry, from, sealed, now).await;
        }
        let Ok(shown) = self.open_sealed(regions, &entry.arn, record, from, sealed, now).await else {
            return Ok(false);
        };
        // What has an id was held against it.
        if sealed.id.is_some() {
            return Ok(true);
        }
        let own = self.material_here(entry, sealed.id).await?;
        Ok(own.is_some_and(|own| own.ct_eq(&shown)))
    }
}
