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
use crate::records::path;

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

    /// The material whose id begins as a ciphertext says, if the key has it.
    pub(super) async fn material_named(
        &self,
        entry: &KeyEntry,
        prefix: &[u8; 16],
    ) -> Result<Option<Arc<Material>>, KmsError> {
        match entry.record.current_material {
            Some(id) if id.prefix() == *prefix => self.current_material(entry).await.map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// Requests that want the same material at once open it once: each further copy of a private key would be one more
    /// to keep and to find.
    async fn material(&self, entry: &KeyEntry, slot: MaterialSlot) -> Result<Arc<Material>, KmsError> {
        self.materials.get_or_insert_async(&slot, self.open_material(entry, &slot)).await
    }

    async fn open_material(&self, entry: &KeyEntry, slot: &MaterialSlot) -> Result<Arc<Material>, KmsError> {
        let row = self.records.read_bytes(&path::material(slot)?).await?.ok_or_else(|| {
            tracing::error!(key = %entry.arn, "the key's material is missing from the store");
            KmsError::Internal
        })?;
        let unwrapped = self.records.keyring().unwrap_material(&row.value, &binding(slot, &entry.record)).map_err(|_| {
            tracing::error!(key = %entry.arn, "the key's material does not unwrap: its rows were altered");
            KmsError::Internal
        })?;
        Ok(Arc::new(Material::open(&entry.arn, &entry.record, &unwrapped)?))
    }
}
