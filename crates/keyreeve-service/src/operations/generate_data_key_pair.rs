//! `GenerateDataKeyPair`: a key pair whose private key is given in the clear and encrypted under a KMS key.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html>

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_spec::DataKeyPairSpec;
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
use crate::reply::SecretBlob;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("EncryptionContext", &shapes::ENCRYPTION_CONTEXT),
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("KeyPairSpec", &shapes::DATA_KEY_PAIR_SPEC),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::not_honoured("Recipient", &shapes::RECIPIENT),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct GenerateDataKeyPair;

pub(crate) struct Request {
    key: KeyRef,
    context: EncryptionContext,
    spec: DataKeyPairSpec,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    private_key_ciphertext_blob: Blob<Vec<u8>>,
    private_key_plaintext: SecretBlob<SecretBytes>,
    public_key: Blob<Vec<u8>>,
    key_id: String,
    key_pair_spec: DataKeyPairSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for GenerateDataKeyPair {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            context: input.context("EncryptionContext")?,
            spec: data_key::pair_spec(input, desk)?,
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
        let pair = data_key::generate_pair(desk, request.spec).await?;
        let blob = data_key::seal(desk, &key, &request.context, pair.private_key.expose_secret()).await?;
        key.used(desk, "GenerateDataKeyPair");
        Ok(Reply {
            private_key_ciphertext_blob: Blob(blob),
            private_key_plaintext: SecretBlob(pair.private_key),
            public_key: Blob(pair.public_key),
            key_id: key.arn_text(),
            key_pair_spec: request.spec,
            key_material_id: key.record().current_material,
        })
    }
}
