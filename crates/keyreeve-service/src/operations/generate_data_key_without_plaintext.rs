//! `GenerateDataKeyWithoutPlaintext`: a random data key, encrypted under a KMS key only.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::KmsError;
use keyreeve_model::material_id::MaterialId;
use serde::Serialize;

use super::{data_key, grant_tokens};
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
        Member::optional("EncryptionContext", &shapes::ENCRYPTION_CONTEXT),
        Member::optional("KeySpec", &shapes::DATA_KEY_SPEC),
        Member::optional("NumberOfBytes", &shapes::NUMBER_OF_BYTES),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct GenerateDataKeyWithoutPlaintext;

pub(crate) struct Request {
    key: KeyRef,
    context: EncryptionContext,
    len: usize,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    ciphertext_blob: Blob<Vec<u8>>,
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for GenerateDataKeyWithoutPlaintext {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            context: input.context("EncryptionContext")?,
            len: data_key::length(input)?,
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
        data_key::check(&key)?;
        request.dry_run.before_effect()?;
        let plaintext = data_key::random(request.len)?;
        let blob = data_key::seal(desk, &key, &request.context, plaintext.expose_secret()).await?;
        key.used(desk, "GenerateDataKeyWithoutPlaintext");
        Ok(Reply {
            ciphertext_blob: Blob(blob),
            key_id: key.arn_text(),
            key_material_id: key.record().current_material,
        })
    }
}
