//! Whether an algorithm fits a key and a message, in AWS's order of checks.

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeySpec;

/// Length of a mu of ML-DSA (FIPS 204, algorithm 7, line 6).
const EXTERNAL_MU_LEN: usize = 64;

/// The encryption algorithm must be one of the key's.
pub(super) fn check_encryption(record: &KeyRecord, algorithm: EncryptionAlgorithm) -> Result<(), KmsError> {
    let fits = record.spec.row().encryption.contains(&algorithm);
    if fits { Ok(()) } else { Err(KmsError::Algorithm { algorithm: algorithm.as_str(), spec: record.spec }) }
}

/// An encryption context is authenticated by symmetric encryption only.
pub(super) fn check_context(
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
) -> Result<(), KmsError> {
    if algorithm != EncryptionAlgorithm::SymmetricDefault && !context.is_empty() {
        return Err(KmsError::Invalid(Invalid::ContextWithAsymmetric));
    }
    Ok(())
}

/// The plaintext must fit under the algorithm.
pub(super) fn check_plaintext(
    spec: KeySpec,
    algorithm: EncryptionAlgorithm,
    plaintext: &[u8],
) -> Result<(), KmsError> {
    match spec.plaintext_max(algorithm) {
        Some(max) if plaintext.len() > max => {
            Err(KmsError::Invalid(Invalid::PlaintextTooLong { algorithm, spec, max }))
        }
        Some(_) => Ok(()),
        None => Err(KmsError::Algorithm { algorithm: algorithm.as_str(), spec }),
    }
}

/// Signing algorithm, message type and message must fit the key and one another.
pub(super) fn check_signing(
    spec: KeySpec,
    algorithm: SigningAlgorithm,
    kind: MessageType,
    message: &SecretBytes,
) -> Result<(), KmsError> {
    if !spec.row().signing.contains(&algorithm) {
        return Err(KmsError::Algorithm { algorithm: algorithm.as_str(), spec });
    }
    let post_quantum = algorithm == SigningAlgorithm::MlDsaShake256;
    let len = message.expose_secret().len();
    match (kind, algorithm) {
        (MessageType::ExternalMu, _) if !post_quantum => {
            Err(KmsError::Invalid(Invalid::MessageTypeSpec(kind, spec)))
        }
        (MessageType::ExternalMu, _) if len != EXTERNAL_MU_LEN => {
            Err(KmsError::Invalid(Invalid::ExternalMuLength))
        }
        (MessageType::Raw, SigningAlgorithm::Ed25519PhSha512) => {
            Err(KmsError::Invalid(Invalid::MessageTypeAlgorithm(kind, algorithm)))
        }
        (MessageType::Digest, _) => match algorithm.digest_len() {
            None => Err(KmsError::Invalid(Invalid::MessageTypeAlgorithm(kind, algorithm))),
            Some(expected) if len != expected => Err(KmsError::Invalid(Invalid::DigestLength(algorithm))),
            Some(_) => Ok(()),
        },
        (MessageType::Raw | MessageType::ExternalMu, _) => Ok(()),
    }
}
