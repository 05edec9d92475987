//! `VerifyMac`: verifies an HMAC; it answers true or refuses, never false.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html>

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

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("Message", &shapes::PLAINTEXT),
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("MacAlgorithm", &shapes::MAC_ALGORITHM),
        Member::required("Mac", &shapes::CIPHERTEXT),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct VerifyMac;

pub(crate) struct Request {
    message: SecretBytes,
    key: KeyRef,
    algorithm: MacAlgorithm,
    mac: SecretBytes,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    mac_valid: bool,
    mac_algorithm: MacAlgorithm,
    key_id: String,
}

impl Operation for VerifyMac {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        Ok(Request {
            message: input.required_blob("Message")?,
            key: input.required_key_ref("KeyId")?,
            algorithm: input.required_choice("MacAlgorithm", MacAlgorithm::parse)?,
            mac: input.required_blob("Mac")?,
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
        let mac = request.mac.expose_secret();
        material.open_key()?.verify_mac(algorithm, message, mac).map_err(|_| KmsError::InvalidMac)?;
        // The verdict of a dry run comes after the MAC was checked.
        request.dry_run.before_effect()?;
        key.used(desk, "VerifyMac");
        Ok(Reply { mac_valid: true, mac_algorithm: algorithm, key_id: key.arn_text() })
    }
}
