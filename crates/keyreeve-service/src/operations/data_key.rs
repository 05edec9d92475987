//! What the four GenerateDataKey operations share.

use keyreeve_crypto::open_key::{self, OpenKey};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::algorithm::{DataKeySpec, EncryptionAlgorithm};
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::key_spec::DataKeyPairSpec;

use super::algorithm_choice::check_encryption;
use crate::desk::Desk;
use crate::input::Input;
use crate::key_access::AuthorizedKey;

/// Length of the data key in bytes: exactly one of `NumberOfBytes` and `KeySpec` tells it.
pub(super) fn length(input: &mut Input<'_>) -> Result<usize, KmsError> {
    match (input.integer("NumberOfBytes"), input.choice("KeySpec", DataKeySpec::parse)) {
        (Some(number), None) => usize::try_from(number).map_err(|_| KmsError::Internal),
        (None, Some(spec)) => Ok(spec.byte_len()),
        (Some(_), Some(_)) => Err(KmsError::Invalid(Invalid::DataKeySpecAndNumber)),
        (None, None) => Err(KmsError::Invalid(Invalid::DataKeyNeither)),
    }
}

/// The spec of a data key pair, if this Region offers it.
pub(super) fn pair_spec(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<DataKeyPairSpec, KmsError> {
    let spec = input.required_choice("KeyPairSpec", DataKeyPairSpec::parse)?;
    let offered = spec.key_spec().offered_in(desk.caller.region.as_str());
    if offered { Ok(spec) } else { Err(KmsError::SpecNotOffered(spec.key_spec())) }
}

/// Data keys are encrypted under symmetric keys only.
pub(super) fn check<O>(key: &AuthorizedKey<O>) -> Result<(), KmsError> {
    check_encryption(key.record(), EncryptionAlgorithm::SymmetricDefault)
}

/// Random bytes.
pub(super) fn random(len: usize) -> Result<SecretBytes, KmsError> {
    keyreeve_crypto::random::secret(len).map_err(|_| KmsError::Internal)
}

/// Encrypts the data key.
pub(super) async fn seal<O>(
    desk: &Desk<'_>,
    key: &AuthorizedKey<O>,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, KmsError> {
    let material = key.material(desk).await?;
    material.symmetric()?.seal(plaintext, &context.canonical_bytes()).map_err(|_| KmsError::Internal)
}

/// A key pair that nobody keeps.
pub(super) struct DataKeyPair {
    /// PKCS#8.
    pub(super) private_key: SecretBytes,
    /// SubjectPublicKeyInfo.
    pub(super) public_key: Vec<u8>,
}

/// Generates a pair, off the I/O threads: RSA takes as long as it takes.
pub(super) async fn generate_pair(desk: &Desk<'_>, spec: DataKeyPairSpec) -> Result<DataKeyPair, KmsError> {
    desk.off_thread(move || {
        let material = open_key::generate(spec.key_spec()).map_err(|_| KmsError::Internal)?;
        let open = OpenKey::open(spec.key_spec(), &material).map_err(|_| KmsError::Internal)?;
        let public_key = open.public_key().ok_or(KmsError::Internal)?.to_vec();
        let private = material.expose_secret();
        Ok(DataKeyPair {
            private_key: SecretBytes::init_with(private.len(), |bytes| bytes.copy_from_slice(private)),
            public_key,
        })
    })
    .await
}
