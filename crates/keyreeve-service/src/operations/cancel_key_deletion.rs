//! `CancelKeyDeletion`: a key that was scheduled for deletion stays, disabled.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html>

use keyreeve_model::algorithm::Origin;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_state::KeyState;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct CancelKeyDeletion;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
}

impl Operation for CancelKeyDeletion {
    type Request = KeyRef;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<KeyRef, KmsError> {
        input.required_key_ref("KeyId")
    }

    fn names(key: &KeyRef) -> KeyName {
        KeyName::Ref(key.clone())
    }

    async fn run<'a>(desk: &'a Desk<'a>, _: &'a KeyRef, key: AuthorizedKey<Self>) -> Result<Reply, KmsError> {
        let mut record = key.record().clone();
        // AWS: disabled, also when the key was enabled before; a key without its imported material waits for it. A replica
        // that was never given any goes on being made.
        record.state = if record.origin == Origin::External && !record.is_complete_at(desk.now) {
            KeyState::PendingImport
        } else if record.origin == Origin::AwsKms && !record.has_material {
            KeyState::Creating
        } else {
            KeyState::Disabled
        };
        record.deletion = None;
        record.pending_window_days = None;
        key.replace(desk, &record).await?;
        Ok(Reply { key_id: key.arn_text() })
    }
}
