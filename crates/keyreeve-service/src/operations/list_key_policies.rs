//! `ListKeyPolicies`: the names of a key's policies: `default`, always.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::paging::{self, PageEnd, Paging};
use super::policy_name;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("Limit", &shapes::LIMIT),
        Member::optional("Marker", &shapes::MARKER),
    ],
};

pub(crate) struct ListKeyPolicies;

pub(crate) struct Request {
    key: KeyRef,
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    policy_names: [&'static str; 1],
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListKeyPolicies {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request { paging: Paging::parse(input, &paging::LARGE)?, key: input.required_key_ref("KeyId")? })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        _: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        // One page always: no marker was ever given out.
        match request.paging.marker {
            Some(_) => Err(KmsError::InvalidMarker),
            None => Ok(Reply { policy_names: [policy_name::DEFAULT], end: PageEnd::new(None) }),
        }
    }
}
