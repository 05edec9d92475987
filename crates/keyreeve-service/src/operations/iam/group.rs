//! Groups: CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup. Who is in them is `group_members.rs`.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Group.html>

use std::collections::BTreeMap;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use serde::Serialize;

use super::paging::{PageEnd, Paging};
use super::shapes;
use super::tags::PageRequest;
use super::user::{ListRequest, UserView};
use crate::desk::Desk;
use crate::identity::{Attachments, AuthorizedIam, Entity, Group, IamResource, Move, Naming, User};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};
use crate::reply::IsoTime;

/// A group as IAM shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupView {
    path: String,
    pub(super) group_name: String,
    group_id: String,
    arn: String,
    create_date: IsoTime,
}

impl GroupView {
    pub(crate) fn of(group: &Group, account: AccountId) -> Self {
        let naming = &group.naming;
        Self {
            path: naming.path.clone(),
            group_name: naming.name.clone(),
            group_id: naming.id.clone(),
            arn: group.arn(account),
            create_date: IsoTime(naming.created),
        }
    }
}

pub(crate) static CREATE: Structure = Structure {
    members: &[Member::optional("Path", &shapes::PATH), Member::required("GroupName", &shapes::NAME_128)],
};

pub(crate) struct CreateGroup;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupReply {
    group: GroupView,
}

impl Operation for CreateGroup {
    type Request = Group;
    type Proof = AuthorizedIam<Self>;
    type Reply = GroupReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Group, KmsError> {
        let (name, path) = (input.required_text("GroupName")?, input.text("Path"));
        Ok(Group {
            naming: Naming::new(&Group::NOUN, name, path, BTreeMap::new(), desk.now)?,
            attachments: Attachments::default(),
            users: Default::default(),
        })
    }

    fn names(group: &Group) -> IamResource {
        IamResource::new(group)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        group: &'a Group,
        proof: AuthorizedIam<Self>,
    ) -> Result<GroupReply, KmsError> {
        let iam = proof.open(desk);
        let draft = iam.draft_new(iam.draft()?, group).await?;
        iam.commit(draft).await?;
        Ok(GroupReply { group: GroupView::of(group, iam.account) })
    }
}

pub(crate) static GET: Structure = Structure {
    members: &[
        Member::required("GroupName", &shapes::NAME_128),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

pub(crate) struct GetGroup;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetReply {
    group: GroupView,
    users: Vec<UserView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for GetGroup {
    type Request = PageRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = GetReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<PageRequest, KmsError> {
        Ok(PageRequest { name: input.required_text("GroupName")?, paging: Paging::parse(input)? })
    }

    fn names(request: &PageRequest) -> IamResource {
        IamResource::Group(request.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a PageRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<GetReply, KmsError> {
        let iam = proof.open(desk);
        let group = iam.find::<Group>(&request.name).await?.row;
        let names: Vec<&String> = group.users.iter().collect();
        let (names, end) = request.paging.cut(names, |name| name.as_str());
        let mut users = Vec::with_capacity(names.len());
        for name in names {
            // One that is leaving at this moment is left out.
            if let Some(user) = iam.look::<User>(name).await? {
                users.push(UserView::brief(&user.row, iam.account));
            }
        }
        Ok(GetReply { group: GroupView::of(&group, iam.account), users, end })
    }
}

pub(crate) static LIST: Structure = Structure {
    members: &[
        Member::optional("PathPrefix", &shapes::PATH_PREFIX),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

pub(crate) struct ListGroups;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    groups: Vec<GroupView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl ListReply {
    /// The page of these groups.
    pub(super) fn page(paging: &Paging, groups: Vec<GroupView>) -> Self {
        let (groups, end) = paging.cut(groups, |group| group.group_name.as_str());
        Self { groups, end }
    }
}

impl Operation for ListGroups {
    type Request = ListRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ListRequest, KmsError> {
        ListRequest::parse(input)
    }

    fn names(_: &ListRequest) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ListRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let iam = proof.open(desk);
        let groups = iam.all::<Group>(&request.path_prefix).await?;
        let groups = groups.iter().map(|group| GroupView::of(group, iam.account)).collect();
        Ok(ListReply::page(&request.paging, groups))
    }
}

pub(crate) static UPDATE: Structure = Structure {
    members: &[
        Member::required("GroupName", &shapes::NAME_128),
        Member::optional("NewPath", &shapes::PATH),
        Member::optional("NewGroupName", &shapes::NAME_128),
    ],
};

pub(crate) struct UpdateGroup;

impl Operation for UpdateGroup {
    type Request = Move;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Move, KmsError> {
        Ok(Move {
            name: input.required_text("GroupName")?,
            new_name: input.text("NewGroupName"),
            new_path: input.text("NewPath"),
        })
    }

    fn names(change: &Move) -> IamResource {
        IamResource::MovedGroup(change.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        change: &'a Move,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        proof.open(desk).move_group(change).await?;
        Ok(Empty)
    }
}

pub(crate) static DELETE: Structure =
    Structure { members: &[Member::required("GroupName", &shapes::NAME_128)] };

pub(crate) struct DeleteGroup;

impl Operation for DeleteGroup {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("GroupName")
    }

    fn names(name: &String) -> IamResource {
        IamResource::Group(name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let group = iam.find::<Group>(name).await?;
        let Group { attachments, users, .. } = &group.row;
        let blocked = [
            (!users.is_empty(), "must remove users from group first."),
            (!attachments.managed.is_empty(), "must detach all policies first."),
            (!attachments.inline.is_empty(), "must delete policies first."),
        ];
        if let Some((_, first)) = blocked.iter().find(|(blocked, _)| *blocked) {
            return Err(KmsError::Iam(IamError::DeleteConflict(format!("Cannot delete entity, {first}"))));
        }
        iam.commit(iam.draft_removed(iam.draft()?, &group)?).await?;
        Ok(Empty)
    }
}
