//! `ReEncrypt`: decrypts under one key and encrypts under another, without showing the plaintext.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html>

use keyreeve_model::algorithm::EncryptionAlgorithm;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::KmsError;
use keyreeve_model::material_id::MaterialId;
use serde::Serialize;

use super::ciphertext::{self, Source, SourceMembers};
use super::grant_tokens;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedPair, KeyName, PairNames};
use crate::operation::DryRun;
use crate::operation::Operation;
use crate::reply::Blob;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("CiphertextBlob", &shapes::CIPHERTEXT),
        Member::optional("SourceEncryptionContext", &shapes::ENCRYPTION_CONTEXT),
        Member::optional("SourceKeyId", &shapes::KEY_ID),
        Member::required("DestinationKeyId", &shapes::KEY_ID),
        Member::optional("DestinationEncryptionContext", &shapes::ENCRYPTION_CONTEXT),
        Member::optional("SourceEncryptionAlgorithm", &shapes::ENCRYPTION_ALGORITHM),
        Member::optional("DestinationEncryptionAlgorithm", &shapes::ENCRYPTION_ALGORITHM),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("DryRun", &shapes::BOOLEAN),
        Member::optional("DryRunModifiers", &shapes::DRY_RUN_MODIFIERS),
    ],
};

pub(crate) struct ReEncrypt;

const MEMBERS: SourceMembers = SourceMembers {
    key: "SourceKeyId",
    context: "SourceEncryptionContext",
    algorithm: "SourceEncryptionAlgorithm",
};

pub(crate) struct Request {
    source: Source,
    destination: KeyRef,
    context: EncryptionContext,
    algorithm: EncryptionAlgorithm,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    ciphertext_blob: Blob<Vec<u8>>,
    source_key_id: String,
    key_id: String,
    source_encryption_algorithm: EncryptionAlgorithm,
    destination_encryption_algorithm: EncryptionAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_key_material_id: Option<MaterialId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_key_material_id: Option<MaterialId>,
}

impl Operation for ReEncrypt {
    type Request = Request;
    type Proof = AuthorizedPair<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        let dry_run = DryRun(input.flag("DryRun"));
        Ok(Request {
            source: Source::parse(input, desk, &MEMBERS, dry_run)?,
            context: input.context("DestinationEncryptionContext")?,
            algorithm: ciphertext::algorithm(input, "DestinationEncryptionAlgorithm"),
            dry_run,
            destination: input.required_key_ref("DestinationKeyId")?,
        })
    }

    fn names(request: &Request) -> PairNames {
        PairNames {
            source: request.source.name.clone(),
            destination: KeyName::Ref(request.destination.clone()),
        }
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        keys: AuthorizedPair<Self>,
    ) -> Result<Reply, KmsError> {
        let AuthorizedPair { source, destination } = keys;
        let opened = request.source.decrypt(desk, &source).await?;
        let plaintext = opened.as_ref().map_or(&[][..], |opened| opened.plaintext.expose_secret());
        ciphertext::check(&destination, request.algorithm, &request.context, plaintext)?;
        request.dry_run.before_effect()?;
        let blob =
            ciphertext::encrypt(desk, &destination, request.algorithm, &request.context, plaintext).await?;
        source.decrypted(desk, "ReEncrypt", opened.as_ref().and_then(|opened| opened.material_id));
        destination.used(desk, "ReEncrypt");
        Ok(Reply {
            ciphertext_blob: Blob(blob),
            source_key_id: source.arn_text(),
            key_id: destination.arn_text(),
            source_encryption_algorithm: request.source.algorithm,
            destination_encryption_algorithm: request.algorithm,
            source_key_material_id: opened.and_then(|opened| opened.material_id),
            destination_key_material_id: destination.record().current_material,
        })
    }
}
