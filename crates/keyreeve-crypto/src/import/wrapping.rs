//! Wrapping of key material for ImportKeyMaterial, as whoever owns the material does it. Not the unwrapping.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html>

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
use keyreeve_model::algorithm::EncryptionAlgorithm;
use keyreeve_model::key_spec::KeySpec;

use crate::error::Unspecified;
use crate::primitive::public_key::PublicKey;
use crate::random;

/// How long the AES key is that wraps what RSA cannot hold.
const AES_KEY_LEN: usize = 32;
/// RFC 5649 §3: a header of 8 bytes, and up to 7 bytes of padding.
const KWP_OVERHEAD_MAX: usize = 15;

/// The most bytes that RSAES-OAEP with SHA-256 carries under a key of this spec; `None` where it is no RSA key.
pub fn oaep_sha_256_max(spec: KeySpec) -> Option<usize> {
    spec.plaintext_max(EncryptionAlgorithm::RsaesOaepSha256)
}

/// `RSAES_OAEP_SHA_256`: the material under the RSA key of this spec, whose SPKI is this DER.
///
/// # Errors
/// [`Unspecified`] when the key is not of that spec, or the material is longer than [`oaep_sha_256_max`].
pub fn oaep_sha_256(spec: KeySpec, spki: &[u8], material: &[u8]) -> Result<Vec<u8>, Unspecified> {
    PublicKey::from_spki(spec, spki)?.encrypt(EncryptionAlgorithm::RsaesOaepSha256, material)
}

/// `RSA_AES_KEY_WRAP_SHA_256`: a fresh AES-256 key under RSAES-OAEP, followed by the material under that key with AES key
/// wrap with padding (RFC 5649). PKCS#11 calls it `CKM_RSA_AES_KEY_WRAP`.
///
/// # Errors
/// [`Unspecified`] when the key is not of that spec, or the material is empty.
pub fn rsa_aes_key_wrap_sha_256(spec: KeySpec, spki: &[u8], material: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let aes_key = random::secret(AES_KEY_LEN)?;
    let mut wrapped = oaep_sha_256(spec, spki, aes_key.expose_secret())?;
    let mut buffer = vec![0; material.len() + KWP_OVERHEAD_MAX];
    let under_aes = AesKek::new(&AES_256, aes_key.expose_secret())?;
    wrapped.extend_from_slice(under_aes.wrap_with_padding(material, &mut buffer)?);
    Ok(wrapped)
}

/// `SM2PKE`: the material under the SM2 key whose SPKI is this DER.
///
/// # Errors
/// [`Unspecified`] when it is no SM2 key, or the material is empty.
pub fn sm2pke(spki: &[u8], material: &[u8]) -> Result<Vec<u8>, Unspecified> {
    PublicKey::from_spki(KeySpec::Sm2, spki)?.encrypt(EncryptionAlgorithm::Sm2Pke, material)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};

    fn rsa() -> (OaepPrivateDecryptingKey, Vec<u8>) {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let spki: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        let spki = spki.as_ref().to_vec();
        (OaepPrivateDecryptingKey::new(key).unwrap(), spki)
    }

    fn opened(key: &OaepPrivateDecryptingKey, wrapped: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; key.min_output_size()];
        key.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut buffer, None).unwrap().to_vec()
    }

    #[test]
    fn what_fits_is_under_rsa_alone_and_what_does_not_is_refused() {
        let (key, spki) = rsa();
        let most = oaep_sha_256_max(KeySpec::Rsa2048).unwrap();
        assert_eq!(most, 190);
        assert_eq!(
            opened(&key, &oaep_sha_256(KeySpec::Rsa2048, &spki, &vec![7; most]).unwrap()),
            vec![7; most]
        );
        assert!(oaep_sha_256(KeySpec::Rsa2048, &spki, &vec![7; most + 1]).is_err());
        assert!(oaep_sha_256(KeySpec::Rsa4096, &spki, b"another spec").is_err());
    }

    #[test]
    fn a_long_material_is_under_an_aes_key_that_is_under_rsa() {
        let (key, spki) = rsa();
        for len in [1, 8, 1217, 2375] {
            let material: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let wrapped = rsa_aes_key_wrap_sha_256(KeySpec::Rsa2048, &spki, &material).unwrap();
            let (under_rsa, under_aes) = wrapped.split_at(256);
            let aes_key = opened(&key, under_rsa);
            assert_eq!((aes_key.len(), under_aes.len()), (AES_KEY_LEN, len.div_ceil(8) * 8 + 8));
            let mut buffer = vec![0; under_aes.len()];
            let kek = AesKek::new(&AES_256, &aes_key).unwrap();
            assert_eq!(kek.unwrap_with_padding(under_aes, &mut buffer).unwrap(), material);
        }
        assert!(rsa_aes_key_wrap_sha_256(KeySpec::Rsa2048, &spki, b"").is_err());
    }

    #[test]
    fn sm2_wraps_for_its_own_keys_only() {
        let material = crate::primitive::sm2::generate().unwrap();
        let key = crate::primitive::sm2::Sm2Private::open(material.expose_secret()).unwrap();
        let wrapped = sm2pke(&key.spki().unwrap(), b"sixteen bytes ok").unwrap();
        let found = key.decrypt(EncryptionAlgorithm::Sm2Pke, &wrapped).unwrap();
        assert_eq!(found.expose_secret(), b"sixteen bytes ok");
        assert!(sm2pke(&rsa().1, b"sixteen bytes ok").is_err());
    }
}
