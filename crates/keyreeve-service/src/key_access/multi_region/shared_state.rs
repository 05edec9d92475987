//! The shared state of a key, from the rows of one Region.

use std::collections::BTreeSet;

use keyreeve_model::algorithm::Origin;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::rotation::{ImportedMaterial, MaterialEntry, MaterialHistory};

use super::regions_of;
use crate::key_access::imported::waits;
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
        // An earlier primary may have made current what waits at this one: that it encrypted is not forgotten.
        let before = known.filter(|_| self.imported.is_some()).and_then(|entry| entry.rotated);
        MaterialEntry { id: self.id, created: self.created, rotated: self.rotated.or(before), imported }
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

    /// The imported material that waits in a Region, and that the primary which had told of it has deleted since. Nobody
    /// encrypted with it: in one term the primary alone makes a material current, and then never forgets it. Of what an
    /// earlier primary told, that is not known: it stays.
    pub(super) fn withdrawn(&self, record: &KeyRecord, known: &MaterialHistory) -> Option<MaterialId> {
        let id = record.pending_material.filter(|_| self.origin == Origin::External)?;
        let told = record.multi_region.as_ref().filter(|regions| regions.at.version > 0)?;
        let listed = self.history.iter().any(|material| material.id == Some(id));
        let waits = known.find(Some(&id)).is_some_and(|entry| waits(entry, Some(id)));
        (told.at.term() == self.at.term() && waits && !listed).then_some(id)
    }
}

/// Whether other Regions would be told something else by one history than by another.
pub(in crate::key_access) fn tells_apart(one: &MaterialHistory, other: &MaterialHistory) -> bool {
    let shared = |history: &MaterialHistory| -> Vec<_> {
        history.0.iter().map(|entry| SharedMaterial::of(entry, false)).collect()
    };
    shared(one) != shared(other)
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

#[cfg(test)]
mod tests {
    use keyreeve_model::algorithm::KeyUsage;
    use keyreeve_model::key_id::KeyId;
    use keyreeve_model::key_spec::KeySpec;
    use keyreeve_model::multi_region::{MultiRegion, SharedVersion};
    use keyreeve_model::region::{AccountId, Region};
    use keyreeve_model::rotation::{OnDemandRotation, RotationType};
    use keyreeve_model::timestamp::Timestamp;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn entry(number: u8, rotated: bool) -> MaterialEntry {
        MaterialEntry {
            id: Some(MaterialId::new([number; 32])),
            created: NOW,
            rotated: rotated.then_some((NOW, RotationType::OnDemand)),
            imported: Some(ImportedMaterial {
                present: true,
                valid_to: None,
                description: None,
                fingerprint: None,
            }),
        }
    }

    fn at(epoch: u64, version: u64) -> SharedVersion {
        SharedVersion { epoch, primary: Region::parse("us-east-1").unwrap(), version }
    }

    /// A replica that heard last of epoch 2, version 5: the first material, and the second, which waits.
    fn replica(origin: Origin) -> KeyRecord {
        let regions = MultiRegion { at: at(2, 5), ..MultiRegion::first(Region::parse("us-east-1").unwrap()) };
        KeyRecord {
            multi_region: Some(regions),
            current_material: Some(MaterialId::new([1; 32])),
            pending_material: Some(MaterialId::new([2; 32])),
            ..KeyRecord::new(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, origin, NOW)
        }
    }

    fn told(origin: Origin, at: SharedVersion, history: &[MaterialEntry]) -> SharedKey {
        let key_id = KeyId::parse("mrk-1234abcd12ab34cd56ef1234567890ab").unwrap();
        SharedKey {
            key: KeyOfAll { account: AccountId::ZERO, key_id },
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin,
            since: at.clone(),
            at,
            replicas: Vec::new(),
            gone: std::collections::BTreeMap::new(),
            rotation: None,
            on_demand: OnDemandRotation::default(),
            current: Some(MaterialId::new([1; 32])),
            pending: None,
            history: history.iter().map(|entry| SharedMaterial::of(entry, false)).collect(),
        }
    }

    #[test]
    fn only_what_the_primary_of_the_same_term_deleted_while_it_waited_is_withdrawn() {
        use Origin::{AwsKms, External};
        let (first, waiting) = (entry(1, false), entry(2, false));
        let one = MaterialHistory(vec![first.clone(), waiting.clone()]);
        let without = &[first.clone()][..];
        for (why, origin, heard, now, history, expected) in [
            ("deleted", External, at(2, 5), at(2, 6), without, true),
            ("still waits", External, at(2, 5), at(2, 6), &one.0, false),
            ("generated material is nobody's to delete", AwsKms, at(2, 5), at(2, 6), without, false),
            ("the lost primary may have made it current", External, at(2, 5), at(3, 1), without, false),
            ("of the term it was only heard", External, at(2, 0), at(2, 6), without, false),
        ] {
            let mut record = replica(origin);
            record.multi_region.as_mut().unwrap().at = heard;
            let withdrawn = told(origin, now, history).withdrawn(&record, &one);
            assert_eq!(withdrawn, record.pending_material.filter(|_| expected), "{why}");
        }
        let used = MaterialHistory(vec![first, entry(2, true)]);
        assert_eq!(told(External, at(2, 6), without).withdrawn(&replica(External), &used), None);
    }

    #[test]
    fn a_region_remembers_that_an_imported_material_encrypted_when_another_primary_lets_it_wait() {
        let known = MaterialHistory(vec![entry(1, false), entry(2, true)]);
        let merged = told(Origin::External, at(3, 1), &[entry(1, false), entry(2, false)]).merged(&known);
        assert_eq!(merged, known);
    }
}
