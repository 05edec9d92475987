//! Tags of users, roles, policies and whatever else is [`Named`]: `Tag…`, `Untag…`, `List…Tags`, generic over the entity.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>

use std::collections::BTreeMap;
use std::marker::PhantomData;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use super::named::Named;
use super::paging::{PageEnd, Paging};
use super::shapes;
use crate::desk::Desk;
use crate::identity::{AuthorizedIam, IamResource};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};

/// Most tags of an entity.
const TAGS_MAX: usize = 50;

/// A tag as IAM shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    key: String,
    value: String,
}

/// Tags in the order of their keys.
pub(crate) fn view(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// The tags of a request.
///
/// # Errors
/// InvalidInput for a key that occurs twice, in whatever letter case, or that AWS reserves.
pub(crate) fn parse(input: &mut Input<'_>) -> Result<BTreeMap<String, String>, KmsError> {
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in input.tags("Tags") {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys beginning with aws: are reserved for system use."));
        }
        if tags.keys().any(|known| known.eq_ignore_ascii_case(&key)) {
            return Err(invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
        tags.insert(key, value);
    }
    Ok(tags)
}

/// Adds tags; a key that is there, in whatever letter case, gets the new value and spelling.
///
/// # Errors
/// LimitExceeded.
pub(crate) fn merge(
    tags: &mut BTreeMap<String, String>,
    added: &BTreeMap<String, String>,
) -> Result<(), KmsError> {
    for (key, value) in added {
        tags.retain(|known, _| !known.eq_ignore_ascii_case(key));
        tags.insert(key.clone(), value.clone());
    }
    if tags.len() > TAGS_MAX {
        return Err(KmsError::Iam(IamError::LimitExceeded(
            "The number of tags has reached the maximum limit.".to_owned(),
        )));
    }
    Ok(())
}

fn invalid(message: &str) -> KmsError {
    KmsError::Iam(IamError::InvalidInput(message.to_owned()))
}

/// `TagUser` and its kin.
pub(crate) struct TagEntity<E>(PhantomData<E>);

impl<E: Named> TagEntity<E> {
    pub(crate) const INPUT: &'static Structure =
        &Structure { members: &[E::MEMBER, Member::required("Tags", &shapes::TAGS)] };
}

/// A name or an ARN, and tags for what it names.
pub(crate) struct TagRequest {
    name: String,
    tags: BTreeMap<String, String>,
}

impl<E: Named> Operation for TagEntity<E> {
    type Request = TagRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<TagRequest, KmsError> {
        Ok(TagRequest { name: input.required_text(E::MEMBER.name)?, tags: parse(input)? })
    }

    fn names(request: &TagRequest) -> IamResource {
        E::resource(request.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a TagRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = E::find(&iam, &request.name).await?;
        iam.change(&found, |row| merge(&mut row.naming_mut().tags, &request.tags)).await?;
        Ok(Empty)
    }
}

/// `UntagUser` and its kin.
pub(crate) struct UntagEntity<E>(PhantomData<E>);

impl<E: Named> UntagEntity<E> {
    pub(crate) const INPUT: &'static Structure =
        &Structure { members: &[E::MEMBER, Member::required("TagKeys", &shapes::TAG_KEYS)] };
}

/// A name or an ARN, and keys of tags that shall go.
pub(crate) struct UntagRequest {
    name: String,
    keys: Vec<String>,
}

impl<E: Named> Operation for UntagEntity<E> {
    type Request = UntagRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<UntagRequest, KmsError> {
        Ok(UntagRequest { name: input.required_text(E::MEMBER.name)?, keys: input.texts("TagKeys") })
    }

    fn names(request: &UntagRequest) -> IamResource {
        E::resource(request.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a UntagRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = E::find(&iam, &request.name).await?;
        let gone = |key: &String| request.keys.iter().any(|asked| asked.eq_ignore_ascii_case(key));
        iam.change(&found, |row| {
            row.naming_mut().tags.retain(|key, _| !gone(key));
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

/// `ListUserTags` and its kin.
pub(crate) struct ListEntityTags<E>(PhantomData<E>);

impl<E: Named> ListEntityTags<E> {
    pub(crate) const INPUT: &'static Structure = &Structure {
        members: &[
            E::MEMBER,
            Member::optional("Marker", &shapes::MARKER),
            Member::optional("MaxItems", &shapes::MAX_ITEMS),
        ],
    };
}

/// A name or an ARN, and a page.
pub(crate) struct PageRequest {
    pub(crate) name: String,
    pub(crate) paging: Paging,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagsReply {
    tags: Vec<Tag>,
    #[serde(flatten)]
    end: PageEnd,
}

impl<E: Named> Operation for ListEntityTags<E> {
    type Request = PageRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = TagsReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<PageRequest, KmsError> {
        Ok(PageRequest { name: input.required_text(E::MEMBER.name)?, paging: Paging::parse(input)? })
    }

    fn names(request: &PageRequest) -> IamResource {
        E::resource(request.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a PageRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<TagsReply, KmsError> {
        let iam = proof.open(desk);
        let found = E::find(&iam, &request.name).await?;
        let (tags, end) = request.paging.cut(view(&found.row.naming().tags), |tag| tag.key.as_str());
        Ok(TagsReply { tags, end })
    }
}
