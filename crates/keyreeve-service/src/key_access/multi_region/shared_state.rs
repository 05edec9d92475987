//! The shared state of a key, from the rows of one Region.

use std::collections::BTreeSet;

use keyreeve_model::algorithm::Origin;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::rotation::{ImportedMaterial, MaterialEntry, MaterialHistory};

use super::regions_of;
use crate::key_access::material_history::ReadHistory;
use crate::key_access::{KeyAccess, KeyEntry};
use crate::regions::message::keys::{KeyOfAll, SharedImport, SharedKey, SharedMaterial};

/// Ids of materials; `None` for an only one.
pub(super) type Ids = BTreeSet<Option<MaterialId>>;

impl SharedMaterial {
    pub(super) fn of(entry: &MaterialEntry, missing: bool) -> Self {
        let imported = entry.imported.as_ref().map(|imported| SharedImport {
            description: imported.description.clone(),
            fingerprint: imported.fingerprint.clone(),
        });
        Self { id: entry.id, created: entry.created, rotated: entry.rotated, imported, missing }
    }

    /// One that this Region was given for a ciphertext, before any primary listed it.
    pub(super) const fn pulled(id: Option<MaterialId>, record: &KeyRecord) -> Self {
        Self { id, created: record.created, rotated: None, imported: None, missing: false }
    }

    /// The entry in a Region that knows this of it so far. Whether an imported one is there, and for how long, stays.
    pub(super) fn entry(&self, known: Option<&MaterialEntry>) -> MaterialEntry {
        let here = known.and_then(|entry| entry.imported.clone());
        let imported = self.imported.as_ref().map(|shared| ImportedMaterial {
            present: here.as_ref().is_some_and(|here| here.present),
            valid_to: here.as_ref().and_then(|here| here.valid_to),
            description: shared.description.clone(),
            fingerprint: shared.fingerprint.clone().or_else(|| here.as_ref()?.fingerprint.clone()),
        });
        MaterialEntry { id: self.id, created: self.created, rotated: self.rotated, imported }
    }
}

impl SharedKey {
    /// Materials that are known and that the primary can give.
    pub(super) fn held(&self) -> Ids {
        self.history.iter().filter(|material| !material.missing).map(|material| material.id).collect()
    }

    /// This history, and what a Region knows beyond it.
    pub(super) fn merged(&self, known: &MaterialHistory) -> MaterialHistory {
        let shared = self.history.iter().map(|material| material.entry(known.find(material.id.as_ref())));
        let listed: Ids = self.history.iter().map(|material| material.id).collect();
        let beyond = known.0.iter().filter(|entry| !listed.contains(&entry.id)).cloned();
        MaterialHistory(shared.chain(beyond).collect())
    }
}

impl KeyAccess {
    /// Ids of the materials whose bytes are here.
    pub(super) async fn ids_here(&self, entry: &KeyEntry) -> Result<Ids, KmsError> {
        Ok(self.slots(&entry.arn).await?.into_iter().map(|slot| slot.material).collect())
    }

    /// What this Region would tell the others, were it the primary.
    pub(super) async fn shared(&self, entry: &KeyEntry) -> Result<SharedKey, KmsError> {
        let read = self.history(&entry.arn, &entry.record).await?;
        self.shared_with(entry, &read).await
    }

    pub(super) async fn shared_with(
        &self,
        entry: &KeyEntry,
        read: &ReadHistory,
    ) -> Result<SharedKey, KmsError> {
        let (record, regions) = (&entry.record, regions_of(&entry.arn, &entry.record));
        // Imported material never crosses: nobody waits for it.
        let generated = record.origin == Origin::AwsKms;
        let here = if generated { self.ids_here(entry).await? } else { Ids::new() };
        let materials = read.history.0.iter();
        Ok(SharedKey {
            key: KeyOfAll::of(&entry.arn),
            spec: record.spec,
            usage: record.usage,
            origin: record.origin,
            at: regions.at,
            since: regions.since,
            replicas: regions.replicas,
            gone: regions.gone,
            rotation: record.rotation,
            on_demand: record.on_demand,
            current: record.current_material,
            pending: record.pending_material,
            history: materials
                .map(|material| SharedMaterial::of(material, generated && !here.contains(&material.id)))
                .collect(),
        })
    }
}
