//! Roles: CreateRole, GetRole, ListRoles, DeleteRole.
//! `RoleLastUsed` is always empty, as AWS shows a role that was never used: uses of roles are not kept.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_policy::policy::{Grammar, characters_without_whitespace};
use serde::Serialize;

use super::boundary::{self, AttachedBoundary};
use super::paging::PageEnd;
use super::tags::{self, Tag};
use super::user::ListRequest;
use super::{policy_document, shapes};
use crate::desk::Desk;
use crate::identity::{
    AccountIam, Attachments, AuthorizedIam, Entity, IamResource, Naming, Role, SERVICE_LINKED_PATH,
    TRUST_CHARACTERS_MAX,
};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};
use crate::reply::IsoTime;

/// A role as IAM shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RoleView {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: IsoTime,
    assume_role_policy_document: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<AttachedBoundary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_last_used: Option<NeverUsed>,
}

/// `RoleLastUsed` of a role of which no use is known.
#[derive(Debug, Serialize)]
struct NeverUsed {}

impl RoleView {
    /// As GetRole shows it.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn full(iam: &AccountIam<'_>, role: &Role) -> Result<Self, KmsError> {
        Ok(Self {
            permissions_boundary: AttachedBoundary::of(&role.attachments),
            tags: tags::view(&role.naming.tags),
            role_last_used: Some(NeverUsed {}),
            ..Self::brief(iam, role).await?
        })
    }

    /// As lists and instance profiles show it: without tags, boundary and last use.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn brief(iam: &AccountIam<'_>, role: &Role) -> Result<Self, KmsError> {
        let naming = &role.naming;
        let trust = iam.identity().shown(&role.trust, &role.trust_pins).await?;
        Ok(Self {
            path: naming.path.clone(),
            role_name: naming.name.clone(),
            role_id: naming.id.clone(),
            arn: role.arn(iam.account),
            create_date: IsoTime(naming.created),
            assume_role_policy_document: policy_document::encoded(&trust),
            description: role.description.clone(),
            max_session_duration: role.max_session_duration,
            permissions_boundary: None,
            tags: Vec::new(),
            role_last_used: None,
        })
    }
}

/// An answer that shows one role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RoleReply {
    pub(crate) role: RoleView,
}

