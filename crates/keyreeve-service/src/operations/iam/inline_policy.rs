//! Inline policies of users, roles and groups: Put, Get, Delete and List {User,Role,Group}Policy.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html>

use std::collections::BTreeMap;
use std::marker::PhantomData;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_policy::policy::{Grammar, characters_without_whitespace};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::holder::NamedHolder;
use super::paging::{PageEnd, Paging};
use super::{policy_document, shapes};
use crate::desk::Desk;
use crate::identity::{AuthorizedIam, IamResource};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};

const USER: Member = Member::required("UserName", &shapes::NAME_128);
const ROLE: Member = Member::required("RoleName", &shapes::ROLE_NAME);
const GROUP: Member = Member::required("GroupName", &shapes::NAME_128);
const POLICY: Member = Member::required("PolicyName", &shapes::NAME_128);
const DOCUMENT: Member = Member::required("PolicyDocument", &shapes::POLICY_DOCUMENT);
const MARKER: Member = Member::optional("Marker", &shapes::MARKER);
const MAX_ITEMS: Member = Member::optional("MaxItems", &shapes::MAX_ITEMS);

pub(crate) static PUT_USER: Structure = Structure { members: &[USER, POLICY, DOCUMENT] };
pub(crate) static PUT_ROLE: Structure = Structure { members: &[ROLE, POLICY, DOCUMENT] };
pub(crate) static PUT_GROUP: Structure = Structure { members: &[GROUP, POLICY, DOCUMENT] };
/// Of GetUserPolicy and DeleteUserPolicy.
pub(crate) static USER_AND_POLICY: Structure = Structure { members: &[USER, POLICY] };
/// Of GetRolePolicy and DeleteRolePolicy.
pub(crate) static ROLE_AND_POLICY: Structure = Structure { members: &[ROLE, POLICY] };
/// Of GetGroupPolicy and DeleteGroupPolicy.
pub(crate) static GROUP_AND_POLICY: Structure = Structure { members: &[GROUP, POLICY] };
pub(crate) static LIST_USER: Structure = Structure { members: &[USER, MARKER, MAX_ITEMS] };
pub(crate) static LIST_ROLE: Structure = Structure { members: &[ROLE, MARKER, MAX_ITEMS] };
pub(crate) static LIST_GROUP: Structure = Structure { members: &[GROUP, MARKER, MAX_ITEMS] };

/// Most bytes of all inline policies of an entity with white space counted, so that rows stay small: about what AWS takes
/// in one document.
const STORED_BYTES_MAX: usize = 131_072;

/// An inline policy of a holder.
pub(crate) struct Names {
    holder: String,
    policy: String,
}

impl Names {
    fn parse<E: NamedHolder>(input: &mut Input<'_>) -> Result<Self, KmsError> {
        let holder = input.required_text(E::MEMBER.name)?;
        Ok(Self { holder, policy: input.required_text("PolicyName")? })
    }

    fn missing<E: NamedHolder>(&self) -> KmsError {
        KmsError::Iam(IamError::NoSuchEntity(format!(
            "The {} policy with name {} cannot be found.",
            E::NOUN.segment,
            self.policy
        )))
    }
}

/// Puts an inline policy, in place of the one of its name.
pub(crate) struct Put<E>(PhantomData<fn() -> E>);

/// A request of `Put`.
pub(crate) struct NewPolicy {
    names: Names,
    document: String,
}

impl<E: NamedHolder> Operation for Put<E> {
    type Request = NewPolicy;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<NewPolicy, KmsError> {
        Ok(NewPolicy { names: Names::parse::<E>(input)?, document: input.required_text("PolicyDocument")? })
    }

