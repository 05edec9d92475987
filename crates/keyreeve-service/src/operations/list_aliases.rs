//! `ListAliases`: the aliases of the account in this Region, or of one key.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::paging::{self, PageEnd, Paging};
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("KeyId", &shapes::KEY_ID),
        Member::optional("Limit", &shapes::LIMIT),
        Member::optional("Marker", &shapes::MARKER),
    ],
};

pub(crate) struct ListAliases;

pub(crate) struct Request {
    key: Option<KeyRef>,
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    aliases: Vec<Alias>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Alias {
    alias_name: String,
    alias_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_updated_date: Option<Epoch>,
}

impl Operation for ListAliases {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let paging = Paging::parse(input, &paging::SMALL)?;
        let key = input.key_ref("KeyId")?;
        if key.as_ref().is_some_and(KeyRef::is_alias) {
            return Err(KmsError::AliasesNotSupported);
        }
        Ok(Request { key, paging })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        call: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let Paging { limit, marker } = &request.paging;
        let key = match &request.key {
            Some(KeyRef::Id(id)) => Some(desk.key_arn(*id)),
            Some(KeyRef::Arn(arn)) => Some(arn.clone()),
            Some(KeyRef::Alias(_) | KeyRef::AliasArn(_)) | None => None,
        };
        if let Some(arn) = key.as_ref().filter(|arn| arn.region != desk.caller.region) {
            return Err(KmsError::InvalidArnRegion(arn.region.to_string()));
        }
        let listed = match key {
            Some(arn) => call.list_aliases_of(desk, &arn, *limit, marker.as_deref()).await?,
            None => call.list_aliases(desk, *limit, marker.as_deref()).await?,
        };
        let aliases = listed.items.into_iter().map(|alias| Alias {
            alias_name: alias.arn.name.to_string(),
            alias_arn: alias.arn.to_string(),
            target_key_id: alias.record.as_ref().map(|record| record.target.to_string()),
            creation_date: alias.record.as_ref().map(|record| Epoch(record.created)),
            last_updated_date: alias.record.as_ref().map(|record| Epoch(record.updated)),
        });
        Ok(Reply { aliases: aliases.collect(), end: PageEnd::new(listed.next_marker) })
    }
}
