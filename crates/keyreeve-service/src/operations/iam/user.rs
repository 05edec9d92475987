//! Users: CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use serde::Serialize;

use super::boundary::{self, AttachedBoundary};
use super::paging::{PageEnd, Paging};
use super::shapes;
use super::tags::{self, Tag};
use crate::desk::Desk;
use crate::identity::{Attachments, AuthorizedIam, Entity, IamResource, Move, Naming, User, Whose};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};
use crate::reply::IsoTime;

/// A user as IAM shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UserView {
    path: String,
    user_name: String,
    user_id: String,
    arn: String,
    create_date: IsoTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<AttachedBoundary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

impl UserView {
    /// As GetUser shows it.
    pub(crate) fn full(user: &User, account: AccountId) -> Self {
        let naming = &user.naming;
        Self {
            permissions_boundary: AttachedBoundary::of(&user.attachments),
            tags: tags::view(&naming.tags),
            ..Self::brief(user, account)
        }
    }

    /// As lists show it: without tags and boundary.
    pub(crate) fn brief(user: &User, account: AccountId) -> Self {
        let naming = &user.naming;
        Self {
            path: naming.path.clone(),
            user_name: naming.name.clone(),
            user_id: naming.id.clone(),
            arn: user.arn(account),
            create_date: IsoTime(naming.created),
            permissions_boundary: None,
            tags: Vec::new(),
        }
    }
}

/// An answer that shows one user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UserReply {
    user: UserView,
}

pub(crate) static CREATE: Structure = Structure {
    members: &[
        Member::optional("Path", &shapes::PATH),
        Member::required("UserName", &shapes::NEW_USER_NAME),
        Member::optional("PermissionsBoundary", &shapes::ARN),
        Member::optional("Tags", &shapes::TAGS),
    ],
};

pub(crate) struct CreateUser;

impl Operation for CreateUser {
    type Request = User;
    type Proof = AuthorizedIam<Self>;
    type Reply = UserReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<User, KmsError> {
        let (name, path) = (input.required_text("UserName")?, input.text("Path"));
        let tags = tags::parse(input)?;
        let boundary = input.text("PermissionsBoundary");
        Ok(User {
            naming: Naming::new(&User::NOUN, name, path, tags, desk.now)?,
            attachments: Attachments { boundary, ..Attachments::default() },
            groups: Default::default(),
            access_keys: Default::default(),
        })
    }

    fn names(user: &User) -> IamResource {
        IamResource::new(user)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        user: &'a User,
        proof: AuthorizedIam<Self>,
    ) -> Result<UserReply, KmsError> {
        let iam = proof.open(desk);
        let draft = iam.draft_new(iam.draft()?, user).await?;
        let draft =
            boundary::draft_set(&iam, draft, user, None, user.attachments.boundary.as_deref()).await?;
        iam.commit(draft).await?;
        Ok(UserReply { user: UserView::full(user, iam.account) })
    }
}

pub(crate) static GET: Structure = Structure { members: &[Member::optional("UserName", &shapes::NAME_128)] };

pub(crate) struct GetUser;

impl Operation for GetUser {
    type Request = Whose;
    type Proof = AuthorizedIam<Self>;
    type Reply = UserReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Whose, KmsError> {
        Whose::named_or(&desk.caller.principal, input.text("UserName"))
    }

    fn names(whose: &Whose) -> IamResource {
        whose.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        whose: &'a Whose,
        proof: AuthorizedIam<Self>,
    ) -> Result<UserReply, KmsError> {
        let iam = proof.open(desk);
        let user = match whose {
            Whose::Root => root_user(desk),
            Whose::User(name) => UserView::full(&iam.find::<User>(name).await?.row, iam.account),
        };
        Ok(UserReply { user })
    }
}

/// The root user, as GetUser shows it to itself.
fn root_user(desk: &Desk<'_>) -> UserView {
    let account = desk.caller.account();
    UserView {
        path: "/".to_owned(),
        user_name: "root".to_owned(),
        user_id: account.to_string(),
        arn: format!("arn:aws:iam::{account}:root"),
        create_date: IsoTime(desk.now),
        permissions_boundary: None,
        tags: Vec::new(),
    }
}

pub(crate) static LIST: Structure = Structure {
    members: &[
        Member::optional("PathPrefix", &shapes::PATH_PREFIX),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

/// Which of a list are asked for.
pub(crate) struct ListRequest {
    pub(crate) path_prefix: String,
    pub(crate) paging: Paging,
}

impl ListRequest {
    /// From `PathPrefix`, `Marker` and `MaxItems`.
    pub(crate) fn parse(input: &mut Input<'_>) -> Result<Self, KmsError> {
        let path_prefix = input.text("PathPrefix").unwrap_or_else(|| "/".to_owned());
        Ok(Self { path_prefix, paging: Paging::parse(input)? })
    }
}

pub(crate) struct ListUsers;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    users: Vec<UserView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListUsers {
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
        let users = iam.all::<User>(&request.path_prefix).await?;
        let users = users.iter().map(|user| UserView::brief(user, iam.account)).collect();
        let (users, end) = request.paging.cut(users, |user: &UserView| user.user_name.as_str());
        Ok(ListReply { users, end })
    }
}

pub(crate) static UPDATE: Structure = Structure {
    members: &[
        Member::required("UserName", &shapes::NAME_128),
        Member::optional("NewPath", &shapes::PATH),
        Member::optional("NewUserName", &shapes::NEW_USER_NAME),
    ],
};

pub(crate) struct UpdateUser;

impl Operation for UpdateUser {
    type Request = Move;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Move, KmsError> {
        Ok(Move {
            name: input.required_text("UserName")?,
            new_name: input.text("NewUserName"),
            new_path: input.text("NewPath"),
        })
    }

    fn names(change: &Move) -> IamResource {
        IamResource::MovedUser(change.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        change: &'a Move,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        proof.open(desk).move_user(change).await?;
        Ok(Empty)
    }
}

pub(crate) static DELETE: Structure =
    Structure { members: &[Member::required("UserName", &shapes::NAME_128)] };

pub(crate) struct DeleteUser;

impl Operation for DeleteUser {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("UserName")
    }

    fn names(name: &String) -> IamResource {
        IamResource::User(name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let user = iam.find::<User>(name).await?;
        let User { attachments, groups, access_keys, .. } = &user.row;
        let blocked = [
            (!attachments.inline.is_empty(), "must delete policies first."),
            (!attachments.managed.is_empty(), "must detach all policies first."),
            (!groups.is_empty(), "must remove users from group first."),
            (!access_keys.is_empty(), "must delete access keys first."),
        ];
        if let Some((_, first)) = blocked.iter().find(|(blocked, _)| *blocked) {
            return Err(KmsError::Iam(IamError::DeleteConflict(format!("Cannot delete entity, {first}"))));
        }
        let draft = iam.draft_removed(iam.draft()?, &user)?;
        let draft = iam.draft_without_later_name(draft, &user.row).await?;
        let draft =
            boundary::draft_set(&iam, draft, &user.row, attachments.boundary.as_deref(), None).await?;
        iam.commit(draft).await?;
        Ok(Empty)
    }
}
