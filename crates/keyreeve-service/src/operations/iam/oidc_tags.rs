//! Tags of OpenID Connect providers: TagOpenIDConnectProvider, UntagOpenIDConnectProvider,
//! ListOpenIDConnectProviderTags.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_oidc.html>

use std::collections::BTreeMap;

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::oidc_provider::{change, existing};
use super::paging::{PageEnd, Paging};
use super::shapes;
use super::tags::{self, Tag};
use crate::desk::Desk;
use crate::identity::{AuthorizedIam, IamResource};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};

pub(crate) static TAG: Structure = Structure {
    members: &[
        Member::required("OpenIDConnectProviderArn", &shapes::ARN),
        Member::required("Tags", &shapes::TAGS),
    ],
};

pub(crate) struct TagRequest {
    arn: String,
    tags: BTreeMap<String, String>,
}

pub(crate) struct TagOpenIDConnectProvider;

impl Operation for TagOpenIDConnectProvider {
    type Request = TagRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<TagRequest, KmsError> {
        let arn = input.required_text("OpenIDConnectProviderArn")?;
        Ok(TagRequest { arn, tags: tags::parse(input)? })
    }

    fn names(request: &TagRequest) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a TagRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        change(&proof.open(desk), &request.arn, |provider| tags::merge(&mut provider.tags, &request.tags))
            .await
    }
}

pub(crate) static UNTAG: Structure = Structure {
    members: &[
        Member::required("OpenIDConnectProviderArn", &shapes::ARN),
        Member::required("TagKeys", &shapes::TAG_KEYS),
    ],
};

pub(crate) struct UntagRequest {
    arn: String,
    keys: Vec<String>,
}

pub(crate) struct UntagOpenIDConnectProvider;

impl Operation for UntagOpenIDConnectProvider {
    type Request = UntagRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<UntagRequest, KmsError> {
        let arn = input.required_text("OpenIDConnectProviderArn")?;
        Ok(UntagRequest { arn, keys: input.texts("TagKeys") })
    }

    fn names(request: &UntagRequest) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a UntagRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        change(&proof.open(desk), &request.arn, |provider| {
            provider.tags.retain(|known, _| !request.keys.iter().any(|key| key.eq_ignore_ascii_case(known)));
            Ok(())
        })
        .await
    }
}

pub(crate) static LIST: Structure = Structure {
    members: &[
        Member::required("OpenIDConnectProviderArn", &shapes::ARN),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

pub(crate) struct ListRequest {
    arn: String,
    paging: Paging,
}

pub(crate) struct ListOpenIDConnectProviderTags;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    tags: Vec<Tag>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListOpenIDConnectProviderTags {
    type Request = ListRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ListRequest, KmsError> {
        let arn = input.required_text("OpenIDConnectProviderArn")?;
        Ok(ListRequest { arn, paging: Paging::parse(input)? })
    }

    fn names(request: &ListRequest) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ListRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let provider = existing(&proof.open(desk), &request.arn).await?.row;
        let (page, end) = request.paging.cut(provider.tags.into_iter().collect(), |(key, _)| key.as_str());
        Ok(ListReply { tags: tags::view(&page.into_iter().collect()), end })
    }
}
