//! Users, groups, roles and policies with all that they may, as `GetAccountAuthorizationDetails` shows them.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UserDetail.html> and its neighbours

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use serde::Serialize;

use super::account_details::Uses;
use super::boundary::AttachedBoundary;
use super::instance_profile::ProfileView;
use super::policy_document::encoded;
use super::tags::{self, Tag};
use crate::identity::{
    AccountIam, Attachments, AwsManagedPolicy, Entity, Group, InstanceProfile, ManagedPolicy, Role, User,
};
use crate::reply::IsoTime;

/// An inline policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy {
    policy_name: String,
    policy_document: String,
}

/// A managed policy that is attached.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedPolicy {
    policy_name: String,
    policy_arn: String,
}

fn inline(attachments: &Attachments) -> Vec<InlinePolicy> {
    let policies = attachments.inline.iter();
    policies
        .map(|(name, text)| InlinePolicy { policy_name: name.clone(), policy_document: encoded(text) })
        .collect()
}

fn attached(attachments: &Attachments) -> Vec<AttachedPolicy> {
    let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    let policies = attachments.managed.iter();
    policies.map(|arn| AttachedPolicy { policy_name: name(arn), policy_arn: arn.clone() }).collect()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserDetail {
    path: String,
    user_name: String,
    user_id: String,
    arn: String,
    create_date: IsoTime,
    user_policy_list: Vec<InlinePolicy>,
    group_list: Vec<String>,
    attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<AttachedBoundary>,
    tags: Vec<Tag>,
}

impl UserDetail {
    /// `groups` are the names of the account's groups, as they are spelt.
    pub(super) fn of(user: &User, account: AccountId, groups: &[String]) -> Self {
        let naming = &user.naming;
        let member = |group: &&String| user.groups.contains(&group.to_ascii_lowercase());
        Self {
            path: naming.path.clone(),
            user_name: naming.name.clone(),
            user_id: naming.id.clone(),
            arn: user.arn(account),
            create_date: IsoTime(naming.created),
            user_policy_list: inline(&user.attachments),
            group_list: groups.iter().filter(member).cloned().collect(),
            attached_managed_policies: attached(&user.attachments),
            permissions_boundary: AttachedBoundary::of(&user.attachments),
            tags: tags::view(&naming.tags),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupDetail {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: IsoTime,
    group_policy_list: Vec<InlinePolicy>,
    attached_managed_policies: Vec<AttachedPolicy>,
}

impl GroupDetail {
    pub(super) fn of(group: &Group, account: AccountId) -> Self {
        let naming = &group.naming;
        Self {
            path: naming.path.clone(),
            group_name: naming.name.clone(),
            group_id: naming.id.clone(),
            arn: group.arn(account),
            create_date: IsoTime(naming.created),
            group_policy_list: inline(&group.attachments),
            attached_managed_policies: attached(&group.attachments),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleDetail {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: IsoTime,
    assume_role_policy_document: String,
    instance_profile_list: Vec<ProfileView>,
    role_policy_list: Vec<InlinePolicy>,
    attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<AttachedBoundary>,
    tags: Vec<Tag>,
}

impl RoleDetail {
    pub(super) async fn of(iam: &AccountIam<'_>, role: &Role) -> Result<Self, KmsError> {
        let naming = &role.naming;
        let trust = iam.identity().shown(&role.trust, &role.trust_pins).await?;
        let mut instance_profile_list = Vec::with_capacity(role.instance_profiles.len());
        for name in &role.instance_profiles {
            if let Some(profile) = iam.look::<InstanceProfile>(name).await? {
                instance_profile_list.push(ProfileView::brief(iam, &profile.row).await?);
            }
        }
        Ok(Self {
            path: naming.path.clone(),
            role_name: naming.name.clone(),
            role_id: naming.id.clone(),
            arn: role.arn(iam.account),
            create_date: IsoTime(naming.created),
            assume_role_policy_document: encoded(&trust),
            instance_profile_list,
            role_policy_list: inline(&role.attachments),
            attached_managed_policies: attached(&role.attachments),
            permissions_boundary: AttachedBoundary::of(&role.attachments),
            tags: tags::view(&naming.tags),
        })
    }
}

/// A version of a managed policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    document: String,
    version_id: String,
    is_default_version: bool,
    create_date: IsoTime,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyDetail {
    policy_name: String,
    policy_id: String,
    arn: String,
    path: String,
    default_version_id: String,
    attachment_count: usize,
    permissions_boundary_usage_count: usize,
    is_attachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    create_date: IsoTime,
    update_date: IsoTime,
    policy_version_list: Vec<Version>,
}

impl PolicyDetail {
    pub(super) fn of(policy: &ManagedPolicy, account: AccountId) -> Self {
        let naming = &policy.naming;
        // The newest first.
        let versions = policy.versions.iter().rev().map(|(number, version)| Version {
            document: encoded(&version.document),
            version_id: format!("v{number}"),
            is_default_version: *number == policy.default_version,
            create_date: IsoTime(version.created),
        });
        Self {
            policy_name: naming.name.clone(),
            policy_id: naming.id.clone(),
            arn: policy.arn(account),
            path: naming.path.clone(),
            default_version_id: format!("v{}", policy.default_version),
            attachment_count: policy.attached_to.len(),
            permissions_boundary_usage_count: policy.boundary_of.len(),
            is_attachable: true,
            description: policy.description.clone(),
            create_date: IsoTime(naming.created),
            update_date: IsoTime(policy.updated),
            policy_version_list: versions.collect(),
        }
    }

    /// One of AWS's own: it has one version here.
    pub(super) fn of_aws(policy: &AwsManagedPolicy, uses: Uses) -> Self {
        let created = IsoTime(policy.created);
        Self {
            policy_name: policy.name.to_owned(),
            policy_id: policy.id.to_owned(),
            arn: policy.arn(),
            path: policy.path.to_owned(),
            default_version_id: "v1".to_owned(),
            attachment_count: uses.attached,
            permissions_boundary_usage_count: uses.boundary,
            is_attachable: true,
            description: Some(policy.description.to_owned()),
            create_date: created,
            update_date: created,
            policy_version_list: vec![Version {
                document: encoded(policy.document),
                version_id: "v1".to_owned(),
                is_default_version: true,
                create_date: created,
            }],
        }
    }
}
