//! `GenerateMac`: computes an HMAC.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html>

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::algorithm::MacAlgorithm;
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

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("Message", &shapes::PLAINTEXT),
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("MacAlgorithm", &shapes::MAC_ALGORITHM),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct GenerateMac;

pub(crate) struct Request {
    message: SecretBytes,
    key: KeyRef,
    algorithm: MacAlgorithm,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    mac: Blob<Vec<u8>>,
    mac_algorithm: MacAlgorithm,
    key_id: String,
}

impl Operation for GenerateMac {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            message: input.required_blob("Message")?,
            key: input.required_key_ref("KeyId")?,
            algorithm: input.required_choice("MacAlgorithm", MacAlgorithm::parse)?,
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
        let algorithm = request.algorithm;
        open_work::check_mac(&key, algorithm)?;
        let material = key.material(desk).await?;
        let message = request.message.expose_secret();
        request.dry_run.before_effect()?;
        let mac = material.open_key()?.mac(algorithm, message).map_err(|_| KmsError::Internal)?;
        key.used(desk, "GenerateMac");
        Ok(Reply { mac: Blob(mac), mac_algorithm: algorithm, key_id: key.arn_text() })
    }
}
