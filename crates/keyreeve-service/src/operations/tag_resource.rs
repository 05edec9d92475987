//! `TagResource`: adds tags to a key, or overwrites their values.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::tag::Tags;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[Member::required("KeyId", &shapes::KEY_ID), Member::required("Tags", &shapes::TAGS)],
};

pub(crate) struct TagResource;

pub(crate) struct Request {
    key: KeyRef,
    tags: Tags,
}

impl Operation for TagResource {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let key = input.required_key_ref("KeyId")?;
        Ok(Request { key, tags: Tags::parse(input.tags("Tags")).map_err(KmsError::Tag)? })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Empty, KmsError> {
        let mut record = key.record().clone();
        record.tags = record.tags.overlaid(request.tags.clone()).map_err(KmsError::Tag)?;
        key.replace(desk, &record).await?;
        Ok(Empty)
    }
}
