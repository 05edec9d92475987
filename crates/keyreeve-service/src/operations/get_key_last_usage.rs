//! `GetKeyLastUsage`: when a key was last used, and for what.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

use std::borrow::Cow;

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;
use uuid::Uuid;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct GetKeyLastUsage;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_last_usage: Option<KeyLastUsage>,
    tracking_start_date: Epoch,
    key_creation_date: Epoch,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyLastUsage {
    operation: Cow<'static, str>,
    timestamp: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_trail_event_id: Option<Uuid>,
    kms_request_id: Uuid,
}

impl Operation for GetKeyLastUsage {
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
        let tracked = key.last_use(desk).await?;
        let last = tracked.last.map(|last| KeyLastUsage {
            operation: last.operation,
            timestamp: Epoch(last.at),
            cloud_trail_event_id: last.event_id,
            kms_request_id: last.request_id,
        });
        Ok(Reply {
            key_id: key.arn_text(),
            key_last_usage: last,
            tracking_start_date: Epoch(tracked.tracking_since),
            key_creation_date: Epoch(key.record().created),
        })
    }
}
