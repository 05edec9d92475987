//! `Verify`: verifies a signature with the public key of a KMS key; it answers true or refuses, never false.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html>

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::algorithm_choice::check_signing;
use super::{grant_tokens, open_work};
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::DryRun;
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("Message", &shapes::PLAINTEXT),
        Member::optional("MessageType", &shapes::MESSAGE_TYPE),
        Member::required("Signature", &shapes::CIPHERTEXT),
        Member::required("SigningAlgorithm", &shapes::SIGNING_ALGORITHM),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct Verify;

pub(crate) struct Request {
    key: KeyRef,
    message: SecretBytes,
    message_type: MessageType,
    signature: SecretBytes,
    algorithm: SigningAlgorithm,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    signature_valid: bool,
    signing_algorithm: SigningAlgorithm,
}

impl Operation for Verify {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            message: input.required_blob("Message")?,
            message_type: input.choice("MessageType", MessageType::parse).unwrap_or(MessageType::Raw),
            signature: input.required_blob("Signature")?,
            algorithm: input.required_choice("SigningAlgorithm", SigningAlgorithm::parse)?,
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
        let (algorithm, kind) = (request.algorithm, request.message_type);
        check_signing(key.record().spec, algorithm, kind, &request.message)?;
        let (message, signature) =
            (request.message.expose_secret().to_vec(), request.signature.expose_secret().to_vec());
        open_work::run(desk, &key, move |open| {
            open.verify(algorithm, kind, &message, &signature).map_err(|_| KmsError::InvalidSignature)
        })
        .await?;
        // The verdict of a dry run comes after the signature was checked.
        request.dry_run.before_effect()?;
        key.used(desk, "Verify");
        Ok(Reply { key_id: key.arn_text(), signature_valid: true, signing_algorithm: algorithm })
    }
}
