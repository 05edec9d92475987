//! RSA keys of 2048, 3072 and 4096 bits with exponent 65537: generation, opening, SPKI. Not their algorithms.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, PrivateDecryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::KeyPair as _;
use keyreeve_model::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;

use super::der::{one_sequence, spki_of};
use super::rsa_oaep::{Decrypter, Encrypter};
use super::rsa_sign::{self, Verifier};
use crate::error::Unspecified;
use crate::secret::{KeyMaterial, Plaintext, SecretBytes};

/// The exponent 65537 as it ends an `RSAPublicKey` and an SPKI.
const EXPONENT_DER: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];
/// Bytes of an SPKI beside the modulus, when that has 2048 to 4096 bits and the exponent is 65537.
const SPKI_OVERHEAD: usize = 38;

/// Generates a key as PKCS#8 DER. Takes tens to hundreds of milliseconds.
pub(crate) fn generate(spec: KeySpec) -> Result<KeyMaterial, Unspecified> {
    let size = match spec.rsa_modulus_len() {
        Some(256) => KeySize::Rsa2048,
        Some(384) => KeySize::Rsa3072,
        Some(512) => KeySize::Rsa4096,
        _ => return Err(Unspecified),
    };
    let der: Pkcs8V1Der<'_> = KeyPair::generate(size)?.as_der()?;
    Ok(SecretBytes::from(der.as_ref().to_vec()).into())
}

/// A private key, parsed for signing and for decrypting.
pub(crate) struct RsaPrivate {
    signing: KeyPair,
    decrypting: Decrypter,
}

impl RsaPrivate {
    /// Parses PKCS#8 DER; the primes and exponents must fit each other.
    pub(crate) fn open(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(pkcs8)?;
        let signing = KeyPair::from_pkcs8(pkcs8).map_err(|_| Unspecified)?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| Unspecified)?;
        let spki: PublicKeyX509Der<'_> = signing.public_key().as_der()?;
        check_size_and_exponent(spec, spki.as_ref())?;
        Ok(Self { signing, decrypting: Decrypter::new(decrypting)? })
    }

    /// The SPKI of its public key.
    pub(crate) fn spki(&self) -> Result<Vec<u8>, Unspecified> {
        let spki: PublicKeyX509Der<'_> = self.signing.public_key().as_der()?;
        Ok(spki.as_ref().to_vec())
    }

    /// Signs with PKCS#1 v1.5 or PSS.
    pub(crate) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        rsa_sign::sign(&self.signing, algorithm, message_type, message)
    }

    /// Decrypts OAEP.
    pub(crate) fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Plaintext, Unspecified> {
        self.decrypting.decrypt(algorithm, ciphertext)
    }
}

/// A public key.
pub(crate) struct RsaPublic {
    pub(super) verifying: Verifier,
    pub(super) encrypting: Encrypter,
}

impl RsaPublic {
    /// Parses SPKI DER.
    pub(crate) fn open(spec: KeySpec, spki: &[u8]) -> Result<Self, Unspecified> {
        spki_of(&RSA_ENCRYPTION, spki)?;
        check_size_and_exponent(spec, spki)?;
        let key = PublicEncryptingKey::from_der(spki).map_err(|_| Unspecified)?;
        Ok(Self { verifying: Verifier::new(spki), encrypting: Encrypter::new(key)? })
    }
}

/// The overall length fixes the exponent's own length, so the ending cannot be the tail of a longer exponent.
/// `AlgorithmIdentifier` of rsaEncryption with its NULL (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

fn check_size_and_exponent(spec: KeySpec, spki: &[u8]) -> Result<(), Unspecified> {
    let modulus_len = spec.rsa_modulus_len().ok_or(Unspecified)?;
    if spki.len() == modulus_len + SPKI_OVERHEAD && spki.ends_with(&EXPONENT_DER) {
        Ok(())
    } else {
        Err(Unspecified)
    }
}
