//! Wrapping of key material under the domain keys, bound to the row that it belongs to.
//!
//! The binding is associated data: material moved to another row, or a row whose spec, usage or origin was edited at
//! rest, does not unwrap.

use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::region::AccountId;

use crate::error::Unspecified;
use crate::fields::Fields;
use crate::keyring::sealed::{Kind, Sealed};
use crate::keyring::{Keyring, Purpose};
use crate::secret::KeyMaterial;

/// What wrapped material belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The account of the key.
    pub account: AccountId,
    /// The key.
    pub key_id: KeyId,
    /// Its spec.
    pub spec: KeySpec,
    /// Its usage.
    pub usage: KeyUsage,
    /// Its origin.
    pub origin: Origin,
    /// The id of the material; `None` for keys that have one material for life (HMAC, asymmetric).
    pub material_id: Option<MaterialId>,
}

impl Binding {
    fn fields(&self) -> Fields {
        let material_id = self.material_id.as_ref().map_or(&[][..], |id| id.bytes());
        Fields::of("keyreeve/v1/material")
            .with(self.account.as_str().as_bytes())
            .with(self.key_id.bytes())
            .with(&[u8::from(self.key_id.is_multi_region())])
            .with(self.spec.as_str().as_bytes())
            .with(self.usage.as_str().as_bytes())
            .with(self.origin.as_str().as_bytes())
            .with(material_id)
    }
}

/// The epoch of the domain key that wraps these bytes, as they claim.
///
/// # Errors
/// [`Unspecified`] when they are no wrapped material.
pub fn epoch_of(wrapped: &[u8]) -> Result<u32, Unspecified> {
    Ok(Sealed::parse(wrapped, Kind::Material)?.stamp.epoch)
}

impl Keyring {
    /// Wraps material under the active domain key, 60 bytes longer than the material.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn wrap_material(&self, material: &KeyMaterial, binding: &Binding) -> Result<Vec<u8>, Unspecified> {
        self.seal(Purpose::Domain, 0, 0, binding.fields().bytes(), material.expose_secret())
    }

    /// Unwraps material of the same binding. After creating or importing, call it with the bytes read back from
    /// the store before answering.
    ///
    /// # Errors
    /// [`Unspecified`] when bytes or binding were altered, or the epoch is gone.
    pub fn unwrap_material(&self, wrapped: &[u8], binding: &Binding) -> Result<KeyMaterial, Unspecified> {
        let sealed = Sealed::parse(wrapped, Kind::Material)?;
        let material = sealed.open(self.key_of(Purpose::Domain, &sealed)?, binding.fields().bytes())?;
        Ok(KeyMaterial::from(material))
    }

    /// The same material under the active domain key; the meaning is unchanged.
    ///
    /// # Errors
    /// As [`Self::unwrap_material`].
    pub fn rewrap_material(&self, wrapped: &[u8], binding: &Binding) -> Result<Vec<u8>, Unspecified> {
        let material = self.unwrap_material(wrapped, binding)?;
        let rewrapped = self.wrap_material(&material, binding)?;
        // Pair assertion: the old bytes are about to be overwritten for good.
        if self.unwrap_material(&rewrapped, binding)?.ct_eq(&material) {
            Ok(rewrapped)
        } else {
            Err(Unspecified)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;
    use keyreeve_model::timestamp::Timestamp;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn binding() -> Binding {
        Binding {
            account: AccountId::ZERO,
            key_id: KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").unwrap(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::AwsKms,
            material_id: Some(MaterialId::new([7; 32])),
        }
    }

    fn material() -> KeyMaterial {
        KeyMaterial::from(SecretBytes::from(vec![9; 32]))
    }

    #[test]
    fn material_unwraps_with_its_own_binding() {
        let keyring = Keyring::generate(NOW).unwrap();
        let wrapped = keyring.wrap_material(&material(), &binding()).unwrap();
        assert!(keyring.unwrap_material(&wrapped, &binding()).unwrap().ct_eq(&material()));
        assert_ne!(wrapped, keyring.wrap_material(&material(), &binding()).unwrap());
    }

    #[test]
    fn a_change_of_any_bound_field_makes_unwrap_fail() {
        let keyring = Keyring::generate(NOW).unwrap();
        let wrapped = keyring.wrap_material(&material(), &binding()).unwrap();
        let id = *binding().key_id.bytes();
        let changed = [
            Binding { account: AccountId::from_number(1), ..binding() },
            Binding { key_id: KeyId::new([0; 16], false), ..binding() },
            Binding { key_id: KeyId::new(id, true), ..binding() },
            Binding { spec: KeySpec::Hmac256, ..binding() },
            Binding { usage: KeyUsage::GenerateVerifyMac, ..binding() },
            Binding { origin: Origin::External, ..binding() },
            Binding { material_id: Some(MaterialId::new([8; 32])), ..binding() },
            Binding { material_id: None, ..binding() },
        ];
        for other in changed {
            assert_eq!(keyring.unwrap_material(&wrapped, &other).unwrap_err(), Unspecified, "{other:?}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_other_length_is_refused() {
        let keyring = Keyring::generate(NOW).unwrap();
        let wrapped = keyring.wrap_material(&material(), &binding()).unwrap();
        for bit in 0..wrapped.len() * 8 {
            let mut forged = wrapped.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(keyring.unwrap_material(&forged, &binding()).is_err(), "bit {bit}");
        }
        for len in 0..wrapped.len() {
            assert!(keyring.unwrap_material(&wrapped[..len], &binding()).is_err(), "length {len}");
        }
    }

    #[test]
    fn rewrapping_moves_material_to_the_active_epoch() {
        let first = Keyring::generate(NOW).unwrap();
        let wrapped = first.wrap_material(&material(), &binding()).unwrap();
        let second = first.rotated(Purpose::Domain, NOW).unwrap();
        let rewrapped = second.rewrap_material(&wrapped, &binding()).unwrap();
        assert_eq!((epoch_of(&wrapped), epoch_of(&rewrapped)), (Ok(1), Ok(2)));
        let third = second.without_epoch(Purpose::Domain, 1).unwrap();
        assert!(third.unwrap_material(&wrapped, &binding()).is_err());
        assert!(third.unwrap_material(&rewrapped, &binding()).unwrap().ct_eq(&material()));
        assert_eq!(epoch_of(b"nonsense"), Err(Unspecified));
    }
}
