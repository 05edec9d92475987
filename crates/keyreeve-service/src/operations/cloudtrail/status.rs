//! `GetTrailStatus`: whether a trail logs, and how its delivery goes.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use serde::Serialize;

use super::trail::{about, named};
use crate::cloudtrail::{AuthorizedTrail, DeliveryStatus, Trail, TrailId, TrailResource};
use crate::desk::Desk;
use crate::input::Input;
use crate::operation::Operation;
use crate::reply::{Epoch, IsoTime};

pub(crate) struct GetTrailStatus;

/// The texts are those of older clients: empty where there is no time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatusReply {
    is_logging: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_logging_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_logging_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_error: Option<String>,
    latest_delivery_attempt_time: TextTime,
    latest_notification_attempt_time: TextTime,
    latest_notification_attempt_succeeded: TextTime,
    latest_delivery_attempt_succeeded: TextTime,
    time_logging_started: TextTime,
    time_logging_stopped: TextTime,
}

#[derive(Debug)]
struct TextTime(Option<Timestamp>);

impl Serialize for TextTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(time) => IsoTime(time).serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }
}

impl StatusReply {
    fn of(trail: &Trail, status: DeliveryStatus) -> Self {
        Self {
            is_logging: trail.run.is_some(),
            latest_delivery_time: status.delivered.map(Epoch),
            start_logging_time: trail.started.map(Epoch),
            stop_logging_time: trail.stopped.map(Epoch),
            latest_digest_delivery_time: status.digest_delivered.map(Epoch),
            latest_delivery_attempt_time: TextTime(status.tried),
            latest_notification_attempt_time: TextTime(None),
            latest_notification_attempt_succeeded: TextTime(None),
            latest_delivery_attempt_succeeded: TextTime(status.delivered),
            time_logging_started: TextTime(trail.started),
            time_logging_stopped: TextTime(trail.stopped),
            latest_delivery_error: status.error,
            latest_digest_delivery_error: status.digest_error,
        }
    }
}

impl Operation for GetTrailStatus {
    type Request = TrailId;
    type Proof = AuthorizedTrail<Self>;
    type Reply = StatusReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<TrailId, KmsError> {
        named(input, desk)
    }

    fn names(id: &TrailId) -> TrailResource {
        about(id)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        id: &'a TrailId,
        proof: AuthorizedTrail<Self>,
    ) -> Result<StatusReply, KmsError> {
        let trails = proof.open(desk);
        let trail = trails.find(id).await?.value;
        // What is left of a deleted trail of the same name tells nothing of this one.
        let delivery = trails.delivery(id).await?.filter(|row| row.value.deleted.is_none());
        Ok(StatusReply::of(&trail, delivery.map(|row| row.value.status).unwrap_or_default()))
    }
}