/// Refuses to change a role that only its service may change.
///
/// # Errors
/// UnmodifiableEntity.
pub(crate) fn check_modifiable(role: &Role) -> Result<(), KmsError> {
    let Naming { path, name, .. } = &role.naming;
    if !path.starts_with(SERVICE_LINKED_PATH) {
        return Ok(());
    }
    Err(KmsError::Iam(IamError::UnmodifiableEntity(format!(
        "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    ))))
}

/// Puts a trust policy into a role, with the ids of those whom it names.
///
/// # Errors
/// MalformedPolicyDocument, LimitExceeded.
pub(super) async fn put_trust(iam: &AccountIam<'_>, role: &mut Role, trust: &str) -> Result<(), KmsError> {
    let policy = policy_document::parse(trust, Grammar::TrustPolicy)?;
    if characters_without_whitespace(trust) > TRUST_CHARACTERS_MAX {
        return Err(KmsError::Iam(IamError::LimitExceeded(format!(
            "Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS_MAX}"
        ))));
    }
    let pins = iam.identity().pins_or_missing(&policy).await?;
    role.trust_pins = pins.map_err(|missing| {
        policy_document::malformed(format!("Invalid principal in policy: \"AWS\":\"{missing}\""))
    })?;
    trust.clone_into(&mut role.trust);
    Ok(())
}

pub(crate) static CREATE: Structure = Structure {
    members: &[
        Member::optional("Path", &shapes::PATH),
        Member::required("RoleName", &shapes::ROLE_NAME),
        Member::required("AssumeRolePolicyDocument", &shapes::POLICY_DOCUMENT),
        Member::optional("Description", &shapes::ROLE_DESCRIPTION),
        Member::optional("MaxSessionDuration", &shapes::MAX_SESSION_DURATION),
        Member::optional("PermissionsBoundary", &shapes::ARN),
        Member::optional("Tags", &shapes::TAGS),
    ],
};

pub(crate) struct CreateRole;

/// Seconds of a session at most, when nobody says.
pub(crate) const SESSION_DURATION_DEFAULT: u32 = 3_600;

/// `MaxSessionDuration`, which the shape bounds.
pub(super) fn session_duration(input: &mut Input<'_>) -> Option<u32> {
    input.integer("MaxSessionDuration").and_then(|seconds| u32::try_from(seconds).ok())
}

impl Operation for CreateRole {
    type Request = Role;
    type Proof = AuthorizedIam<Self>;
    type Reply = RoleReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Role, KmsError> {
        let (name, path) = (input.required_text("RoleName")?, input.text("Path"));
        if path.as_deref().is_some_and(|path| path.starts_with(SERVICE_LINKED_PATH)) {
            return Err(KmsError::Iam(IamError::InvalidInput(format!(
                "The path {SERVICE_LINKED_PATH} is reserved for service-linked roles."
            ))));
        }
        let tags = tags::parse(input)?;
        let boundary = input.text("PermissionsBoundary");
        Ok(Role {
            naming: Naming::new(&Role::NOUN, name, path, tags, desk.now)?,
            attachments: Attachments { boundary, ..Attachments::default() },
            description: input.text("Description"),
            max_session_duration: session_duration(input).unwrap_or(SESSION_DURATION_DEFAULT),
            trust: input.required_text("AssumeRolePolicyDocument")?,
            trust_pins: Default::default(),
            instance_profiles: Default::default(),
            service: None,
        })
    }

    fn names(role: &Role) -> IamResource {
        IamResource::new(role)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        role: &'a Role,
        proof: AuthorizedIam<Self>,
    ) -> Result<RoleReply, KmsError> {
        let iam = proof.open(desk);
        let mut role = role.clone();
        let trust = std::mem::take(&mut role.trust);
        put_trust(&iam, &mut role, &trust).await?;
        let draft = iam.draft_new(iam.draft()?, &role).await?;
        let draft =
            boundary::draft_set(&iam, draft, &role, None, role.attachments.boundary.as_deref()).await?;
        iam.commit(draft).await?;
        Ok(RoleReply { role: RoleView::full(&iam, &role).await? })
    }
}

/// An input of nothing but a role's name.
pub(crate) static NAME: Structure =
    Structure { members: &[Member::required("RoleName", &shapes::ROLE_NAME)] };

pub(crate) struct GetRole;

impl Operation for GetRole {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = RoleReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("RoleName")
    }

    fn names(name: &String) -> IamResource {
        IamResource::Role(name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<RoleReply, KmsError> {
        let iam = proof.open(desk);
        let role = iam.find::<Role>(name).await?;
        Ok(RoleReply { role: RoleView::full(&iam, &role.row).await? })
    }
}

pub(crate) struct ListRoles;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    roles: Vec<RoleView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListRoles {
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
        let all = iam.all::<Role>(&request.path_prefix).await?;
        let (page, end) = request.paging.cut(all, |role: &Role| role.naming.name.as_str());
        let mut roles = Vec::with_capacity(page.len());
        for role in &page {
            roles.push(RoleView::brief(&iam, role).await?);
        }
        Ok(ListReply { roles, end })
    }
}

pub(crate) struct DeleteRole;

impl Operation for DeleteRole {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("RoleName")
    }

    fn names(name: &String) -> IamResource {
        IamResource::Role(name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let role = iam.find::<Role>(name).await?;
        check_modifiable(&role.row)?;
        let Role { attachments, instance_profiles, .. } = &role.row;
        let blocked = [
            (!instance_profiles.is_empty(), "must remove roles from instance profile first."),
            (!attachments.managed.is_empty(), "must detach all policies first."),
            (!attachments.inline.is_empty(), "must delete policies first."),
        ];
        if let Some((_, first)) = blocked.iter().find(|(blocked, _)| *blocked) {
            return Err(KmsError::Iam(IamError::DeleteConflict(format!("Cannot delete entity, {first}"))));
        }
        let draft = iam.draft_removed(iam.draft()?, &role)?;
        let draft =
            boundary::draft_set(&iam, draft, &role.row, attachments.boundary.as_deref(), None).await?;
        iam.commit(draft).await?;
        Ok(Empty)
    }
}
