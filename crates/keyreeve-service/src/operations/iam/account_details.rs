//! `GetAccountAuthorizationDetails`: every user, group, role and policy of an account with all that they may, a page at a
//! time.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::account_details_views::{GroupDetail, PolicyDetail, RoleDetail, UserDetail};
use super::paging::{PageEnd, Paging};
use super::shapes;
use crate::desk::Desk;
use crate::identity::{
    AWS_MANAGED_POLICIES, AccountIam, Attachments, AuthorizedIam, AwsManagedPolicy, Entity, Group,
    IamResource, ManagedPolicy, PolicyHolder, Role, User,
};
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::operation::Operation;

/// `entityListType`.
static FILTER: Kind = Kind::List { element: &shapes::ENTITY_TYPE, min: 0, max: usize::MAX };

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("Filter", &FILTER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
        Member::optional("Marker", &shapes::MARKER),
    ],
};

pub(crate) struct GetAccountAuthorizationDetails;

/// Which kinds are asked for, none being all, and which page.
pub(crate) struct Request {
    filter: Vec<String>,
    paging: Paging,
}

/// In the order in which pages have them.
enum Item {
    User(User),
    Group(Group),
    Role(Role),
    Policy(ManagedPolicy),
    AwsPolicy(&'static AwsManagedPolicy, Uses),
}

/// How many entities have a policy, attached and as boundary.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Uses {
    pub(super) attached: usize,
    pub(super) boundary: usize,
}

impl Uses {
    fn count<'a>(arn: &str, holders: impl Iterator<Item = &'a Attachments>) -> Self {
        let mut uses = Self::default();
        for attachments in holders {
            uses.attached += usize::from(attachments.managed.contains(arn));
            uses.boundary += usize::from(attachments.boundary.as_deref() == Some(arn));
        }
        uses
    }
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    user_detail_list: Vec<UserDetail>,
    group_detail_list: Vec<GroupDetail>,
    role_detail_list: Vec<RoleDetail>,
    policies: Vec<PolicyDetail>,
    #[serde(flatten)]
    end: Option<PageEnd>,
}

/// Everything in an account that may have or be a policy.
struct Everything {
    users: Vec<User>,
    groups: Vec<Group>,
    roles: Vec<Role>,
    policies: Vec<ManagedPolicy>,
}

impl Everything {
    async fn of(iam: &AccountIam<'_>) -> Result<Self, KmsError> {
        Ok(Self {
            users: iam.all("/").await?,
            groups: iam.all("/").await?,
            roles: iam.all("/").await?,
            policies: iam.all("/").await?,
        })
    }

    fn uses(&self, arn: &str) -> Uses {
        let users = self.users.iter().map(User::attachments);
        let groups = self.groups.iter().map(Group::attachments);
        Uses::count(arn, users.chain(groups).chain(self.roles.iter().map(Role::attachments)))
    }

    /// The items that are asked for, each with the key that pages are ordered by: its kind, then its name.
    fn items(self, filter: &[String]) -> Vec<(String, Item)> {
        let asked = |kind: &str| filter.is_empty() || filter.iter().any(|asked| asked == kind);
        let mut items = Vec::new();
        if asked("AWSManagedPolicy") {
            items.extend(AWS_MANAGED_POLICIES.iter().map(|policy| {
                (format!("5/{}", policy.name), Item::AwsPolicy(policy, self.uses(&policy.arn())))
            }));
        }
        if asked("User") {
            items.extend(keyed('1', self.users, Item::User));
        }
        if asked("Group") {
            items.extend(keyed('2', self.groups, Item::Group));
        }
        if asked("Role") {
            items.extend(keyed('3', self.roles, Item::Role));
        }
        if asked("LocalManagedPolicy") {
            items.extend(keyed('4', self.policies, Item::Policy));
        }
        items
    }
}

fn keyed<E: Entity>(
    kind: char,
    entities: Vec<E>,
    item: fn(E) -> Item,
) -> impl Iterator<Item = (String, Item)> {
    entities.into_iter().map(move |entity| (format!("{kind}/{}", entity.naming().name), item(entity)))
}

impl Operation for GetAccountAuthorizationDetails {
    type Request = Request;
    type Proof = AuthorizedIam<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request { filter: input.texts("Filter"), paging: Paging::parse(input)? })
    }

    fn names(_: &Request) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        proof: AuthorizedIam<Self>,
    ) -> Result<Reply, KmsError> {
        let iam = proof.open(desk);
        let everything = Everything::of(&iam).await?;
        let group_names: Vec<String> =
            everything.groups.iter().map(|group| group.naming().name.clone()).collect();
        let items = everything.items(&request.filter);
        let (items, end) = request.paging.cut(items, |(key, _)| key.as_str());
        let mut reply = Reply { end: Some(end), ..Reply::default() };
        for (_, item) in items {
            match item {
                Item::User(user) => {
                    reply.user_detail_list.push(UserDetail::of(&user, iam.account, &group_names));
                }
                Item::Group(group) => reply.group_detail_list.push(GroupDetail::of(&group, iam.account)),
                Item::Role(role) => reply.role_detail_list.push(RoleDetail::of(&iam, &role).await?),
                Item::Policy(policy) => reply.policies.push(PolicyDetail::of(&policy, iam.account)),
                Item::AwsPolicy(policy, uses) => reply.policies.push(PolicyDetail::of_aws(policy, uses)),
            }
        }
        Ok(reply)
    }
}
