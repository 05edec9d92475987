//! `DescribeKey`: everything that is known about a key but its material.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::grant_tokens;
use super::key_metadata::KeyMetadata;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
    ],
};

pub(crate) struct DescribeKey;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_metadata: KeyMetadata,
}

impl Operation for DescribeKey {
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
        Ok(Reply { key_metadata: KeyMetadata::new(key.arn(), key.record(), desk.now) })
    }
}
