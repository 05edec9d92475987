//! `ListResourceTags`: the tags of a key, sorted by tag key.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::paging::{self, PageEnd, Paging};
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

pub(crate) struct ListResourceTags;

pub(crate) struct Request {
    key: KeyRef,
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    tags: Vec<Tag>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    tag_key: String,
    tag_value: String,
}

impl Operation for ListResourceTags {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request { paging: Paging::parse(input, &paging::TAGS)?, key: input.required_key_ref("KeyId")? })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        let list = format!("tags/{}", key.arn());
        let marker = request.paging.marker.as_deref();
        let after = marker.map(|marker| desk.service.keys.open_marker(&list, marker)).transpose()?;
        let mut rest = key
            .record()
            .tags
            .iter()
            .filter(|(tag_key, _)| after.as_ref().is_none_or(|after| *tag_key > after));
        let tags: Vec<_> = rest
            .by_ref()
            .take(request.paging.limit)
            .map(|(tag_key, tag_value)| Tag { tag_key: tag_key.clone(), tag_value: tag_value.clone() })
            .collect();
        let next = match (tags.last(), rest.next()) {
            (Some(last), Some(_)) => Some(desk.service.keys.marker(&list, &last.tag_key)?),
            (Some(_) | None, _) => None,
        };
        Ok(Reply { tags, end: PageEnd::new(next) })
    }
}
