//! Who is in which group: AddUserToGroup, RemoveUserFromGroup, ListGroupsForUser. The user's row and the group's row
//! change in one commit; each has the names of the other in lower case.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;

use super::group::{GroupView, ListReply};
use super::paging::Paging;
use super::shapes;
use super::tags::PageRequest;
use crate::desk::Desk;
use crate::identity::{AccountIam, AuthorizedIam, Found, GROUPS_PER_USER_MAX, Group, IamResource, User};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("GroupName", &shapes::NAME_128),
        Member::required("UserName", &shapes::NAME_128),
    ],
};

/// A group and a user.
pub(crate) struct Pair {
    group: String,
    user: String,
}

impl Pair {
    fn parse(input: &mut Input<'_>) -> Result<Self, KmsError> {
        Ok(Self { group: input.required_text("GroupName")?, user: input.required_text("UserName")? })
    }

    async fn find(&self, iam: &AccountIam<'_>) -> Result<(Found<Group>, Found<User>), KmsError> {
        Ok((iam.find(&self.group).await?, iam.find(&self.user).await?))
    }
}

async fn commit(
    iam: &AccountIam<'_>,
    (old_group, old_user): (&Found<Group>, &Found<User>),
    (group, user): (Group, User),
) -> Result<(), KmsError> {
    let draft = iam.draft_changed(iam.draft()?, old_group, &group)?;
    iam.commit(iam.draft_changed(draft, old_user, &user)?).await
}

pub(crate) struct AddUserToGroup;

impl Operation for AddUserToGroup {
    type Request = Pair;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Pair, KmsError> {
        Pair::parse(input)
    }

    fn names(pair: &Pair) -> IamResource {
        IamResource::Group(pair.group.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        pair: &'a Pair,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let (old_group, old_user) = pair.find(&iam).await?;
        let (mut group, mut user) = (old_group.row.clone(), old_user.row.clone());
        group.users.insert(user.naming.name.to_ascii_lowercase());
        if !user.groups.insert(group.naming.name.to_ascii_lowercase()) {
            return Ok(Empty);
        }
        if user.groups.len() > GROUPS_PER_USER_MAX {
            return Err(KmsError::Iam(IamError::LimitExceeded(format!(
                "Cannot exceed quota for GroupsPerUser: {GROUPS_PER_USER_MAX}"
            ))));
        }
        commit(&iam, (&old_group, &old_user), (group, user)).await?;
        Ok(Empty)
    }
}

pub(crate) struct RemoveUserFromGroup;

impl Operation for RemoveUserFromGroup {
    type Request = Pair;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Pair, KmsError> {
        Pair::parse(input)
    }

    fn names(pair: &Pair) -> IamResource {
        IamResource::Group(pair.group.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        pair: &'a Pair,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let (old_group, old_user) = pair.find(&iam).await?;
        let (mut group, mut user) = (old_group.row.clone(), old_user.row.clone());
        group.users.remove(&user.naming.name.to_ascii_lowercase());
        if !user.groups.remove(&group.naming.name.to_ascii_lowercase()) {
            return Err(KmsError::Iam(IamError::NoSuchEntity(format!(
                "User {} is not in group {}.",
                user.naming.name, group.naming.name
            ))));
        }
        commit(&iam, (&old_group, &old_user), (group, user)).await?;
        Ok(Empty)
    }
}

pub(crate) static LIST: Structure = Structure {
    members: &[
        Member::required("UserName", &shapes::NAME_128),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

pub(crate) struct ListGroupsForUser;

impl Operation for ListGroupsForUser {
    type Request = PageRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<PageRequest, KmsError> {
        Ok(PageRequest { name: input.required_text("UserName")?, paging: Paging::parse(input)? })
    }

    fn names(request: &PageRequest) -> IamResource {
        IamResource::User(request.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a PageRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let iam = proof.open(desk);
        let user = iam.find::<User>(&request.name).await?;
        let mut groups = Vec::new();
        for name in &user.row.groups {
            // One that is being renamed at this moment has another name already.
            if let Some(group) = iam.look::<Group>(name).await? {
                groups.push(GroupView::of(&group.row, iam.account));
            }
        }
        Ok(ListReply::page(&request.paging, groups))
    }
}
