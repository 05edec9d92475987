//! Key material: unwrapped once, kept as a parsed handle in a bounded cache.

use std::sync::Arc;

use keyreeve_crypto::ciphertext_blob::SymmetricKey;
use keyreeve_crypto::open_key::OpenKey;
use keyreeve_crypto::secret::KeyMaterial;
use keyreeve_crypto::wrap::Binding;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::{KeyRecord, MaterialSlot};
use keyreeve_model::key_spec::KeyClass;
use keyreeve_model::material_id::MaterialId;

use super::{KeyAccess, KeyEntry};
use crate::records::{Draft, Stamp, path};

/// An opened key.
#[derive(Debug)]
pub(crate) enum Material {
    /// SYMMETRIC_DEFAULT.
    Symmetric(SymmetricKey),
    /// Every other spec.
    Open(Box<OpenKey>),
}

impl Material {
    /// Opens key material for a key.
    pub(super) fn open(arn: &KeyArn, record: &KeyRecord, material: &KeyMaterial) -> Result<Self, KmsError> {
        match record.spec.row().class {
            KeyClass::Symmetric => SymmetricKey::new(material, arn.key_id).map(Self::Symmetric),
            KeyClass::Hmac | KeyClass::Asymmetric => {
                OpenKey::open(record.spec, material).map(|open| Self::Open(Box::new(open)))
            }
        }
        .map_err(|_| KmsError::Internal)
    }

    /// The symmetric key; the gatehouse's usage check and the spec decide before this is asked.
    pub(crate) fn symmetric(&self) -> Result<&SymmetricKey, KmsError> {
        match self {
            Self::Symmetric(key) => Ok(key),
            Self::Open(_) => Err(KmsError::Internal),
        }
    }

    /// The key pair or HMAC key.
    pub(crate) fn open_key(&self) -> Result<&OpenKey, KmsError> {
        match self {
            Self::Open(key) => Ok(key),
            Self::Symmetric(_) => Err(KmsError::Internal),
        }
    }
}

/// The id of a symmetric key's material; other specs have none.
pub(crate) fn material_id(
    arn: &KeyArn,
    record: &KeyRecord,
    material: &KeyMaterial,
) -> Result<Option<MaterialId>, KmsError> {
    match Material::open(arn, record, material)? {
        Material::Symmetric(key) => Ok(Some(*key.material_id())),
        Material::Open(_) => Ok(None),
    }
}

/// What a ciphertext says of the id of its material.
pub(super) type MaterialPrefix = [u8; MaterialId::PREFIX_LEN];

/// What an opened material is called in the cache: as ciphertexts name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct MaterialName {
    key: KeyArn,
    /// `None` for the only material of a key.
    prefix: Option<MaterialPrefix>,
}

impl MaterialName {
    fn of(slot: &MaterialSlot) -> Self {
        Self { key: slot.key.clone(), prefix: slot.material.map(|id| id.prefix()) }
    }
}

/// Where the material that a key uses now is stored.
pub(super) fn current_slot(arn: &KeyArn, record: &KeyRecord) -> MaterialSlot {
    MaterialSlot { key: arn.clone(), material: record.current_material }
}

/// What wrapped material is bound to: swapping two rows, or editing a spec at rest, makes unwrapping fail.
pub(super) fn binding(slot: &MaterialSlot, record: &KeyRecord) -> Binding {
    Binding {
        account: slot.key.account,
        key_id: slot.key.key_id,
        spec: record.spec,
        usage: record.usage,
        origin: record.origin,
        material_id: slot.material,
    }
}

impl KeyAccess {
    pub(super) async fn current_material(&self, entry: &KeyEntry) -> Result<Arc<Material>, KmsError> {
        if let Some(material) = entry.material.get() {
            return Ok(Arc::clone(material));
        }
        let material = self.material(entry, current_slot(&entry.arn, &entry.record)).await?;
        Ok(Arc::clone(entry.material.get_or_init(|| material)))
    }

    /// The material whose id begins as a ciphertext says, if the key has it: the current one, an older one, or one that
    /// waits for its rotation. However many there are, it is found by its path.
    pub(super) async fn material_named(
        &self,
        entry: &KeyEntry,
        prefix: &MaterialPrefix,
    ) -> Result<Option<Arc<Material>>, KmsError> {
        if entry.record.current_material.is_some_and(|id| id.prefix() == *prefix) {
            return self.current_material(entry).await.map(Some);
        }
        if let Some(material) =
            self.materials.get(&MaterialName { key: entry.arn.clone(), prefix: Some(*prefix) })
        {
            return Ok(Some(material));
        }
        match self.slot_named(&entry.arn, prefix).await? {
            Some(slot) => self.material(entry, slot).await.map(Some),
            None => Ok(None),
        }
    }

