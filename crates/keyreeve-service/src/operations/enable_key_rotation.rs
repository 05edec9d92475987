//! `EnableKeyRotation`: a symmetric key gets new material by itself, every so many days.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::limits::ROTATION_PERIOD_DAYS_DEFAULT;
use keyreeve_model::rotation::RotationSchedule;

use super::rotation_rules;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("RotationPeriodInDays", &shapes::ROTATION_PERIOD),
    ],
};

pub(crate) struct EnableKeyRotation;

pub(crate) struct Request {
    key: KeyRef,
    period_days: Option<u16>,
}

impl Operation for EnableKeyRotation {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let period = input.integer("RotationPeriodInDays");
        let period_days = period.map(u16::try_from).transpose().map_err(|_| KmsError::Internal)?;
        Ok(Request { key: input.required_key_ref("KeyId")?, period_days })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Empty, KmsError> {
        rotation_rules::check_schedulable(key.arn(), key.record())?;
        let present = key.record().rotation;
        let kept = present.map(|schedule| schedule.period_days);
        let period_days = request.period_days.or(kept).unwrap_or(ROTATION_PERIOD_DAYS_DEFAULT);
        // Asking again for what is so changes nothing: whoever applies a configuration every day would otherwise put the
        // next rotation off for ever.
        if kept != Some(period_days) {
            let mut record = key.record().clone();
            record.rotation = Some(RotationSchedule::starting(period_days, desk.now));
            key.replace(desk, &record).await?;
        }
        Ok(Empty)
    }
}
