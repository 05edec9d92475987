//! Elliptic-curve keys on P-256, P-384, P-521 and secp256k1, and ECDSA (FIPS 186-5) with them.
//! Signatures are DER `SEQUENCE { r, s }` with a random nonce and no low-s rule, as AWS KMS makes them.

use aws_lc_rs::agreement;
use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self as lc, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair as _,
    ParsedPublicKey,
};
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;

use super::der::{UNCOMPRESSED, one_sequence, spki_with_point};
use super::ecdh::Agreer;
use super::signed_input::SignedInput;
use crate::error::Unspecified;
use crate::secret::{KeyMaterial, SecretBytes, SharedSecret};

/// Facts about one curve.
struct Row {
    spec: KeySpec,
    algorithm: SigningAlgorithm,
    digest: &'static digest::Algorithm,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    /// id-ecPublicKey with the named curve (RFC 5480 §2.1.1); a curve spelled out is refused.
    identifier: &'static [u8],
    /// AWS KMS offers no key agreement on secp256k1.
    agreement: Option<&'static agreement::Algorithm>,
}

use SigningAlgorithm as S;

static ROWS: [Row; 4] = [
    Row {
        spec: KeySpec::EccNistP256,
        algorithm: S::EcdsaSha256,
        digest: &SHA256,
        signing: &lc::ECDSA_P256_SHA256_ASN1_SIGNING,
        verification: &lc::ECDSA_P256_SHA256_ASN1,
        identifier: b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        agreement: Some(&agreement::ECDH_P256),
    },
    Row {
        spec: KeySpec::EccNistP384,
        algorithm: S::EcdsaSha384,
        digest: &SHA384,
        signing: &lc::ECDSA_P384_SHA384_ASN1_SIGNING,
        verification: &lc::ECDSA_P384_SHA384_ASN1,
        identifier: b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22",
        agreement: Some(&agreement::ECDH_P384),
    },
    Row {
        spec: KeySpec::EccNistP521,
        algorithm: S::EcdsaSha512,
        digest: &SHA512,
        signing: &lc::ECDSA_P521_SHA512_ASN1_SIGNING,
        verification: &lc::ECDSA_P521_SHA512_ASN1,
        identifier: b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23",
        agreement: Some(&agreement::ECDH_P521),
    },
    Row {
        spec: KeySpec::EccSecgP256k1,
        algorithm: S::EcdsaSha256,
        digest: &SHA256,
        signing: &lc::ECDSA_P256K1_SHA256_ASN1_SIGNING,
        verification: &lc::ECDSA_P256K1_SHA256_ASN1,
        identifier: b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a",
        agreement: None,
    },
];

fn row_of(spec: KeySpec) -> Result<&'static Row, Unspecified> {
    ROWS.iter().find(|row| row.spec == spec).ok_or(Unspecified)
}

impl Row {
    fn input<'a>(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &'a [u8],
    ) -> Result<SignedInput<'a>, Unspecified> {
        if algorithm != self.algorithm {
            return Err(Unspecified);
        }
        SignedInput::new(message_type, message, self.digest)
    }
}

/// Generates a key as PKCS#8 DER with the public key in it.
pub(crate) fn generate(spec: KeySpec) -> Result<KeyMaterial, Unspecified> {
    let document = EcdsaKeyPair::generate(row_of(spec)?.signing)?.to_pkcs8v1()?;
    Ok(SecretBytes::from(document.as_ref().to_vec()).into())
}

/// A private key, parsed for signing and for agreeing.
pub(crate) struct EcPrivate {
    row: &'static Row,
    signing: EcdsaKeyPair,
    agreeing: Option<Agreer>,
}

impl EcPrivate {
    /// Parses PKCS#8 DER; a public key in it must be that of the private key.
    pub(crate) fn open(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(pkcs8)?;
        let row = row_of(spec)?;
        let signing = EcdsaKeyPair::from_pkcs8(row.signing, pkcs8).map_err(|_| Unspecified)?;
        let agreeing =
            row.agreement.map(|algorithm| Agreer::open(algorithm, row.identifier, pkcs8)).transpose()?;
        Ok(Self { row, signing, agreeing })
    }

    /// The SPKI of its public key: named curve, uncompressed point.
    pub(crate) fn spki(&self) -> Result<Vec<u8>, Unspecified> {
        let spki: PublicKeyX509Der<'_> = self.signing.public_key().as_der()?;
        Ok(spki.as_ref().to_vec())
    }

    /// Signs with ECDSA.
    pub(crate) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let signature = match self.row.input(algorithm, message_type, message)? {
            SignedInput::Message(message) => self.signing.sign(&SystemRandom::new(), message)?,
            SignedInput::Digest(digest) => self.signing.sign_digest(&digest)?,
        };
        Ok(signature.as_ref().to_vec())
    }

    /// Agrees with a peer's public key, given as SPKI.
    pub(crate) fn agree(&self, peer_spki: &[u8]) -> Result<SharedSecret, Unspecified> {
        self.agreeing.as_ref().ok_or(Unspecified)?.agree(peer_spki)
    }
}

/// A public key that verifies.
pub(crate) struct EcPublic {
    row: &'static Row,
    key: ParsedPublicKey,
}

impl EcPublic {
    /// Parses SPKI DER; the point must be on the curve.
    pub(crate) fn open(spec: KeySpec, spki: &[u8]) -> Result<Self, Unspecified> {
        let row = row_of(spec)?;
        spki_with_point(row.identifier, UNCOMPRESSED, spki)?;
        let key = ParsedPublicKey::new(row.verification, spki).map_err(|_| Unspecified)?;
        Ok(Self { row, key })
    }

    /// Verifies; a malformed signature is a wrong one.
    pub(crate) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unspecified> {
        match self.row.input(algorithm, message_type, message)? {
            SignedInput::Message(message) => self.key.verify_sig(message, signature)?,
            SignedInput::Digest(digest) => self.key.verify_digest_sig(&digest, signature)?,
        }
        Ok(())
    }
}
