//! `UntagResource`: removes tags from a key; one that is not there is no error.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[Member::required("KeyId", &shapes::KEY_ID), Member::required("TagKeys", &shapes::TAG_KEYS)],
};

pub(crate) struct UntagResource;

pub(crate) struct Request {
    key: KeyRef,
    tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request { key: input.required_key_ref("KeyId")?, tag_keys: input.texts("TagKeys") })
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
        record.tags = record.tags.without(&request.tag_keys).map_err(KmsError::Tag)?;
        key.replace(desk, &record).await?;
        Ok(Empty)
    }
}
