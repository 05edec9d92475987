//! `EnableKey`: a disabled key may be used again.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_state::KeyState;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct EnableKey;

impl Operation for EnableKey {
    type Request = KeyRef;
    type Proof = AuthorizedKey<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<KeyRef, KmsError> {
        input.required_key_ref("KeyId")
    }

    fn names(key: &KeyRef) -> KeyName {
        KeyName::Ref(key.clone())
    }

    async fn run<'a>(desk: &'a Desk<'a>, _: &'a KeyRef, key: AuthorizedKey<Self>) -> Result<Empty, KmsError> {
        // Enabling an enabled key succeeds without a change.
        if key.record().state == KeyState::Disabled {
            let mut record = key.record().clone();
            record.state = KeyState::Enabled;
            key.replace(desk, &record).await?;
        }
        Ok(Empty)
    }
}
