//! Tags of trails: AddTags, RemoveTags, ListTags.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AddTags.html>

use std::collections::BTreeMap;

use keyreeve_model::error::KmsError;
use keyreeve_model::trail_error::TrailFault;
use serde::Serialize;

use super::shapes;
use super::trail::{Done, about};
use crate::cloudtrail::{AuthorizedTrail, Trail, TrailId, TrailResource};
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;

/// Most tags of a trail.
const TAGS_MAX: usize = 50;
/// Most trails whose tags are listed at a time.
const LISTED_MAX: usize = 20;

type Tags = BTreeMap<String, String>;

/// Tags in their order; a tag without a value has the empty one.
pub(super) fn parse(input: &mut Input<'_>) -> Result<Vec<(String, String)>, KmsError> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for mut tag in input.structures("TagsList") {
        let key = tag.required_text("Key")?;
        let refused = if key.to_ascii_lowercase().starts_with("aws:") {
            Some(format!("Tag keys that begin with aws: are reserved: {key}"))
        } else if tags.iter().any(|(known, _)| *known == key) {
            Some(format!("The tag key {key} is given twice."))
        } else {
            None
        };
        if let Some(text) = refused {
            return Err(TrailFault::InvalidTag.because(text).into());
        }
        tags.push((key, tag.text("Value").unwrap_or_default()));
    }
    Ok(tags)
}

/// Tags with others added.
///
/// # Errors
/// TagsLimitExceededException.
pub(super) fn merged(mut tags: Tags, more: Vec<(String, String)>) -> Result<Tags, KmsError> {
    tags.extend(more);
    if tags.len() <= TAGS_MAX {
        return Ok(tags);
    }
    let text = format!("A trail can have up to {TAGS_MAX} tags.");
    Err(TrailFault::TooManyTags.because(text).into())
}

/// The trail of an ARN: nothing else has tags here, and a name is no resource id.
fn tagged(text: &str, desk: &Desk<'_>) -> Result<TrailId, KmsError> {
    if text.starts_with("arn:") && !text.contains(":trail/") {
        let text = format!("The resource type of {text} has no tags.");
        return Err(TrailFault::ResourceTypeNotSupported.because(text).into());
    }
    if !text.starts_with("arn:") {
        return Err(TrailFault::ArnInvalid.because(format!("Invalid ARN: {text}")).into());
    }
    TrailId::of(text, desk.caller.account(), &desk.caller.region)
}

/// The input of AddTags and RemoveTags.
pub(crate) static ADD: Structure = Structure {
    members: &[Member::required("ResourceId", &shapes::TEXT), Member::required("TagsList", &shapes::TAGS)],
};

pub(crate) struct TagRequest {
    id: TrailId,
    tags: Vec<(String, String)>,
}

impl TagRequest {
    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Self, KmsError> {
        let id = tagged(&input.required_text("ResourceId")?, desk)?;
        Ok(Self { id, tags: parse(input)? })
    }
}

fn missing(id: &TrailId) -> KmsError {
    TrailFault::ResourceNotFound.because(format!("Resource {id} does not exist.")).into()
}

async fn change<O>(
    desk: &Desk<'_>,
    id: &TrailId,
    proof: &AuthorizedTrail<O>,
    change: impl FnOnce(Tags) -> Result<Tags, KmsError>,
) -> Result<Done, KmsError> {
    let trails = proof.open(desk);
    let found = trails.look(id).await?.ok_or_else(|| missing(id))?;
    let tags = change(found.value.tags.clone())?;
    if tags != found.value.tags {
        trails.put(desk, Some(found.stamp), &Trail { tags, ..found.value }).await?;
    }
    Ok(Done {})
}

pub(crate) struct AddTags;

impl Operation for AddTags {
    type Request = TagRequest;
    type Proof = AuthorizedTrail<Self>;
    type Reply = Done;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<TagRequest, KmsError> {
        TagRequest::parse(input, desk)
    }

    fn names(request: &TagRequest) -> TrailResource {
        about(&request.id)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a TagRequest,
        proof: AuthorizedTrail<Self>,
    ) -> Result<Done, KmsError> {
        change(desk, &request.id, &proof, |tags| merged(tags, request.tags.clone())).await
    }
}

pub(crate) struct RemoveTags;

impl Operation for RemoveTags {
    type Request = TagRequest;
    type Proof = AuthorizedTrail<Self>;
    type Reply = Done;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<TagRequest, KmsError> {
        TagRequest::parse(input, desk)
    }

    fn names(request: &TagRequest) -> TrailResource {
        about(&request.id)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a TagRequest,
        proof: AuthorizedTrail<Self>,
    ) -> Result<Done, KmsError> {
        change(desk, &request.id, &proof, |mut tags| {
            tags.retain(|key, _| request.tags.iter().all(|(gone, _)| gone != key));
            Ok(tags)
        })
        .await
    }
}

pub(crate) static LIST: Structure = Structure {
    members: &[
        Member::required("ResourceIdList", &shapes::TEXTS),
        Member::optional("NextToken", &shapes::TEXT),
    ],
};

pub(crate) struct ListTags;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    resource_tag_list: Vec<Tagged>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tagged {
    resource_id: String,
    tags_list: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    /// AWS's model has no empty values: a tag without one is shown without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
}

impl Operation for ListTags {
    type Request = Vec<TrailId>;
    type Proof = AuthorizedTrail<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Vec<TrailId>, KmsError> {
        if input.text("NextToken").is_some() {
            return Err(TrailFault::InvalidToken.because("The token is not valid.").into());
        }
        let ids = input.texts("ResourceIdList");
        if ids.len() > LISTED_MAX {
            let rule = format!("Member must have length less than or equal to {LISTED_MAX}");
            let text = format!("Value at 'resourceIdList' failed to satisfy constraint: {rule}");
            return Err(KmsError::Violations(vec![text]));
        }
        ids.iter().map(|text| tagged(text, desk)).collect()
    }

    fn names(ids: &Vec<TrailId>) -> TrailResource {
        if ids.is_empty() { TrailResource::Everything } else { TrailResource::Trails(ids.clone()) }
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        ids: &'a Vec<TrailId>,
        proof: AuthorizedTrail<Self>,
    ) -> Result<ListReply, KmsError> {
        let mut resource_tag_list = Vec::with_capacity(ids.len());
        for id in ids {
            let trail = proof.open(desk).look(id).await?.ok_or_else(|| missing(id))?.value;
            let tags_list = trail.tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
            resource_tag_list.push(Tagged { resource_id: id.to_string(), tags_list });
        }
        Ok(ListReply { resource_tag_list })
    }
}
