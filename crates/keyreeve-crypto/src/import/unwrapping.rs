//! Wrapping keys, and unwrapping by each algorithm. RSA_AES_KEY_WRAP is OAEP of an AES key, as long as the modulus, before
//! RFC 5649 AES-KWP of the material under it (PKCS#11 CKM_RSA_AES_KEY_WRAP).

use std::fmt;

use keyreeve_model::algorithm::EncryptionAlgorithm;
use keyreeve_model::import::{WrappingAlgorithm, WrappingKeySpec};
use keyreeve_native::key_wrap;

use crate::error::Unspecified;
use crate::open_key::{self, OpenKey};
use crate::secret::{KeyMaterial, Plaintext, SecretBytes};

/// A fresh wrapping key: its private half travels in the import token, sealed.
pub struct WrappingKey {
    /// PKCS#8 DER.
    pub private: KeyMaterial,
    /// SPKI DER.
    pub public: Vec<u8>,
}

impl WrappingKey {
    /// Generates one. RSA takes tens to hundreds of milliseconds.
    ///
    /// # Errors
    /// [`Unspecified`] when the generator fails.
    pub fn generate(spec: WrappingKeySpec) -> Result<Self, Unspecified> {
        let private = open_key::generate(spec.key_spec())?;
        let public = OpenKey::open(spec.key_spec(), &private)?.public_key().ok_or(Unspecified)?.to_vec();
        Ok(Self { private, public })
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappingKey").finish_non_exhaustive()
    }
}

/// What one step of a wrapping is.
enum Steps {
    /// The public key encrypts the material.
    Direct(EncryptionAlgorithm),
    /// The public key encrypts an AES key, and that wraps the material.
    ByAesKey(EncryptionAlgorithm),
}

const fn steps(algorithm: WrappingAlgorithm) -> Option<Steps> {
    match algorithm {
        // AWS takes it no longer; `import::can_wrap` knows no key for it.
        WrappingAlgorithm::RsaesPkcs1V15 => None,
        WrappingAlgorithm::RsaesOaepSha1 => Some(Steps::Direct(EncryptionAlgorithm::RsaesOaepSha1)),
        WrappingAlgorithm::RsaesOaepSha256 => Some(Steps::Direct(EncryptionAlgorithm::RsaesOaepSha256)),
        WrappingAlgorithm::RsaAesKeyWrapSha1 => Some(Steps::ByAesKey(EncryptionAlgorithm::RsaesOaepSha1)),
        WrappingAlgorithm::RsaAesKeyWrapSha256 => Some(Steps::ByAesKey(EncryptionAlgorithm::RsaesOaepSha256)),
        WrappingAlgorithm::Sm2Pke => Some(Steps::Direct(EncryptionAlgorithm::Sm2Pke)),
    }
}

/// Unwraps material with the private half of a wrapping key (PKCS#8 DER). What comes out is not checked here:
/// [`super::identify`] does.
///
/// # Errors
/// [`Unspecified`] for everything that does not unwrap, whatever is wrong with it.
pub fn unwrap(
    algorithm: WrappingAlgorithm,
    spec: WrappingKeySpec,
    private: &KeyMaterial,
    wrapped: &[u8],
) -> Result<KeyMaterial, Unspecified> {
    let key = OpenKey::open(spec.key_spec(), private)?;
    match steps(algorithm).ok_or(Unspecified)? {
        Steps::Direct(encryption) => key.decrypt(encryption, wrapped).map(KeyMaterial::from),
        Steps::ByAesKey(encryption) => {
            let modulus_len = spec.key_spec().rsa_modulus_len().ok_or(Unspecified)?;
            let (first, second) = wrapped.split_at_checked(modulus_len).ok_or(Unspecified)?;
            unwrap_by(&key.decrypt(encryption, first)?, second)
        }
    }
}

fn unwrap_by(aes_key: &Plaintext, wrapped: &[u8]) -> Result<KeyMaterial, Unspecified> {
    let mut len = 0;
    let room = SecretBytes::try_init_with(wrapped.len(), |room| {
        len = key_wrap::unwrap_padded(aes_key.expose_secret(), wrapped, room)?;
        Ok::<_, Unspecified>(())
    })?;
    let material = room.expose_secret().get(..len).ok_or(Unspecified)?;
    Ok(SecretBytes::init_with(len, |bytes| bytes.copy_from_slice(material)).into())
}

