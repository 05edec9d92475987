//! `DeriveSharedSecret`: ECDH with the private key of a KMS key: the raw X coordinate.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html>

use keyreeve_crypto::secret::{SecretBytes, SharedSecret};
use keyreeve_model::algorithm::{KeyAgreementAlgorithm, Origin};
use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::Invalid;
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
        Member::required("KeyAgreementAlgorithm", &shapes::KEY_AGREEMENT_ALGORITHM),
        Member::required("PublicKey", &shapes::PUBLIC_KEY),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("DryRun", &shapes::BOOLEAN),
        Member::not_honoured("Recipient", &shapes::RECIPIENT),
    ],
};

pub(crate) struct DeriveSharedSecret;

pub(crate) struct Request {
    key: KeyRef,
    algorithm: KeyAgreementAlgorithm,
    peer: SecretBytes,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    shared_secret: SecretBlob<SharedSecret>,
    key_agreement_algorithm: KeyAgreementAlgorithm,
    key_origin: Origin,
}

impl Operation for DeriveSharedSecret {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            algorithm: input.required_choice("KeyAgreementAlgorithm", KeyAgreementAlgorithm::parse)?,
            peer: input.required_blob("PublicKey")?,
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
        let peer = request.peer.expose_secret().to_vec();
        let secret = open_work::run(desk, &key, move |open| {
            open.agree(&peer).map_err(|_| KmsError::Invalid(Invalid::PeerPublicKey))
        })
        .await?;
        request.dry_run.before_effect()?;
        key.used(desk, "DeriveSharedSecret");
        Ok(Reply {
            key_id: key.arn_text(),
            shared_secret: SecretBlob(secret),
            key_agreement_algorithm: request.algorithm,
            key_origin: key.record().origin,
        })
    }
}
