//! Key material on its way between Regions: sealed to the transport key of the Region that it is for, and bound to what it
//! is. The receiving Region wraps it under its own keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::{KeyRecord, MaterialSlot};
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use crate::key_access::material::{binding, material_id};
use crate::key_access::{KeyAccess, KeyEntry};
use crate::records::path;
use crate::regions::Regions;
use crate::regions::message::keys::SealedMaterial;

/// The two ends of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) from: &'a Region,
    pub(super) to: &'a Region,
}

fn refused(text: &str) -> KmsError {
    KmsError::Refused(text.to_owned())
}

/// What the sealed bytes are bound to. No part has a line break.
fn bound_to(way: Way<'_>, arn: &KeyArn, record: &KeyRecord, id: Option<&MaterialId>, epoch: u64) -> Vec<u8> {
    let Way { from, to } = way;
    let (account, key, spec, usage, origin) =
        (arn.account, arn.key_id, record.spec, record.usage, record.origin);
    let material = id.map_or_else(|| "only".to_owned(), ToString::to_string);
    format!("material\n{from}\n{to}\n{account}\n{key}\n{material}\n{spec}\n{usage}\n{origin}\n{epoch}")
        .into_bytes()
}

impl KeyAccess {
    /// A material of the key, sealed for another Region; `None` when it is not here.
    pub(super) async fn seal_material(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        id: Option<MaterialId>,
        to: &Region,
        now: Timestamp,
    ) -> Result<Option<SealedMaterial>, KmsError> {
        let slot = MaterialSlot { key: entry.arn.clone(), material: id };
        let Some(row) = self.records.read_bytes(&path::material(&slot)?).await? else { return Ok(None) };
        let material = self.records.keyring().unwrap_material(&row.value, &binding(&slot, &entry.record));
        let material = material.map_err(|_| KmsError::Internal)?;
        let bytes = material.expose_secret();
        let secret = SecretBytes::init_with(bytes.len(), |copy| copy.copy_from_slice(bytes));
        let epoch = super::regions_of(&entry.arn, &entry.record).at.epoch;
        let way = Way { from: &entry.arn.region, to };
        let bound = bound_to(way, &entry.arn, &entry.record, id.as_ref(), epoch);
        let key = regions.transport_public_key(to, now).await?;
        let sealed = key.seal(&bound, &secret).map_err(|_| KmsError::Internal)?;
        Ok(Some(SealedMaterial { id, epoch, sealed: STANDARD.encode(sealed) }))
    }

    /// Opens what another Region sealed for this one, and holds it against its id.
    ///
    /// # Errors
    /// [`KmsError::Refused`] for what is not what it says.
    pub(super) async fn open_sealed(
        &self,
        regions: &Regions,
        arn: &KeyArn,
        record: &KeyRecord,
        from: &Region,
        sealed: &SealedMaterial,
        now: Timestamp,
    ) -> Result<KeyMaterial, KmsError> {
        let pair = regions.transport_key(&arn.region, now).await?;
        let bytes = STANDARD.decode(&sealed.sealed).map_err(|_| refused("a material is not base64"))?;
        let bound = bound_to(Way { from, to: &arn.region }, arn, record, sealed.id.as_ref(), sealed.epoch);
        let opened = pair.open(&bound, &bytes).map_err(|_| {
            refused("a material does not open: it was sealed for another Region, key or transport key")
        })?;
        let material = KeyMaterial::from(opened);
        if material_id(arn, record, &material)? != sealed.id {
            return Err(refused("a material is not the one that its id names"));
        }
        Ok(material)
    }
}
