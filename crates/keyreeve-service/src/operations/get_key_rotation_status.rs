//! `GetKeyRotationStatus`: whether a key rotates by itself; until rotation exists here, it does not.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct GetKeyRotationStatus;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    key_rotation_enabled: bool,
}

impl Operation for GetKeyRotationStatus {
    type Request = KeyRef;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<KeyRef, KmsError> {
        input.required_key_ref("KeyId")
    }

    fn names(key: &KeyRef) -> KeyName {
        KeyName::Ref(key.clone())
    }

    async fn run<'a>(_: &'a Desk<'a>, _: &'a KeyRef, key: AuthorizedKey<Self>) -> Result<Reply, KmsError> {
        Ok(Reply { key_id: key.arn_text(), key_rotation_enabled: false })
    }
}