    fn names(request: &NewPolicy) -> IamResource {
        E::resource(request.names.holder.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a NewPolicy,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = iam.find::<E>(&request.names.holder).await?;
        found.row.check_modifiable()?;
        policy_document::parse(&request.document, Grammar::Identity)?;
        let change = |row: &mut E| {
            let inline = &mut row.attachments_mut().inline;
            inline.insert(request.names.policy.clone(), request.document.clone());
            check_size::<E>(&found.row.naming().name, inline)
        };
        iam.change(&found, change).await?;
        Ok(Empty)
    }
}

/// AWS counts all inline policies of an entity together, without white space.
fn check_size<E: NamedHolder>(name: &str, inline: &BTreeMap<String, String>) -> Result<(), KmsError> {
    let characters: usize = inline.values().map(|document| characters_without_whitespace(document)).sum();
    let stored: usize = inline.values().map(String::len).sum();
    if characters <= E::INLINE_CHARACTERS_MAX && stored <= STORED_BYTES_MAX {
        return Ok(());
    }
    Err(KmsError::Iam(IamError::LimitExceeded(format!(
        "Maximum policy size of {} bytes exceeded for {} {name}",
        E::INLINE_CHARACTERS_MAX,
        E::NOUN.segment
    ))))
}

/// Shows an inline policy.
pub(crate) struct Get<E>(PhantomData<fn() -> E>);

/// The answer of `Get`: the holder's name in its own member, `PolicyName`, `PolicyDocument`.
pub(crate) struct Shown {
    name_member: &'static str,
    names: Names,
    document: String,
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(self.name_member, &self.names.holder)?;
        map.serialize_entry("PolicyName", &self.names.policy)?;
        map.serialize_entry("PolicyDocument", &self.document)?;
        map.end()
    }
}

impl<E: NamedHolder> Operation for Get<E> {
    type Request = Names;
    type Proof = AuthorizedIam<Self>;
    type Reply = Shown;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Names, KmsError> {
        Names::parse::<E>(input)
    }

    fn names(names: &Names) -> IamResource {
        E::resource(names.holder.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        names: &'a Names,
        proof: AuthorizedIam<Self>,
    ) -> Result<Shown, KmsError> {
        let holder = proof.open(desk).find::<E>(&names.holder).await?.row;
        let document = holder.attachments().inline.get(&names.policy).ok_or_else(|| names.missing::<E>())?;
        Ok(Shown {
            name_member: E::MEMBER.name,
            names: Names { holder: holder.naming().name.clone(), policy: names.policy.clone() },
            document: policy_document::encoded(document),
        })
    }
}

/// Removes an inline policy.
pub(crate) struct Delete<E>(PhantomData<fn() -> E>);

impl<E: NamedHolder> Operation for Delete<E> {
    type Request = Names;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Names, KmsError> {
        Names::parse::<E>(input)
    }

    fn names(names: &Names) -> IamResource {
        E::resource(names.holder.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        names: &'a Names,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = iam.find::<E>(&names.holder).await?;
        found.row.check_modifiable()?;
        let change = |row: &mut E| {
            let removed = row.attachments_mut().inline.remove(&names.policy);
            removed.map(drop).ok_or_else(|| names.missing::<E>())
        };
        iam.change(&found, change).await?;
        Ok(Empty)
    }
}

/// Lists the names of inline policies.
pub(crate) struct List<E>(PhantomData<fn() -> E>);

/// A request of `List`.
pub(crate) struct ListRequest {
    holder: String,
    paging: Paging,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    policy_names: Vec<String>,
    #[serde(flatten)]
    end: PageEnd,
}

impl<E: NamedHolder> Operation for List<E> {
    type Request = ListRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ListRequest, KmsError> {
        Ok(ListRequest { holder: input.required_text(E::MEMBER.name)?, paging: Paging::parse(input)? })
    }

    fn names(request: &ListRequest) -> IamResource {
        E::resource(request.holder.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ListRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let holder = proof.open(desk).find::<E>(&request.holder).await?.row;
        let names = holder.attachments().inline.keys().cloned().collect();
        let (policy_names, end) = request.paging.cut(names, |name: &String| name.as_str());
        Ok(ListReply { policy_names, end })
    }
}
