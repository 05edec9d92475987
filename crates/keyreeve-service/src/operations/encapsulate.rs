//! `Encapsulate`: a fresh shared secret, in the clear and encapsulated to the public key (ML-KEM).
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encapsulate.html>

use keyreeve_crypto::secret::SharedSecret;
use keyreeve_model::algorithm::EncapsulationAlgorithm;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::{grant_tokens, open_work};
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
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("EncapsulationAlgorithm", &shapes::ENCAPSULATION_ALGORITHM),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct Encapsulate;

pub(crate) struct Request {
    key: KeyRef,
    algorithm: EncapsulationAlgorithm,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    shared_secret: SecretBlob<SharedSecret>,
    shared_secret_ciphertext_blob: Blob<Vec<u8>>,
    encapsulation_algorithm: EncapsulationAlgorithm,
}

impl Operation for Encapsulate {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            algorithm: input.required_choice("EncapsulationAlgorithm", EncapsulationAlgorithm::parse)?,
            dry_run: DryRun(input.flag("DryRun")),
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
        request.dry_run.before_effect()?;
        let (secret, ciphertext) =
            open_work::run(desk, &key, |open| open.encapsulate().map_err(|_| KmsError::Internal)).await?;
        key.used(desk, "Encapsulate");
        Ok(Reply {
            key_id: key.arn_text(),
            shared_secret: SecretBlob(secret),
            shared_secret_ciphertext_blob: Blob(ciphertext),
            encapsulation_algorithm: request.algorithm,
        })
    }
}
