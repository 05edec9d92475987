//! A KMS key's material, parsed once and cached: what signs, decrypts, agrees and authenticates.
//! Symmetric encryption keys are not here (see `ciphertext_blob`); usage and policy are the service's matter.

use keyreeve_model::algorithm::{EncryptionAlgorithm, MacAlgorithm, MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;
use std::fmt;

use crate::error::Unspecified;
use crate::primitive::ecdsa::{self, EcPrivate};
use crate::primitive::ed25519::{self, Ed25519Private};
use crate::primitive::hmac::{self, HmacKey};
use crate::primitive::ml_dsa::{self, MlDsaPrivate};
use crate::primitive::ml_kem::{self, MlKemPrivate};
pub use crate::primitive::public_key::PublicKey;
use crate::primitive::rsa_key::{self, RsaPrivate};
use crate::primitive::sm2::{self, Sm2Private};
use crate::random;
use crate::secret::{KeyMaterial, Plaintext, SharedSecret};

/// Length in bytes of the material of SYMMETRIC_DEFAULT: AES-256.
pub const SYMMETRIC_MATERIAL_LEN: usize = 32;

/// Generates material: 32 bytes for SYMMETRIC_DEFAULT, digest-length bytes for HMAC, PKCS#8 DER for key pairs
/// (ML-DSA and ML-KEM in seed form, Ed25519 in version 1, elliptic curves with the public key).
///
/// # Errors
/// [`Unspecified`] when the generator fails.
pub fn generate(spec: KeySpec) -> Result<KeyMaterial, Unspecified> {
    match spec {
        KeySpec::SymmetricDefault => random::secret(SYMMETRIC_MATERIAL_LEN).map(KeyMaterial::from),
        KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
            random::secret(hmac::generated_len(spec)?).map(KeyMaterial::from)
        }
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => rsa_key::generate(spec),
        KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521 | KeySpec::EccSecgP256k1 => {
            ecdsa::generate(spec)
        }
        KeySpec::EccNistEdwards25519 => ed25519::generate(),
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => ml_dsa::generate(spec),
        KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => ml_kem::generate(spec),
        KeySpec::Sm2 => sm2::generate(),
    }
}

/// A parsed key pair or HMAC key. `Send` and `Sync`; the private half never leaves it.
pub struct OpenKey {
    private: Private,
    public: Option<PublicKey>,
}

enum Private {
    Rsa(RsaPrivate),
    Ec(EcPrivate),
    Ed25519(Ed25519Private),
    MlDsa(MlDsaPrivate),
    MlKem(MlKemPrivate),
    Sm2(Box<Sm2Private>),
    Hmac(Box<HmacKey>),
}

impl Private {
    fn open(spec: KeySpec, material: &[u8]) -> Result<Self, Unspecified> {
        match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
                RsaPrivate::open(spec, material).map(Self::Rsa)
            }
            KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521 | KeySpec::EccSecgP256k1 => {
                EcPrivate::open(spec, material).map(Self::Ec)
            }
            KeySpec::EccNistEdwards25519 => Ed25519Private::open(material).map(Self::Ed25519),
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => {
                MlDsaPrivate::open(spec, material).map(Self::MlDsa)
            }
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => {
                MlKemPrivate::open(spec, material).map(Self::MlKem)
            }
            KeySpec::Sm2 => Sm2Private::open(material).map(|key| Self::Sm2(Box::new(key))),
            KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
                HmacKey::open(spec, material).map(|key| Self::Hmac(Box::new(key)))
            }
            KeySpec::SymmetricDefault => Err(Unspecified),
        }
    }

    fn spki(&self) -> Result<Option<Vec<u8>>, Unspecified> {
        match self {
            Self::Rsa(key) => key.spki().map(Some),
            Self::Ec(key) => key.spki().map(Some),
            Self::Ed25519(key) => key.spki().map(Some),
            Self::MlDsa(key) => key.spki().map(Some),
            Self::MlKem(key) => Ok(Some(key.spki())),
            Self::Sm2(key) => key.spki().map(Some),
            Self::Hmac(_) => Ok(None),
        }
    }
}

impl OpenKey {
    /// Parses and checks material: right length, encoding, curve, modulus, parameter set, and halves that fit.
    ///
    /// # Errors
    /// [`Unspecified`] when anything does not, and for SYMMETRIC_DEFAULT.
    pub fn open(spec: KeySpec, material: &KeyMaterial) -> Result<Self, Unspecified> {
        let private = Private::open(spec, material.expose_secret())?;
        let public = private.spki()?.map(|spki| PublicKey::from_spki(spec, &spki)).transpose()?;
        Ok(Self { private, public })
    }

    /// The public key as SPKI DER (RFC 5280; elliptic curves: named curve, uncompressed point); `None` for HMAC.
    pub fn public_key(&self) -> Option<&[u8]> {
        self.public.as_ref().map(PublicKey::spki)
    }

