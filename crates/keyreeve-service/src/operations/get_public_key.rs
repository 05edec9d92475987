//! `GetPublicKey`: the public key of a key pair.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html>

use keyreeve_model::algorithm::KeyUsage;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_spec::{KeyClass, KeySpec};
use serde::Serialize;

use super::key_metadata::Algorithms;
use super::{grant_tokens, open_work};
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;
use crate::reply::Blob;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
    ],
};

pub(crate) struct GetPublicKey;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    public_key: Blob<Vec<u8>>,
    customer_master_key_spec: KeySpec,
    key_spec: KeySpec,
    key_usage: KeyUsage,
    #[serde(flatten)]
    algorithms: Algorithms,
}

impl Operation for GetPublicKey {
    type Request = KeyRef;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<KeyRef, KmsError> {
        grant_tokens::check(input, desk)?;
        input.required_key_ref("KeyId")
    }

    fn names(key: &KeyRef) -> KeyName {
        KeyName::Ref(key.clone())
    }

    async fn run<'a>(desk: &'a Desk<'a>, _: &'a KeyRef, key: AuthorizedKey<Self>) -> Result<Reply, KmsError> {
        let record = key.record();
        if record.spec.row().class != KeyClass::Asymmetric {
            return Err(KmsError::Unsupported);
        }
        let public_key = open_work::run(desk, &key, |open| {
            open.public_key().map(<[u8]>::to_vec).ok_or(KmsError::Internal)
        })
        .await?;
        Ok(Reply {
            key_id: key.arn_text(),
            public_key: Blob(public_key),
            customer_master_key_spec: record.spec,
            key_spec: record.spec,
            key_usage: record.usage,
            algorithms: Algorithms::of(record),
        })
    }
}
