//! StartLogging and StopLogging. They concern what is delivered; the log of the deployment is written in any case.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StartLogging.html>

use keyreeve_model::error::KmsError;

use super::trail::{Done, about, named};
use crate::cloudtrail::{AuthorizedTrail, Run, TrailId, TrailResource};
use crate::desk::Desk;
use crate::input::Input;
use crate::operation::Operation;

pub(crate) struct StartLogging;

impl Operation for StartLogging {
    type Request = TrailId;
    type Proof = AuthorizedTrail<Self>;
    type Reply = Done;

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
    ) -> Result<Done, KmsError> {
        let found = proof.at_home(desk, id).await?;
        let mut trail = found.value;
        if trail.run.is_none() {
            trail.run = Some(Run { after: desk.service.audit().durable(), started: desk.now });
            trail.started = Some(desk.now);
            proof.open(desk).put(desk, Some(found.stamp), &trail).await?;
        }
        Ok(Done {})
    }
}

pub(crate) struct StopLogging;

impl Operation for StopLogging {
    type Request = TrailId;
    type Proof = AuthorizedTrail<Self>;
    type Reply = Done;

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
    ) -> Result<Done, KmsError> {
        let found = proof.at_home(desk, id).await?;
        let mut trail = found.value;
        if trail.run.take().is_some() {
            trail.stopped = Some(desk.now);
            proof.open(desk).put(desk, Some(found.stamp), &trail).await?;
        }
        Ok(Done {})
    }
}
