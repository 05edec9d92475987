//! What imported material is: a whole key of the right spec, and a name by which the same material is known again.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html>

use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::{KeyClass, KeySpec};
use keyreeve_model::material_id::MaterialId;

use crate::ciphertext_blob::SymmetricKey;
use crate::derivation::DerivationKey;
use crate::digest::sha256;
use crate::error::Unspecified;
use crate::label::FINGERPRINT;
use crate::open_key::OpenKey;
use crate::secret::KeyMaterial;

/// By what material is known again. Neither form gives the material away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaterialIdentity {
    /// Of a symmetric key: the id that clients see.
    Id(MaterialId),
    /// Of other keys, 64 hexadecimal digits. For a key pair the SHA-256 of its public key (SPKI DER): another encoding of
    /// the same private key is the same material. For HMAC a value derived from the bytes under the key's id and their
    /// number, as a key of 32 bytes and the same with a zero after it are not the same.
    Fingerprint(String),
}

impl MaterialIdentity {
    /// The id, where there is one.
    pub const fn id(&self) -> Option<MaterialId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Fingerprint(_) => None,
        }
    }
}

/// Checks that material is a whole key of this spec (length, or strict PKCS#8 DER of the right size, curve and
/// exponent, with halves that fit) and says which it is. SYMMETRIC_DEFAULT is AES-256 also in China, where AWS has
/// SM4-128: 16 bytes are no key here.
///
/// # Errors
/// [`Unspecified`] when it is not, whatever is wrong with it.
pub fn identify(
    spec: KeySpec,
    key_id: KeyId,
    material: &KeyMaterial,
) -> Result<MaterialIdentity, Unspecified> {
    if spec.row().class == KeyClass::Symmetric {
        return SymmetricKey::new(material, key_id).map(|key| MaterialIdentity::Id(*key.material_id()));
    }
    let opened = OpenKey::open(spec, material)?;
    let digest = match opened.public_key() {
        Some(spki) => sha256(spki),
        None => derived(key_id, material)?,
    };
    Ok(MaterialIdentity::Fingerprint(hex::encode(digest)))
}

fn derived(key_id: KeyId, material: &KeyMaterial) -> Result<[u8; 32], Unspecified> {
    let len = u32::try_from(material.len()).map_err(|_| Unspecified)?;
    let mut digest = [0; 32];
    DerivationKey::new(material.expose_secret()).derive(
        &FINGERPRINT,
        &[key_id.bytes(), &len.to_be_bytes()],
        &mut digest,
    )?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open_key;
    use crate::secret::SecretBytes;

    const KEY: KeyId = KeyId::new([3; 16], false);

    fn material(bytes: &[u8]) -> KeyMaterial {
        SecretBytes::from(bytes.to_vec()).into()
    }

    fn fingerprint(spec: KeySpec, bytes: &[u8]) -> Result<String, Unspecified> {
        match identify(spec, KEY, &material(bytes))? {
            MaterialIdentity::Fingerprint(text) => Ok(text),
            MaterialIdentity::Id(_) => panic!("{spec} has no ids"),
        }
    }

    #[test]
    fn only_material_of_the_spec_is_taken() {
        let keys: Vec<_> = [
            KeySpec::Rsa2048,
            KeySpec::EccNistP256,
            KeySpec::EccNistP384,
            KeySpec::EccNistP521,
            KeySpec::EccSecgP256k1,
            KeySpec::EccNistEdwards25519,
            KeySpec::Sm2,
        ]
        .into_iter()
        .map(|spec| (spec, open_key::generate(spec).unwrap()))
        .collect();
        for (spec, key) in &keys {
            for other in KeySpec::ALL.iter().filter(|other| other.row().class == KeyClass::Asymmetric) {
                assert_eq!(identify(*other, KEY, key).is_ok(), other == spec, "{other} of {spec}");
            }
            assert!(fingerprint(*spec, key.expose_secret()).is_ok());
            assert!(fingerprint(*spec, &[key.expose_secret(), &[0]].concat()).is_err(), "{spec} with a tail");
            assert!(fingerprint(*spec, &key.expose_secret()[..key.len() - 1]).is_err(), "{spec} cut");
        }
    }

    #[test]
    fn a_symmetric_key_is_known_by_its_id_and_has_32_bytes() {
        for len in [0, 16, 31, 32, 33] {
            let identity = identify(KeySpec::SymmetricDefault, KEY, &material(&vec![5; len]));
            assert_eq!(identity.is_ok(), len == 32, "{len} bytes");
            assert_eq!(identity.is_ok_and(|identity| identity.id().is_some()), len == 32);
        }
    }

    #[test]
    fn an_hmac_key_is_known_by_its_exact_bytes_on_its_key() {
        let known = fingerprint(KeySpec::Hmac256, &[5; 32]).unwrap();
        assert_eq!(fingerprint(KeySpec::Hmac256, &[5; 32]), Ok(known.clone()));
        let longer = [&[5; 32][..], &[0]].concat();
        assert_ne!(fingerprint(KeySpec::Hmac256, &longer), Ok(known.clone()), "HMAC itself pads with zeros");
        let elsewhere = identify(KeySpec::Hmac256, KeyId::new([4; 16], false), &material(&[5; 32]));
        assert_ne!(elsewhere, Ok(MaterialIdentity::Fingerprint(known)));
    }
}
