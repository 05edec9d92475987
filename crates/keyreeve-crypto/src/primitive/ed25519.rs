//! Ed25519 and Ed25519ph (RFC 8032), both deterministic, with an empty context. Keys: RFC 8410.
//! AWS: the 64 bytes that ED25519_PH_SHA_512 takes as a digest are themselves the message of Ed25519ph, which hashes
//! them again; a verifier elsewhere feeds SHA-512(message) to Ed25519ph as its message.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_native::ed25519ph;

use super::der::one_sequence;
use crate::error::Unspecified;
use crate::secret::{KeyMaterial, SecretBytes};

/// Length of the digest that ED25519_PH_SHA_512 takes.
const DIGEST_LEN: usize = 64;
/// Bytes of an SPKI before the key: `SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING }` (RFC 8410 §4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Which of the two algorithms a request means.
enum Variant {
    Pure,
    Prehashed,
}

/// Only these two pairs exist: pure signs messages, prehashed signs digests.
fn variant(
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
) -> Result<Variant, Unspecified> {
    if algorithm == SigningAlgorithm::Ed25519Sha512 && message_type == MessageType::Raw {
        Ok(Variant::Pure)
    } else if algorithm == SigningAlgorithm::Ed25519PhSha512
        && message_type == MessageType::Digest
        && message.len() == DIGEST_LEN
    {
        Ok(Variant::Prehashed)
    } else {
        Err(Unspecified)
    }
}

/// Generates a key as PKCS#8 v1 DER, 48 bytes, without the public key.
pub(crate) fn generate() -> Result<KeyMaterial, Unspecified> {
    let document = Ed25519KeyPair::generate()?.to_pkcs8v1()?;
    Ok(SecretBytes::from(document.as_ref().to_vec()).into())
}

/// A private key, parsed for both algorithms.
pub(crate) struct Ed25519Private {
    pure: Ed25519KeyPair,
    prehashed: ed25519ph::SigningKey,
}

impl Ed25519Private {
    /// Parses PKCS#8 DER, v1 or v2; a public key in it must be that of the seed.
    pub(crate) fn open(pkcs8: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(pkcs8)?;
        let pure = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| Unspecified)?;
        let prehashed = ed25519ph::SigningKey::from_pkcs8(pkcs8)?;
        if pure.public_key().as_ref() != prehashed.public_key() {
            return Err(Unspecified);
        }
        Ok(Self { pure, prehashed })
    }

    /// The SPKI of its public key.
    pub(crate) fn spki(&self) -> Result<Vec<u8>, Unspecified> {
        let spki: PublicKeyX509Der<'_> = self.pure.public_key().as_der()?;
        Ok(spki.as_ref().to_vec())
    }

    /// Signs; 64 bytes R || S.
    pub(crate) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        match variant(algorithm, message_type, message)? {
            Variant::Pure => Ok(self.pure.try_sign(message)?.as_ref().to_vec()),
            Variant::Prehashed => Ok(self.prehashed.sign(message)?.to_vec()),
        }
    }
}

/// A public key that verifies.
pub(crate) struct Ed25519Public {
    pure: ParsedPublicKey,
    raw: [u8; ed25519ph::PUBLIC_KEY_LEN],
}

impl Ed25519Public {
    /// Parses SPKI DER.
    pub(crate) fn open(spki: &[u8]) -> Result<Self, Unspecified> {
        let raw = spki.strip_prefix(&SPKI_PREFIX).ok_or(Unspecified)?.try_into().map_err(|_| Unspecified)?;
        let pure = ParsedPublicKey::new(&ED25519, spki).map_err(|_| Unspecified)?;
        Ok(Self { pure, raw })
    }

    /// Verifies; a signature of another length is a wrong one.
    pub(crate) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unspecified> {
        match variant(algorithm, message_type, message)? {
            Variant::Pure => Ok(self.pure.verify_sig(message, signature)?),
            Variant::Prehashed => Ok(ed25519ph::verify(&self.raw, message, signature)?),
        }
    }
}
