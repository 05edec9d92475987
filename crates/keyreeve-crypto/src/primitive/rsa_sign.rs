//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 §8) with SHA-256, -384 and -512.
//! PSS: MGF1 with the same hash, salt as long as the digest, as AWS KMS signs and verifies.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{self as lc, ParsedPublicKey, RsaParameters, RsaSignatureEncoding};
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use std::sync::OnceLock;

use super::signed_input::SignedInput;
use crate::error::Unspecified;

struct Row {
    algorithm: SigningAlgorithm,
    digest: &'static digest::Algorithm,
    encoding: &'static RsaSignatureEncoding,
    verification: &'static RsaParameters,
}

const fn row(
    algorithm: SigningAlgorithm,
    digest: &'static digest::Algorithm,
    encoding: &'static RsaSignatureEncoding,
    verification: &'static RsaParameters,
) -> Row {
    Row { algorithm, digest, encoding, verification }
}

use SigningAlgorithm as S;

static ROWS: [Row; 6] = [
    row(S::RsassaPkcs1V15Sha256, &SHA256, &lc::RSA_PKCS1_SHA256, &lc::RSA_PKCS1_2048_8192_SHA256),
    row(S::RsassaPkcs1V15Sha384, &SHA384, &lc::RSA_PKCS1_SHA384, &lc::RSA_PKCS1_2048_8192_SHA384),
    row(S::RsassaPkcs1V15Sha512, &SHA512, &lc::RSA_PKCS1_SHA512, &lc::RSA_PKCS1_2048_8192_SHA512),
    row(S::RsassaPssSha256, &SHA256, &lc::RSA_PSS_SHA256, &lc::RSA_PSS_2048_8192_SHA256),
    row(S::RsassaPssSha384, &SHA384, &lc::RSA_PSS_SHA384, &lc::RSA_PSS_2048_8192_SHA384),
    row(S::RsassaPssSha512, &SHA512, &lc::RSA_PSS_SHA512, &lc::RSA_PSS_2048_8192_SHA512),
];

fn position_of(algorithm: SigningAlgorithm) -> Result<usize, Unspecified> {
    ROWS.iter().position(|row| row.algorithm == algorithm).ok_or(Unspecified)
}

/// Signs; the signature is as long as the modulus.
pub(super) fn sign(
    key: &KeyPair,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let row = ROWS.get(position_of(algorithm)?).ok_or(Unspecified)?;
    // AWS-LC copies into the whole buffer and panics on any other length.
    let mut signature = vec![0; key.public_modulus_len()];
    match SignedInput::new(message_type, message, row.digest)? {
        SignedInput::Message(message) => {
            key.sign(row.encoding, &SystemRandom::new(), message, &mut signature)?;
        }
        SignedInput::Digest(digest) => key.sign_digest(row.encoding, &digest, &mut signature)?,
    }
    Ok(signature)
}

/// A public key, parsed for an algorithm when that is first used.
pub(super) struct Verifier {
    spki: Box<[u8]>,
    /// In the order of [`ROWS`]: AWS-LC binds a parsed key to one algorithm.
    parsed: [OnceLock<ParsedPublicKey>; ROWS.len()],
}

impl Verifier {
    /// Keeps an SPKI that was checked already.
    pub(super) fn new(spki: &[u8]) -> Self {
        Self { spki: spki.into(), parsed: Default::default() }
    }

    /// Verifies; a signature of the wrong length is a wrong signature.
    pub(super) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unspecified> {
        let position = position_of(algorithm)?;
        let row = ROWS.get(position).ok_or(Unspecified)?;
        let key = self.parsed(position, row)?;
        match SignedInput::new(message_type, message, row.digest)? {
            SignedInput::Message(message) => key.verify_sig(message, signature)?,
            SignedInput::Digest(digest) => key.verify_digest_sig(&digest, signature)?,
        }
        Ok(())
    }

    fn parsed(&self, position: usize, row: &Row) -> Result<&ParsedPublicKey, Unspecified> {
        let cell = self.parsed.get(position).ok_or(Unspecified)?;
        if let Some(key) = cell.get() {
            return Ok(key);
        }
        let key = ParsedPublicKey::new(row.verification, &self.spki).map_err(|_| Unspecified)?;
        Ok(cell.get_or_init(|| key))
    }
}
