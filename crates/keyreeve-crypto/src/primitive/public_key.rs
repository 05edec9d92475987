//! A public key of any asymmetric spec: verifies, encrypts, encapsulates. Knows no private key.

use keyreeve_model::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;
use std::fmt;

use super::ecdsa::EcPublic;
use super::ed25519::Ed25519Public;
use super::ml_dsa::MlDsaPublic;
use super::ml_kem::MlKemPublic;
use super::rsa_key::RsaPublic;
use super::sm2::Sm2Public;
use crate::error::Unspecified;
use crate::secret::SharedSecret;

/// A parsed public key with its DER.
pub struct PublicKey {
    spki: Box<[u8]>,
    key: Parsed,
}

enum Parsed {
    Rsa(RsaPublic),
    Ec(EcPublic),
    Ed25519(Ed25519Public),
    MlDsa(MlDsaPublic),
    MlKem(MlKemPublic),
    Sm2(Sm2Public),
}

impl PublicKey {
    /// Parses a DER `SubjectPublicKeyInfo` with nothing after it (RFC 5280, RFC 8410, RFC 9881, RFC 9935).
    ///
    /// # Errors
    /// [`Unspecified`] when it is malformed, of another spec, a point off the curve, or an RSA key whose exponent is
    /// not 65537.
    pub fn from_spki(spec: KeySpec, spki: &[u8]) -> Result<Self, Unspecified> {
        let key = match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
                Parsed::Rsa(RsaPublic::open(spec, spki)?)
            }
            KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521 | KeySpec::EccSecgP256k1 => {
                Parsed::Ec(EcPublic::open(spec, spki)?)
            }
            KeySpec::EccNistEdwards25519 => Parsed::Ed25519(Ed25519Public::open(spki)?),
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => {
                Parsed::MlDsa(MlDsaPublic::open(spec, spki)?)
            }
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => {
                Parsed::MlKem(MlKemPublic::open(spec, spki)?)
            }
            KeySpec::Sm2 => Parsed::Sm2(Sm2Public::open(spki)?),
            KeySpec::SymmetricDefault
            | KeySpec::Hmac224
            | KeySpec::Hmac256
            | KeySpec::Hmac384
            | KeySpec::Hmac512 => return Err(Unspecified),
        };
        Ok(Self { spki: spki.into(), key })
    }

    /// The DER it was parsed from.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Verifies a signature. RAW messages are hashed here; a digest must have the algorithm's length, a mu 64 bytes.
    ///
    /// # Errors
    /// [`Unspecified`] for every signature that is not right, and when the key has not that algorithm or message type.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unspecified> {
        match &self.key {
            Parsed::Rsa(key) => key.verifying.verify(algorithm, message_type, message, signature),
            Parsed::Ec(key) => key.verify(algorithm, message_type, message, signature),
            Parsed::Ed25519(key) => key.verify(algorithm, message_type, message, signature),
            Parsed::MlDsa(key) => key.verify(algorithm, message_type, message, signature),
            Parsed::Sm2(key) => key.verify(algorithm, message_type, message, signature),
            Parsed::MlKem(_) => Err(Unspecified),
        }
    }

    /// Encrypts at most `KeySpec::plaintext_max` bytes (SM2PKE: at least one).
    ///
    /// # Errors
    /// [`Unspecified`] when the plaintext is too long or the key has not that algorithm.
    pub fn encrypt(&self, algorithm: EncryptionAlgorithm, plaintext: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match &self.key {
            Parsed::Rsa(key) => key.encrypting.encrypt(algorithm, plaintext),
            Parsed::Sm2(key) => key.encrypt(algorithm, plaintext),
            Parsed::Ec(_) | Parsed::Ed25519(_) | Parsed::MlDsa(_) | Parsed::MlKem(_) => Err(Unspecified),
        }
    }

    /// A fresh 32-byte secret and the ML-KEM ciphertext that carries it (768, 1088 or 1568 bytes).
    ///
    /// # Errors
    /// [`Unspecified`] when the key is not ML-KEM.
    pub fn encapsulate(&self) -> Result<(SharedSecret, Vec<u8>), Unspecified> {
        match &self.key {
            Parsed::MlKem(key) => key.encapsulate(),
            Parsed::Rsa(_) | Parsed::Ec(_) | Parsed::Ed25519(_) | Parsed::MlDsa(_) | Parsed::Sm2(_) => {
                Err(Unspecified)
            }
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bytes)", self.spki.len())
    }
}
