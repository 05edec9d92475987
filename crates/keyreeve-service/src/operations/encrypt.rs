//! `Encrypt`: encrypts up to 4,096 bytes directly under a KMS key.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::algorithm::EncryptionAlgorithm;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::{ciphertext, grant_tokens};
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::DryRun;
use crate::operation::Operation;
use crate::reply::Blob;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("Plaintext", &shapes::PLAINTEXT),
        Member::optional("EncryptionContext", &shapes::ENCRYPTION_CONTEXT),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("EncryptionAlgorithm", &shapes::ENCRYPTION_ALGORITHM),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct Encrypt;

pub(crate) struct Request {
    key: KeyRef,
    plaintext: SecretBytes,
    context: EncryptionContext,
    algorithm: EncryptionAlgorithm,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    ciphertext_blob: Blob<Vec<u8>>,
    key_id: String,
    encryption_algorithm: EncryptionAlgorithm,
}

impl Operation for Encrypt {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            plaintext: input.required_blob("Plaintext")?,
            context: input.context("EncryptionContext")?,
            algorithm: ciphertext::algorithm(input, "EncryptionAlgorithm"),
            dry_run: DryRun(input.flag("DryRun")),
            key: input.required_key_ref("KeyId")?,
        })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        ciphertext::check(&key, request.algorithm, &request.context, request.plaintext.expose_secret())?;
        request.dry_run.before_effect()?;
        let blob = ciphertext::encrypt(
            desk,
            &key,
            request.algorithm,
            &request.context,
            request.plaintext.expose_secret(),
        )
        .await?;
        key.used(desk, "Encrypt");
        Ok(Reply {
            ciphertext_blob: Blob(blob),
            key_id: key.arn_text(),
            encryption_algorithm: request.algorithm,
        })
    }
}
