//! `ListEntitiesForPolicy`: who has a managed policy, attached or as permissions boundary.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::paging::{PageEnd, Paging};
use super::{managed_policy, shapes};
use crate::desk::Desk;
use crate::identity::{AccountIam, AuthorizedIam, Group, IamResource, PolicyHolder, Role, User};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("PolicyArn", &shapes::ARN),
        Member::optional("EntityFilter", &shapes::ENTITY_TYPE),
        Member::optional("PathPrefix", &shapes::PATH),
        Member::optional("PolicyUsageFilter", &shapes::POLICY_USAGE),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

pub(crate) struct ListEntitiesForPolicy;

/// How an entity has a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usage {
    Attached,
    Boundary,
}

impl Usage {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "PermissionsPolicy" => Some(Self::Attached),
            "PermissionsBoundary" => Some(Self::Boundary),
            _ => None,
        }
    }
}

/// Whose entities are asked for.
pub(crate) struct Request {
    arn: String,
    /// `User`, `Role`, `Group`; of policies there are none.
    entity: Option<String>,
    path_prefix: String,
    usage: Option<Usage>,
    paging: Paging,
}

impl Request {
    /// Adds the holders of one kind that have the policy.
    async fn collect<E: PolicyHolder>(
        &self,
        iam: &AccountIam<'_>,
        holders: &mut Vec<Holder>,
        view: fn(String, String) -> HolderView,
    ) -> Result<(), KmsError> {
        if self.entity.as_deref().is_some_and(|entity| entity != E::NOUN.title) {
            return Ok(());
        }
        for row in iam.all::<E>(&self.path_prefix).await? {
            let (naming, attachments) = (row.naming(), row.attachments());
            let attached = attachments.managed.contains(&self.arn);
            let boundary = attachments.boundary.as_ref() == Some(&self.arn);
            let has = match self.usage {
                None => attached || boundary,
                Some(Usage::Attached) => attached,
                Some(Usage::Boundary) => boundary,
            };
            if has {
                let key = format!("{}/{}", E::NOUN.segment, naming.name);
                holders.push(Holder { key, view: view(naming.name.clone(), naming.id.clone()) });
            }
        }
        Ok(())
    }
}

/// An entity that has the policy, on its way to its list.
struct Holder {
    key: String,
    view: HolderView,
}

enum HolderView {
    Group(PolicyGroup),
    User(PolicyUser),
    Role(PolicyRole),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyGroup {
    group_name: String,
    group_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyUser {
    user_name: String,
    user_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyRole {
    role_name: String,
    role_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    policy_groups: Vec<PolicyGroup>,
    policy_users: Vec<PolicyUser>,
    policy_roles: Vec<PolicyRole>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListEntitiesForPolicy {
    type Request = Request;
    type Proof = AuthorizedIam<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            arn: input.required_text("PolicyArn")?,
            entity: input.text("EntityFilter"),
            path_prefix: input.text("PathPrefix").unwrap_or_else(|| "/".to_owned()),
            usage: input.choice("PolicyUsageFilter", Usage::parse),
            paging: Paging::parse(input)?,
        })
    }

    fn names(request: &Request) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        proof: AuthorizedIam<Self>,
    ) -> Result<Reply, KmsError> {
        let iam = proof.open(desk);
        managed_policy::existing(&iam, &request.arn).await?;
        let mut holders = Vec::new();
        request
            .collect::<Group>(&iam, &mut holders, |group_name, group_id| {
                HolderView::Group(PolicyGroup { group_name, group_id })
            })
            .await?;
        request
            .collect::<User>(&iam, &mut holders, |user_name, user_id| {
                HolderView::User(PolicyUser { user_name, user_id })
            })
            .await?;
        request
            .collect::<Role>(&iam, &mut holders, |role_name, role_id| {
                HolderView::Role(PolicyRole { role_name, role_id })
            })
            .await?;
        let (page, end) = request.paging.cut(holders, |holder: &Holder| holder.key.as_str());
        let mut reply =
            Reply { policy_groups: Vec::new(), policy_users: Vec::new(), policy_roles: Vec::new(), end };
        for holder in page {
            match holder.view {
                HolderView::Group(group) => reply.policy_groups.push(group),
                HolderView::User(user) => reply.policy_users.push(user),
                HolderView::Role(role) => reply.policy_roles.push(role),
            }
        }
        Ok(reply)
    }
}
