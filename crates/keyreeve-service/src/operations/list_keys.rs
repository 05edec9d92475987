//! `ListKeys`: the keys of the account in this Region.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::paging::{self, PageEnd, Paging};
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("Limit", &shapes::LIMIT),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("ResourceOwners", &shapes::RESOURCE_OWNERS),
    ],
};

pub(crate) struct ListKeys;

pub(crate) struct Request {
    /// Keys that other accounts share through RAM: none are here, so that this list alone is empty.
    own: bool,
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    keys: Vec<Key>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    key_id: String,
    key_arn: String,
}

impl Operation for ListKeys {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let paging = Paging::parse(input, &paging::LARGE)?;
        let owners = input.texts("ResourceOwners");
        Ok(Request { own: owners.is_empty() || owners.iter().any(|owner| owner == "SELF"), paging })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        call: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        if !request.own {
            return Ok(Reply { keys: Vec::new(), end: PageEnd::new(None) });
        }
        let listed = call.list_keys(desk, request.paging.limit, request.paging.marker.as_deref()).await?;
        let keys =
            listed.items.iter().map(|arn| Key { key_id: arn.key_id.to_string(), key_arn: arn.to_string() });
        Ok(Reply { keys: keys.collect(), end: PageEnd::new(listed.next_marker) })
    }
}
