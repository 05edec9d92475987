//! The key that signs heads and digest files: RSA with 2048 bits, as CloudTrail's.

use std::sync::Arc;

use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::open_key::{self, OpenKey};
use keyreeve_crypto::secret::KeyMaterial;
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::timestamp::Timestamp;

use crate::chain::{Hash, Place, SignedHead, head_to_sign};

/// A signing key, open. A clone is another handle on the same key.
#[derive(Debug, Clone)]
pub struct SigningKey {
    key: Arc<OpenKey>,
    public: PublicKey,
}

/// Its public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// DER of a PKCS#1 `RSAPublicKey`, as ListPublicKeys answers it.
    pub pkcs1: Vec<u8>,
    /// 32 hexadecimal digits: half of the SHA-256 of that DER. An opaque name, as CloudTrail's.
    pub fingerprint: String,
}

impl SigningKey {
    /// New material: PKCS#8.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate() -> Result<KeyMaterial, Unspecified> {
        open_key::generate(KeySpec::Rsa2048)
    }

    /// Opens material.
    ///
    /// # Errors
    /// When it is not an RSA key of 2048 bits.
    pub fn open(material: &KeyMaterial) -> Result<Self, Unspecified> {
        let key = OpenKey::open(KeySpec::Rsa2048, material)?;
        let public = PublicKey::of_spki(key.public_key().ok_or(Unspecified)?).ok_or(Unspecified)?;
        Ok(Self { key: Arc::new(key), public })
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message: RSASSA-PKCS1-v1_5 with SHA-256.
    ///
    /// # Errors
    /// When there is no randomness for blinding.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        self.key.sign(SigningAlgorithm::RsassaPkcs1V15Sha256, MessageType::Raw, message)
    }

    /// Signs a head.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_head(&self, place: Place, hash: &Hash, time: Timestamp) -> Result<SignedHead, Unspecified> {
        let hash = hex::encode(hash);
        let signature = hex::encode(self.sign(head_to_sign(place, &hash, time).as_bytes())?);
        Ok(SignedHead { place, hash, time, fingerprint: self.public.fingerprint.clone(), signature })
    }
}

/// What precedes the RSAPublicKey in the SubjectPublicKeyInfo of every RSA key of 2048 bits with exponent 65537:
/// SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING }. RFC 8017 A.1, RFC 5280 §4.1.2.7.
const SPKI_HEAD_BYTES: usize = 24;

impl PublicKey {
    /// Of a SubjectPublicKeyInfo.
    pub fn of_spki(spki: &[u8]) -> Option<Self> {
        let pkcs1 = spki.get(SPKI_HEAD_BYTES..)?.to_vec();
        let digest = hex::encode(keyreeve_crypto::digest::sha256(&pkcs1));
        Some(Self { pkcs1, fingerprint: digest.get(..32)?.to_owned() })
    }
}
