//! `DisableKeyRotation`: a key rotates no longer by itself.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;

use super::rotation_rules;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct DisableKeyRotation;

impl Operation for DisableKeyRotation {
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
        rotation_rules::check_schedulable(key.arn(), key.record())?;
        // Disabling what is disabled succeeds without a change.
        if key.record().rotation.is_some() {
            let mut record = key.record().clone();
            record.rotation = None;
            key.replace(desk, &record).await?;
        }
        Ok(Empty)
    }
}
