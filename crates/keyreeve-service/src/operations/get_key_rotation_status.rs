//! `GetKeyRotationStatus`: whether a key rotates by itself, how often, and when next.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html>; what is shown in which state
//! follows captures of 2026-09.

use keyreeve_model::algorithm::KeyManager;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_state::KeyState;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct GetKeyRotationStatus;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    key_rotation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_period_in_days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_demand_rotation_start_date: Option<Epoch>,
}

/// AWS does not show the schedule of a key that is going, though it comes back when the deletion is cancelled, nor that of
/// its own keys.
fn is_shown(record: &KeyRecord) -> bool {
    record.state != KeyState::PendingDeletion && record.manager == KeyManager::Customer
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
        let record = Some(key.record()).filter(|record| is_shown(record));
        let schedule = record.and_then(|record| record.rotation);
        Ok(Reply {
            key_id: key.arn_text(),
            key_rotation_enabled: schedule.is_some(),
            rotation_period_in_days: schedule.map(|schedule| schedule.period_days),
            next_rotation_date: schedule.map(|schedule| Epoch(schedule.next)),
            on_demand_rotation_start_date: record.and_then(|record| record.on_demand.started).map(Epoch),
        })
    }
}
