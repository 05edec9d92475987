//! Key material on its way between Regions: sealed to the transport key of the Region that it is for, and bound to what it
//! is. The receiving Region wraps it under its own keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::digest::Sha256;
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::Origin;
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

/// What is sealed.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The material.
    Material,
    /// What shows that a Region has an imported material, and does not give it: that never crosses.
    Print,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Material => "material",
            Self::Print => "print",
        }
    }
}

fn print_of(material: &KeyMaterial) -> SecretBytes {
    let mut print = Sha256::new();
    print.update(b"keyreeve/v1/possession\n");
    print.update(material.expose_secret());
    SecretBytes::from(print.finish().to_vec())
}

fn copy_of(material: &KeyMaterial) -> SecretBytes {
    let bytes = material.expose_secret();
    SecretBytes::init_with(bytes.len(), |copy| copy.copy_from_slice(bytes))
}

/// What the sealed bytes are bound to. No part has a line break.
fn bound_to(
    (kind, way): (Kind, Way<'_>),
    arn: &KeyArn,
    record: &KeyRecord,
    id: Option<&MaterialId>,
    epoch: u64,
) -> Vec<u8> {
    let (kind, Way { from, to }) = (kind.name(), way);
    let (account, key, spec, usage, origin) =
        (arn.account, arn.key_id, record.spec, record.usage, record.origin);
    let material = id.map_or_else(|| "only".to_owned(), ToString::to_string);
    format!("{kind}\n{from}\n{to}\n{account}\n{key}\n{material}\n{spec}\n{usage}\n{origin}\n{epoch}")
        .into_bytes()
}

impl KeyAccess {
    /// A material of the key; `None` when it is not here.
    pub(super) async fn material_here(
        &self,
        entry: &KeyEntry,
        id: Option<MaterialId>,
    ) -> Result<Option<KeyMaterial>, KmsError> {
        let slot = MaterialSlot { key: entry.arn.clone(), material: id };
        let Some(row) = self.records.read_bytes(&path::material(&slot)?).await? else { return Ok(None) };
        let material = self.records.keyring().unwrap_material(&row.value, &binding(&slot, &entry.record));
        material.map(Some).map_err(|_| KmsError::Internal)
    }

    /// A material of the key, sealed for another Region; of an imported one what shows that it is here. `None` when it is
    /// not.
    pub(super) async fn seal_material(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        id: Option<MaterialId>,
        to: &Region,
        now: Timestamp,
    ) -> Result<Option<SealedMaterial>, KmsError> {
        let Some(material) = self.material_here(entry, id).await? else { return Ok(None) };
        let (kind, secret) = match entry.record.origin {
            Origin::AwsKms => (Kind::Material, copy_of(&material)),
            Origin::External | Origin::AwsCloudHsm | Origin::ExternalKeyStore => {
                (Kind::Print, print_of(&material))
            }
        };
        let epoch = super::regions_of(&entry.arn, &entry.record).at.epoch;
        let way = Way { from: &entry.arn.region, to };
        let bound = bound_to((kind, way), &entry.arn, &entry.record, id.as_ref(), epoch);
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
        let way = (Kind::Material, Way { from, to: &arn.region });
        let material = KeyMaterial::from(unseal(regions, way, arn, record, sealed, now).await?);
        if material_id(arn, record, &material)? != sealed.id {
            return Err(refused("a material is not the one that its id names"));
        }
        Ok(material)
    }

    /// Whether another Region has shown that it has an imported material that is here.
    pub(super) async fn is_print(
        &self,
        regions: &Regions,
        entry: &KeyEntry,
        from: &Region,
        sealed: &SealedMaterial,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let Some(own) = self.material_here(entry, sealed.id).await? else { return Ok(false) };
        let way = (Kind::Print, Way { from, to: &entry.arn.region });
        let shown = unseal(regions, way, &entry.arn, &entry.record, sealed, now).await;
        Ok(shown.is_ok_and(|shown| shown.ct_eq(&print_of(&own))))
    }
}

async fn unseal(
    regions: &Regions,
    (kind, way): (Kind, Way<'_>),
    arn: &KeyArn,
    record: &KeyRecord,
    sealed: &SealedMaterial,
    now: Timestamp,
) -> Result<SecretBytes, KmsError> {
    let pair = regions.transport_key(way.to, now).await?;
    let bytes = STANDARD.decode(&sealed.sealed).map_err(|_| refused("a material is not base64"))?;
    let bound = bound_to((kind, way), arn, record, sealed.id.as_ref(), sealed.epoch);
    pair.open(&bound, &bytes).map_err(|_| {
        refused("a material does not open: it was sealed for another Region, key or transport key")
    })
}
