//! `RotateKeyOnDemand`: a symmetric key gets new material now, whatever its schedule says. The request writes down that it
//! is wanted; the job does it at once, and again after a crash.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::rotation_rules;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct RotateKeyOnDemand;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
}

impl Operation for RotateKeyOnDemand {
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
        rotation_rules::check_rotatable(key.arn(), key.record())?;
        // A repetition while it is under way is the same request.
        if key.record().on_demand.started.is_none() {
            rotation_rules::check_on_demand(key.arn(), key.record(), desk.now)?;
            key.check_pending_material(desk).await?;
            let mut record = key.record().clone();
            record.on_demand.started = Some(desk.now);
            record.on_demand.count = record.on_demand.count.saturating_add(1);
            key.replace(desk, &record).await?;
        }
        desk.service.wake_for_due();
        Ok(Reply { key_id: key.arn_text() })
    }
}
