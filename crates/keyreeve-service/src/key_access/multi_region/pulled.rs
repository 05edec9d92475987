//! A material that a ciphertext names and this Region lacks: asked for in other Regions, and given to those of the key.

use std::sync::Arc;

use keyreeve_model::algorithm::Origin;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::MaterialSlot;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use super::regions_of;
use crate::audit::{Cause, ServiceEvent};
use crate::key_access::material::MaterialPrefix;
use crate::key_access::{KeyAccess, KeyEntry, Material};
use crate::regions::Regions;
use crate::regions::message::keys::{Pull, Pulled, SealedMaterial};

impl KeyAccess {
    /// The Regions that may have a material of the key, the primary's first; none where material never crosses.
    pub(crate) fn regions_to_ask(entry: &KeyEntry) -> Vec<Region> {
        if !entry.arn.key_id.is_multi_region() || entry.record.origin != Origin::AwsKms {
            return Vec::new();
        }
        let regions = regions_of(&entry.arn, &entry.record);
        let orphans = regions.orphans.iter().map(|replica| &replica.region);
        let mut others: Vec<Region> = Vec::new();
        for region in regions.regions().chain(orphans) {
            if *region != entry.arn.region && !others.contains(region) {
                others.push(region.clone());
            }
        }
        others
    }

    /// Another Region lacks a material. Only a Region of the key is given any.
    pub(crate) async fn pull(
        &self,
        regions: &Regions,
        own: &Region,
        from: &Region,
        asked: &Pull,
        now: Timestamp,
    ) -> Result<Pulled, KmsError> {
        let mut prefix: MaterialPrefix = [0; MaterialId::PREFIX_LEN];
        if hex::decode_to_slice(&asked.prefix, &mut prefix).is_err() {
            return Err(KmsError::Refused("a material is asked for by 32 hexadecimal digits".to_owned()));
        }
        let Some(entry) = self.entry(&asked.key.in_region(own)).await? else { return Ok(Pulled::Unknown) };
        if !Self::regions_to_ask(&entry).contains(from) {
            return Ok(Pulled::Unknown);
        }
        let Some(slot) = self.slot_named(&entry.arn, &prefix).await? else { return Ok(Pulled::Unknown) };
        let sealed = self.seal_material(regions, &entry, slot.material, from, now).await?;
        Ok(sealed.map_or(Pulled::Unknown, Pulled::Known))
    }

    /// Keeps what another Region gave.
    pub(crate) async fn keep_pulled(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        from: &Region,
        prefix: &MaterialPrefix,
        sealed: &SealedMaterial,
        now: Timestamp,
    ) -> Result<Option<Arc<Material>>, KmsError> {
        let arn = &entry.arn;
        if sealed.id.is_none_or(|id| id.prefix() != *prefix) {
            return Err(KmsError::Internal);
        }
        let material = self.open_sealed(regions, arn, &entry.record, from, sealed, now).await?;
        let slot = MaterialSlot { key: arn.clone(), material: sealed.id };
        let draft = Self::put_material(self.records.draft()?, &slot, &entry.record, &material, None)?;
        let event = ServiceEvent::synchronize(arn, now);
        match self.records.commit(draft, Cause::Event(&event)).await {
            Ok(()) => self.verify_stored(&entry.record, slot, &material).await?,
            // Another request was first, or it was pushed meanwhile.
            Err(KmsError::Conflict) => {}
            Err(error) => return Err(error),
        }
        self.material_named(entry, prefix).await
    }
}
