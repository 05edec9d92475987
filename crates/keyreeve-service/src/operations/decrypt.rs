//! `Decrypt`: decrypts what Encrypt, ReEncrypt or GenerateDataKey encrypted.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>

use keyreeve_crypto::secret::Plaintext;
use keyreeve_model::algorithm::EncryptionAlgorithm;
use keyreeve_model::error::KmsError;
use keyreeve_model::material_id::MaterialId;
use serde::Serialize;

use super::ciphertext::{Source, SourceMembers};
use super::grant_tokens;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::DryRun;
use crate::operation::Operation;
use crate::reply::SecretBlob;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("CiphertextBlob", &shapes::CIPHERTEXT),
        Member::optional("EncryptionContext", &shapes::ENCRYPTION_CONTEXT),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("KeyId", &shapes::KEY_ID),
        Member::optional("EncryptionAlgorithm", &shapes::ENCRYPTION_ALGORITHM),
        Member::not_honoured("Recipient", &shapes::RECIPIENT),
        Member::optional("DryRun", &shapes::BOOLEAN),
        Member::optional("DryRunModifiers", &shapes::DRY_RUN_MODIFIERS),
    ],
};

pub(crate) struct Decrypt;

const MEMBERS: SourceMembers =
    SourceMembers { key: "KeyId", context: "EncryptionContext", algorithm: "EncryptionAlgorithm" };

pub(crate) struct Request {
    source: Source,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    plaintext: SecretBlob<Plaintext>,
    encryption_algorithm: EncryptionAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for Decrypt {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        let dry_run = DryRun(input.flag("DryRun"));
        Ok(Request { source: Source::parse(input, desk, &MEMBERS, dry_run)?, dry_run })
    }

    fn names(request: &Request) -> KeyName {
        request.source.name.clone()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        let opened = request.source.decrypt(desk, &key).await?;
        request.dry_run.before_effect()?;
        let opened = opened.ok_or(KmsError::Internal)?;
        key.decrypted(desk, "Decrypt", opened.material_id);
        Ok(Reply {
            key_id: key.arn_text(),
            plaintext: SecretBlob(opened.plaintext),
            encryption_algorithm: request.source.algorithm,
            key_material_id: opened.material_id,
        })
    }
}