    /// Signs. RAW messages are hashed here; a digest must have the algorithm's length, a mu 64 bytes.
    ///
    /// # Errors
    /// [`Unspecified`] when the key has not that algorithm or message type.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        match &self.private {
            Private::Rsa(key) => key.sign(algorithm, message_type, message),
            Private::Ec(key) => key.sign(algorithm, message_type, message),
            Private::Ed25519(key) => key.sign(algorithm, message_type, message),
            Private::MlDsa(key) => key.sign(algorithm, message_type, message),
            Private::Sm2(key) => key.sign(algorithm, message_type, message),
            Private::MlKem(_) | Private::Hmac(_) => Err(Unspecified),
        }
    }

    /// Verifies a signature; see [`PublicKey::verify`].
    ///
    /// # Errors
    /// [`Unspecified`] for every signature that is not right, whatever is wrong with it.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unspecified> {
        self.public()?.verify(algorithm, message_type, message, signature)
    }

    /// Encrypts with RSAES-OAEP or SM2PKE; see [`PublicKey::encrypt`].
    ///
    /// # Errors
    /// [`Unspecified`] when the plaintext is too long or the key has not that algorithm.
    pub fn encrypt(&self, algorithm: EncryptionAlgorithm, plaintext: &[u8]) -> Result<Vec<u8>, Unspecified> {
        self.public()?.encrypt(algorithm, plaintext)
    }

    /// Decrypts RSAES-OAEP or SM2PKE.
    ///
    /// # Errors
    /// [`Unspecified`] for every ciphertext that does not decrypt, and when the key has not that algorithm.
    pub fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Plaintext, Unspecified> {
        match &self.private {
            Private::Rsa(key) => key.decrypt(algorithm, ciphertext),
            Private::Sm2(key) => key.decrypt(algorithm, ciphertext),
            Private::Ec(_)
            | Private::Ed25519(_)
            | Private::MlDsa(_)
            | Private::MlKem(_)
            | Private::Hmac(_) => Err(Unspecified),
        }
    }

    /// The HMAC of a message, as long as the digest.
    ///
    /// # Errors
    /// [`Unspecified`] when the key has not that algorithm.
    pub fn mac(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        self.hmac()?.mac(algorithm, message)
    }

    /// Verifies a whole HMAC in constant time.
    ///
    /// # Errors
    /// [`Unspecified`] for every wrong or cut tag, and when the key has not that algorithm.
    pub fn verify_mac(&self, algorithm: MacAlgorithm, message: &[u8], tag: &[u8]) -> Result<(), Unspecified> {
        self.hmac()?.verify(algorithm, message, tag)
    }

    /// ECDH with a peer's SPKI on the same curve: the raw x coordinate (32, 48 or 66 bytes).
    ///
    /// # Errors
    /// [`Unspecified`] when the peer's key is malformed, on another curve or off it, or when the key does not agree.
    pub fn agree(&self, peer_spki: &[u8]) -> Result<SharedSecret, Unspecified> {
        match &self.private {
            Private::Ec(key) => key.agree(peer_spki),
            Private::Sm2(key) => key.agree(peer_spki),
            Private::Rsa(_)
            | Private::Ed25519(_)
            | Private::MlDsa(_)
            | Private::MlKem(_)
            | Private::Hmac(_) => Err(Unspecified),
        }
    }

    /// A fresh 32-byte secret and its ML-KEM ciphertext; see [`PublicKey::encapsulate`].
    ///
    /// # Errors
    /// [`Unspecified`] when the key is not ML-KEM.
    pub fn encapsulate(&self) -> Result<(SharedSecret, Vec<u8>), Unspecified> {
        self.public()?.encapsulate()
    }

    /// The 32-byte secret of an ML-KEM ciphertext. An altered one of the right length gives another secret (FIPS 203
    /// §6.3, implicit rejection), not an error.
    ///
    /// # Errors
    /// [`Unspecified`] when the length is wrong or the key is not ML-KEM.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SharedSecret, Unspecified> {
        match &self.private {
            Private::MlKem(key) => key.decapsulate(ciphertext),
            Private::Rsa(_)
            | Private::Ec(_)
            | Private::Ed25519(_)
            | Private::MlDsa(_)
            | Private::Sm2(_)
            | Private::Hmac(_) => Err(Unspecified),
        }
    }

    fn public(&self) -> Result<&PublicKey, Unspecified> {
        self.public.as_ref().ok_or(Unspecified)
    }

    fn hmac(&self) -> Result<&HmacKey, Unspecified> {
        match &self.private {
            Private::Hmac(key) => Ok(key),
            Private::Rsa(_)
            | Private::Ec(_)
            | Private::Ed25519(_)
            | Private::MlDsa(_)
            | Private::MlKem(_)
            | Private::Sm2(_) => Err(Unspecified),
        }
    }
}

/// Shows the public half's size only.
impl fmt::Debug for OpenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