    /// The slot of the material whose id begins so.
    pub(super) async fn slot_named(
        &self,
        key: &KeyArn,
        prefix: &MaterialPrefix,
    ) -> Result<Option<MaterialSlot>, KmsError> {
        let place = format!("{}{}", path::materials_prefix(key), hex::encode(prefix));
        let found = self.records.paths_below(&place, 1).await?;
        Ok(found.first().and_then(path::material_slot))
    }

    /// Where the key's materials are stored: all that are here.
    pub(super) async fn slots(&self, key: &KeyArn) -> Result<Vec<MaterialSlot>, KmsError> {
        let places = self.records.paths_below(&path::materials_prefix(key), usize::MAX).await?;
        Ok(places.iter().filter_map(path::material_slot).collect())
    }

    /// No cache holds the opened material any more.
    pub(super) fn forget_material(&self, slot: &MaterialSlot) {
        self.materials.remove(&MaterialName::of(slot));
    }

    /// Writes another material of the key. To be read back once it is committed (`verify_stored`).
    pub(super) fn put_material(
        draft: Draft,
        slot: &MaterialSlot,
        record: &KeyRecord,
        material: &KeyMaterial,
        before: Option<Stamp>,
    ) -> Result<Draft, KmsError> {
        let wrapped = draft.keyring().wrap_material(material, &binding(slot, record));
        draft.put_bytes(&path::material(slot)?, before, &wrapped.map_err(|_| KmsError::Internal)?)
    }

    /// Reads a material back from the persisted bytes and compares: one that could not be read again later must
    /// never be acknowledged.
    pub(super) async fn verify_stored(
        &self,
        record: &KeyRecord,
        slot: MaterialSlot,
        material: &KeyMaterial,
    ) -> Result<(), KmsError> {
        if self.is_stored(record, &slot, material).await? { Ok(()) } else { Err(KmsError::Internal) }
    }

    /// As [`Self::verify_stored`]; answers `false` where nothing is stored.
    pub(super) async fn is_stored(
        &self,
        record: &KeyRecord,
        slot: &MaterialSlot,
        material: &KeyMaterial,
    ) -> Result<bool, KmsError> {
        let Some(row) = self.records.read_bytes(&path::material(slot)?).await? else { return Ok(false) };
        let unwrapped = self.records.keyring().unwrap_material(&row.value, &binding(slot, record));
        if !unwrapped.is_ok_and(|unwrapped| unwrapped.ct_eq(material)) {
            tracing::error!(key = %slot.key, "new key material reads back differently: it is not acknowledged");
            return Err(KmsError::Internal);
        }
        // That it opens, too. What was opened goes into the cache at its first use: that one knows whether the material was
        // deleted meanwhile.
        Material::open(&slot.key, record, material).map(|_| true)
    }

    /// Reads a material of the key from the store, past every cache.
    pub(super) async fn check_stored(
        &self,
        entry: &KeyEntry,
        material: Option<MaterialId>,
    ) -> Result<(), KmsError> {
        self.open_material(entry, &MaterialSlot { key: entry.arn.clone(), material }).await.map(drop)
    }

    /// Requests that want the same material at once open it once: each further copy of a private key would be one more
    /// to keep and to find.
    async fn material(&self, entry: &KeyEntry, slot: MaterialSlot) -> Result<Arc<Material>, KmsError> {
        let name = MaterialName::of(&slot);
        let material = self.materials.get_or_insert_async(&name, self.open_material(entry, &slot)).await?;
        // One that was deleted while it was being opened stays with nobody who asks later.
        if !self.is_current(entry) {
            self.materials.remove(&name);
        }
        Ok(material)
    }

    async fn open_material(&self, entry: &KeyEntry, slot: &MaterialSlot) -> Result<Arc<Material>, KmsError> {
        let Some(row) = self.records.read_bytes(&path::material(slot)?).await? else {
            return Err(self.missing(entry).await);
        };
        let unwrapped = self.records.keyring().unwrap_material(&row.value, &binding(slot, &entry.record)).map_err(|_| {
            tracing::error!(key = %entry.arn, "the key's material does not unwrap: its rows were altered");
            KmsError::Internal
        })?;
        Ok(Arc::new(Material::open(&entry.arn, &entry.record, &unwrapped)?))
    }

    /// Why a material that a request needs is not here: it was deleted once the request had been judged, which is judged
    /// anew; or its row is lost.
    async fn missing(&self, entry: &KeyEntry) -> KmsError {
        self.forget_key(&entry.arn);
        match self.entry(&entry.arn).await {
            Ok(Some(now)) if now.stamp == entry.stamp => {
                tracing::error!(key = %entry.arn, "the key's material is missing from the store");
                KmsError::Internal
            }
            Ok(_) => KmsError::Conflict,
            Err(error) => error,
        }
    }
}
