//! `UpdatePrimaryRegion`: another Region's replica becomes the primary of a multi-Region key.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html>

use keyreeve_model::arn::{KeyArn, KeyRef};
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("PrimaryRegion", &shapes::REGION),
    ],
};

pub(crate) struct UpdatePrimaryRegion;

pub(crate) struct Request {
    key: KeyRef,
    to: Region,
}

impl Operation for UpdatePrimaryRegion {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let region = input.required_text("PrimaryRegion")?;
        let to = Region::parse(&region).ok_or(KmsError::Internal)?;
        Ok(Request { key: input.required_key_ref("KeyId")?, to })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Empty, KmsError> {
        let (arn, to) = (key.arn(), &request.to);
        if !arn.key_id.is_multi_region() || key.record().is_replica_in(&arn.region) {
            return Err(KmsError::NotPrimary(arn.clone()));
        }
        // It is there already.
        if *to == arn.region {
            return Ok(Empty);
        }
        let replica = KeyArn { region: to.clone(), ..arn.clone() };
        if key.record().multi_region.as_ref().is_none_or(|regions| regions.replica(to).is_none()) {
            return Err(KmsError::KeyNotFound(replica));
        }
        let Some(there) = desk.service.ask_for_promotion(arn, to).await? else {
            return Err(KmsError::KeyNotFound(replica));
        };
        key.permit_at(desk, replica, there)?;
        key.hand_over(desk, to).await?;
        Ok(Empty)
    }
}
