//! `Decapsulate`: opens a shared secret that was encapsulated to the public key (ML-KEM).
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decapsulate.html>

use keyreeve_crypto::secret::SecretBytes;
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
use crate::reply::SecretBlob;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("SharedSecretCiphertextBlob", &shapes::CIPHERTEXT),
        Member::required("EncapsulationAlgorithm", &shapes::ENCAPSULATION_ALGORITHM),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct Decapsulate;

pub(crate) struct Request {
    key: KeyRef,
    ciphertext: SecretBytes,
    algorithm: EncapsulationAlgorithm,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    shared_secret: SecretBlob<SharedSecret>,
    encapsulation_algorithm: EncapsulationAlgorithm,
}

impl Operation for Decapsulate {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            ciphertext: input.required_blob("SharedSecretCiphertextBlob")?,
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
        let ciphertext = request.ciphertext.expose_secret().to_vec();
        let secret = open_work::run(desk, &key, move |open| {
            open.decapsulate(&ciphertext).map_err(|_| KmsError::InvalidCiphertext)
        })
        .await?;
        request.dry_run.before_effect()?;
        key.used(desk, "Decapsulate");
        Ok(Reply {
            key_id: key.arn_text(),
            shared_secret: SecretBlob(secret),
            encapsulation_algorithm: request.algorithm,
        })
    }
}
