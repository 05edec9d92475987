//! `ScheduleKeyDeletion`: deletes a key after a waiting period.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::Invalid;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::limits::{DELETION_WINDOW_DAYS_MAX, DELETION_WINDOW_DAYS_MIN};
use serde::Serialize;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("PendingWindowInDays", &shapes::PENDING_WINDOW),
    ],
};

pub(crate) struct ScheduleKeyDeletion;

pub(crate) struct Request {
    key: KeyRef,
    window_days: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Epoch>,
    key_state: KeyState,
    pending_window_in_days: i64,
}

impl Operation for ScheduleKeyDeletion {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        // The model allows 1 to 365 days, the service 7 to 30.
        let window_days = input.integer("PendingWindowInDays").unwrap_or(DELETION_WINDOW_DAYS_MAX);
        if !(DELETION_WINDOW_DAYS_MIN..=DELETION_WINDOW_DAYS_MAX).contains(&window_days) {
            return Err(KmsError::Invalid(Invalid::DeletionWindow));
        }
        Ok(Request { key: input.required_key_ref("KeyId")?, window_days })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        let mut record = key.record().clone();
        // A primary waits until its last replica is gone; then its own waiting period begins.
        if record.has_replicas() && !record.is_replica_in(&key.arn().region) {
            record.state = KeyState::PendingReplicaDeletion;
            record.pending_window_days = u16::try_from(request.window_days).ok();
        } else {
            record.state = KeyState::PendingDeletion;
            record.deletion = Some(desk.now.plus_days(request.window_days));
        }
        key.replace(desk, &record).await?;
        Ok(Reply {
            key_id: key.arn_text(),
            deletion_date: record.deletion.map(Epoch),
            key_state: record.state,
            pending_window_in_days: request.window_days,
        })
    }
}
