//! Encrypting and decrypting as Encrypt, Decrypt and ReEncrypt share it: symmetric blobs and asymmetric ciphertexts.

use keyreeve_crypto::ciphertext_blob::Header;
use keyreeve_crypto::secret::{Plaintext, SecretBytes};
use keyreeve_model::algorithm::EncryptionAlgorithm;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::material_id::MaterialId;

use super::algorithm_choice::{check_context, check_encryption, check_plaintext};
use super::open_work;
use crate::desk::Desk;
use crate::input::Input;
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::DryRun;

/// The algorithm; absent is SYMMETRIC_DEFAULT.
pub(super) fn algorithm(input: &mut Input<'_>, name: &'static str) -> EncryptionAlgorithm {
    input.choice(name, EncryptionAlgorithm::parse).unwrap_or(EncryptionAlgorithm::SymmetricDefault)
}

/// Everything that AWS checks before it encrypts.
pub(super) fn check<O>(
    key: &AuthorizedKey<O>,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<(), KmsError> {
    check_encryption(key.record(), algorithm)?;
    check_context(algorithm, context)?;
    check_plaintext(key.record().spec, algorithm, plaintext)
}

/// Encrypts what `check` let pass.
pub(super) async fn encrypt<O>(
    desk: &Desk<'_>,
    key: &AuthorizedKey<O>,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, KmsError> {
    if algorithm == EncryptionAlgorithm::SymmetricDefault {
        let material = key.material(desk).await?;
        return material
            .symmetric()?
            .seal(plaintext, &context.canonical_bytes())
            .map_err(|_| KmsError::Internal);
    }
    let plaintext = SecretBytes::init_with(plaintext.len(), |bytes| bytes.copy_from_slice(plaintext));
    open_work::run(desk, key, move |open| {
        open.encrypt(algorithm, plaintext.expose_secret()).map_err(|_| KmsError::Internal)
    })
    .await
}

/// A ciphertext that is to be decrypted, and how its key is named.
pub(crate) struct Source {
    /// Absent in a dry run that ignores the ciphertext.
    ciphertext: Option<SecretBytes>,
    context: EncryptionContext,
    pub(super) algorithm: EncryptionAlgorithm,
    pub(super) name: KeyName,
}

/// What the members of the source are called: Decrypt and ReEncrypt differ.
pub(super) struct SourceMembers {
    pub(super) key: &'static str,
    pub(super) context: &'static str,
    pub(super) algorithm: &'static str,
}

/// A decrypted source.
pub(super) struct Opened {
    pub(super) plaintext: Plaintext,
    /// Of symmetric keys only.
    pub(super) material_id: Option<MaterialId>,
}

impl Source {
    /// The source, with its key named by `KeyId` or by the ciphertext's own header.
    pub(super) fn parse(
        input: &mut Input<'_>,
        desk: &Desk<'_>,
        members: &SourceMembers,
        dry_run: DryRun,
    ) -> Result<Self, KmsError> {
        let ignored = !input.texts("DryRunModifiers").is_empty();
        if ignored && !dry_run.0 {
            return Err(KmsError::Invalid(Invalid::DryRunModifiersWithoutDryRun));
        }
        let ciphertext = input.blob("CiphertextBlob").filter(|_| !ignored);
        if ciphertext.is_none() && !ignored {
            return Err(KmsError::Invalid(Invalid::CiphertextRequired));
        }
        let context = input.context(members.context)?;
        let algorithm = algorithm(input, members.algorithm);
        check_context(algorithm, &context)?;
        let name = match (input.key_ref(members.key)?, &ciphertext) {
            (Some(reference), _) => KeyName::Ref(in_this_region(desk, reference)?),
            (None, Some(ciphertext)) if algorithm == EncryptionAlgorithm::SymmetricDefault => {
                let header =
                    Header::parse(ciphertext.expose_secret()).map_err(|_| KmsError::InvalidCiphertext)?;
                KeyName::Ciphertext(header.key_id())
            }
            (None, _) => return Err(KmsError::Invalid(Invalid::KeyIdRequiredForAsymmetric)),
        };
        Ok(Self { ciphertext, context, algorithm, name })
    }

    /// Decrypts with the judged key. `None` when a dry run ignores the ciphertext.
    pub(super) async fn decrypt<O>(
        &self,
        desk: &Desk<'_>,
        key: &AuthorizedKey<O>,
    ) -> Result<Option<Opened>, KmsError> {
        let symmetric = key.record().spec.row().encryption.contains(&EncryptionAlgorithm::SymmetricDefault);
        let Some(ciphertext) = &self.ciphertext else {
            return check_encryption(key.record(), self.algorithm).map(|()| None);
        };
        if self.algorithm != EncryptionAlgorithm::SymmetricDefault {
            check_encryption(key.record(), self.algorithm)?;
            return self.decrypt_asymmetric(desk, key, ciphertext).await.map(Some);
        }
        // AWS: a key pair asked to decrypt symmetrically cannot open the ciphertext; that is all it says.
        let header = Header::parse(ciphertext.expose_secret()).map_err(|_| KmsError::InvalidCiphertext)?;
        if !symmetric {
            return Err(KmsError::InvalidCiphertext);
        }
        if header.key_id() != key.arn().key_id {
            return Err(KmsError::IncorrectKey);
        }
        let material =
            key.material_named(desk, header.material_prefix()).await?.ok_or(KmsError::InvalidCiphertext)?;
        let symmetric = material.symmetric()?;
        let plaintext = symmetric
            .open_parsed(&header, &self.context.canonical_bytes())
            .map_err(|_| KmsError::InvalidCiphertext)?;
        Ok(Some(Opened { plaintext, material_id: Some(*symmetric.material_id()) }))
    }

    async fn decrypt_asymmetric<O>(
        &self,
        desk: &Desk<'_>,
        key: &AuthorizedKey<O>,
        ciphertext: &SecretBytes,
    ) -> Result<Opened, KmsError> {
        let (algorithm, ciphertext) = (self.algorithm, ciphertext.expose_secret().to_vec());
        let plaintext = open_work::run(desk, key, move |open| {
            open.decrypt(algorithm, &ciphertext).map_err(|_| KmsError::InvalidCiphertext)
        })
        .await?;
        Ok(Opened { plaintext, material_id: None })
    }
}

/// AWS: a KeyId of another Region is an incorrect key here, where other operations say that it does not exist.
fn in_this_region(desk: &Desk<'_>, reference: KeyRef) -> Result<KeyRef, KmsError> {
    match &reference {
        KeyRef::Arn(arn) if arn.region != desk.caller.region => Err(KmsError::IncorrectKey),
        KeyRef::Arn(_) | KeyRef::Id(_) | KeyRef::Alias(_) | KeyRef::AliasArn(_) => Ok(reference),
    }
}
