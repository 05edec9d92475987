//! `UpdateKeyDescription`: replaces the description of a key.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("Description", &shapes::DESCRIPTION),
    ],
};

pub(crate) struct UpdateKeyDescription;

pub(crate) struct Request {
    key: KeyRef,
    description: String,
}

impl Operation for UpdateKeyDescription {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            description: input.required_text("Description")?,
        })
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
        record.description.clone_from(&request.description);
        key.replace(desk, &record).await?;
        Ok(Empty)
    }
}