#[cfg(test)]
mod tests {
    use keyreeve_model::key_spec::KeySpec;

    use super::*;
    use crate::open_key::PublicKey;
    use WrappingAlgorithm as A;

    fn wrap(
        key: &WrappingKey,
        spec: WrappingKeySpec,
        algorithm: EncryptionAlgorithm,
        bytes: &[u8],
    ) -> Vec<u8> {
        PublicKey::from_spki(spec.key_spec(), &key.public).unwrap().encrypt(algorithm, bytes).unwrap()
    }

    #[test]
    fn direct_wrappings_unwrap_with_their_own_algorithm_only() {
        for (spec, pairs) in [
            (
                WrappingKeySpec::Rsa2048,
                &[
                    (A::RsaesOaepSha1, EncryptionAlgorithm::RsaesOaepSha1),
                    (A::RsaesOaepSha256, EncryptionAlgorithm::RsaesOaepSha256),
                ][..],
            ),
            (WrappingKeySpec::Sm2, &[(A::Sm2Pke, EncryptionAlgorithm::Sm2Pke)]),
        ] {
            let key = WrappingKey::generate(spec).unwrap();
            for (algorithm, encryption) in pairs {
                let wrapped = wrap(&key, spec, *encryption, &[7; 32]);
                for other in WrappingAlgorithm::ALL {
                    let unwrapped = unwrap(*other, spec, &key.private, &wrapped);
                    assert_eq!(unwrapped.is_ok(), other == algorithm, "{other} of {algorithm}");
                }
                let unwrapped = unwrap(*algorithm, spec, &key.private, &wrapped).unwrap();
                assert_eq!(unwrapped.expose_secret(), [7; 32]);
                for cut in [0, 1, wrapped.len() - 1] {
                    assert!(unwrap(*algorithm, spec, &key.private, &wrapped[..cut]).is_err());
                }
                let foreign = WrappingKey::generate(spec).unwrap();
                assert!(unwrap(*algorithm, spec, &foreign.private, &wrapped).is_err());
            }
        }
    }

    /// The second example of RFC 5649 §6 after its AES key, encrypted: the two halves are cut at the modulus.
    #[test]
    fn the_two_step_wrapping_is_cut_at_the_modulus() {
        let (spec, encryption) = (WrappingKeySpec::Rsa2048, EncryptionAlgorithm::RsaesOaepSha256);
        let key = WrappingKey::generate(spec).unwrap();
        let aes = hex::decode("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8").unwrap();
        let second = hex::decode("afbeb0f07dfbf5419200f2ccb50bb24f").unwrap();
        let whole = [wrap(&key, spec, encryption, &aes), second.clone()].concat();
        let open = |algorithm, wrapped: &[u8]| unwrap(algorithm, spec, &key.private, wrapped);
        let unwrapped = open(A::RsaAesKeyWrapSha256, &whole).unwrap();
        assert_eq!(unwrapped.expose_secret(), b"ForPasi");
        assert!(open(A::RsaAesKeyWrapSha1, &whole).is_err());
        for wrong in [&whole[..whole.len() - 1], &whole[1..], &whole[..256], &[&whole[..], &[0]].concat()] {
            assert_eq!(open(A::RsaAesKeyWrapSha256, wrong).unwrap_err(), Unspecified);
        }
        let short_key = [wrap(&key, spec, encryption, &aes[..20]), second].concat();
        assert!(open(A::RsaAesKeyWrapSha256, &short_key).is_err(), "no AES key has 20 bytes");
    }

    #[test]
    fn a_public_half_is_that_of_the_private_half() {
        for spec in [WrappingKeySpec::Rsa2048, WrappingKeySpec::Sm2] {
            let key = WrappingKey::generate(spec).unwrap();
            let opened = OpenKey::open(spec.key_spec(), &key.private).unwrap();
            assert_eq!(opened.public_key(), Some(key.public.as_slice()));
            assert_eq!(format!("{key:?}"), "WrappingKey { .. }");
        }
        assert!(WrappingKey::generate(WrappingKeySpec::Rsa2048).is_ok_and(|key| key.public.len() == 294));
        assert_eq!(KeySpec::Rsa2048, WrappingKeySpec::Rsa2048.key_spec());
    }
}
