//! Instance profiles: Create, Get, List and Delete, AddRoleTo and RemoveRoleFrom, and ListInstanceProfilesForRole.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use super::paging::{PageEnd, Paging};
use super::role::{RoleView, check_modifiable};
use super::shapes;
use super::tags::{self, Tag};
use super::user::ListRequest;
use crate::desk::Desk;
use crate::identity::{AccountIam, AuthorizedIam, Entity, IamResource, InstanceProfile, Naming, Role};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};
use crate::reply::IsoTime;

/// An instance profile as IAM shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProfileView {
    path: String,
    instance_profile_name: String,
    instance_profile_id: String,
    arn: String,
    create_date: IsoTime,
    roles: Vec<RoleView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

impl ProfileView {
    /// As GetInstanceProfile shows it.
    async fn full(iam: &AccountIam<'_>, profile: &InstanceProfile) -> Result<Self, KmsError> {
        let tags = tags::view(&profile.naming.tags);
        Ok(Self { tags, ..Self::brief(iam, profile).await? })
    }

    /// As lists show it: without tags.
    pub(crate) async fn brief(iam: &AccountIam<'_>, profile: &InstanceProfile) -> Result<Self, KmsError> {
        let naming = &profile.naming;
        let mut roles = Vec::new();
        if let Some(name) = &profile.role
            && let Some(role) = iam.look::<Role>(name).await?
        {
            roles.push(RoleView::brief(iam, &role.row).await?);
        }
        Ok(Self {
            path: naming.path.clone(),
            instance_profile_name: naming.name.clone(),
            instance_profile_id: naming.id.clone(),
            arn: profile.arn(iam.account),
            create_date: IsoTime(naming.created),
            roles,
            tags: Vec::new(),
        })
    }
}

/// An answer that shows one instance profile.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProfileReply {
    instance_profile: ProfileView,
}

pub(crate) static CREATE: Structure = Structure {
    members: &[
        Member::required("InstanceProfileName", &shapes::NAME_128),
        Member::optional("Path", &shapes::PATH),
        Member::optional("Tags", &shapes::TAGS),
    ],
};

pub(crate) struct CreateInstanceProfile;

impl Operation for CreateInstanceProfile {
    type Request = InstanceProfile;
    type Proof = AuthorizedIam<Self>;
    type Reply = ProfileReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<InstanceProfile, KmsError> {
        let (name, path) = (input.required_text("InstanceProfileName")?, input.text("Path"));
        let tags = tags::parse(input)?;
        let naming = Naming::new(&InstanceProfile::NOUN, name, path, tags, desk.now)?;
        Ok(InstanceProfile { naming, role: None })
    }

    fn names(profile: &InstanceProfile) -> IamResource {
        IamResource::new(profile)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        profile: &'a InstanceProfile,
        proof: AuthorizedIam<Self>,
    ) -> Result<ProfileReply, KmsError> {
        let iam = proof.open(desk);
        let draft = iam.draft_new(iam.draft()?, profile).await?;
        iam.commit(draft).await?;
        Ok(ProfileReply { instance_profile: ProfileView::full(&iam, profile).await? })
    }
}

/// An input of nothing but an instance profile's name.
pub(crate) static NAME: Structure =
    Structure { members: &[Member::required("InstanceProfileName", &shapes::NAME_128)] };

pub(crate) struct GetInstanceProfile;

impl Operation for GetInstanceProfile {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = ProfileReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("InstanceProfileName")
    }

    fn names(name: &String) -> IamResource {
        IamResource::InstanceProfile(name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<ProfileReply, KmsError> {
        let iam = proof.open(desk);
        let profile = iam.find::<InstanceProfile>(name).await?.row;
        Ok(ProfileReply { instance_profile: ProfileView::full(&iam, &profile).await? })
    }
}

pub(crate) struct DeleteInstanceProfile;

impl Operation for DeleteInstanceProfile {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("InstanceProfileName")
    }

    fn names(name: &String) -> IamResource {
        IamResource::InstanceProfile(name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let profile = iam.find::<InstanceProfile>(name).await?;
        if profile.row.role.is_some() {
            return Err(KmsError::Iam(IamError::DeleteConflict(
                "Cannot delete entity, must remove roles from instance profile first.".to_owned(),
            )));
        }
        let draft = iam.draft_removed(iam.draft()?, &profile)?;
        iam.commit(draft).await?;
        Ok(Empty)
    }
}

/// An answer that shows some instance profiles.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    instance_profiles: Vec<ProfileView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl ListReply {
    async fn page(
        iam: &AccountIam<'_>,
        profiles: Vec<InstanceProfile>,
        paging: &Paging,
    ) -> Result<Self, KmsError> {
        let (page, end) = paging.cut(profiles, |profile: &InstanceProfile| profile.naming.name.as_str());
        let mut instance_profiles = Vec::with_capacity(page.len());
        for profile in &page {
            instance_profiles.push(ProfileView::brief(iam, profile).await?);
        }
        Ok(Self { instance_profiles, end })
    }
}

pub(crate) struct ListInstanceProfiles;

impl Operation for ListInstanceProfiles {
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
        let all = iam.all::<InstanceProfile>(&request.path_prefix).await?;
        ListReply::page(&iam, all, &request.paging).await
    }
}

pub(crate) static OF_ROLE: Structure = Structure {
    members: &[
        Member::required("RoleName", &shapes::ROLE_NAME),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

pub(crate) struct ListInstanceProfilesForRole;

/// Whose instance profiles are asked for.
pub(crate) struct OfRole {
    role: String,
    paging: Paging,
}

impl Operation for ListInstanceProfilesForRole {
    type Request = OfRole;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<OfRole, KmsError> {
        Ok(OfRole { role: input.required_text("RoleName")?, paging: Paging::parse(input)? })
    }

    fn names(request: &OfRole) -> IamResource {
        IamResource::Role(request.role.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a OfRole,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let iam = proof.open(desk);
        let role = iam.find::<Role>(&request.role).await?.row;
        let mut profiles = Vec::with_capacity(role.instance_profiles.len());
        for name in &role.instance_profiles {
            profiles.extend(iam.look::<InstanceProfile>(name).await?.map(|found| found.row));
        }
        ListReply::page(&iam, profiles, &request.paging).await
    }
}

/// An instance profile and a role.
pub(crate) static WITH_ROLE: Structure = Structure {
    members: &[
        Member::required("InstanceProfileName", &shapes::NAME_128),
        Member::required("RoleName", &shapes::ROLE_NAME),
    ],
};

/// A role that goes into an instance profile, or out of it. Both rows know of it, so that no role is deleted out of a
/// profile.
pub(crate) struct Membership {
    profile: String,
    role: String,
}

impl Membership {
    fn parse(input: &mut Input<'_>) -> Result<Self, KmsError> {
        let profile = input.required_text("InstanceProfileName")?;
        Ok(Self { profile, role: input.required_text("RoleName")? })
    }

    async fn change(
        &self,
        iam: &AccountIam<'_>,
        change: fn(&mut InstanceProfile, &mut Role) -> Result<(), KmsError>,
    ) -> Result<Empty, KmsError> {
        let profile = iam.find::<InstanceProfile>(&self.profile).await?;
        let role = iam.find::<Role>(&self.role).await?;
        check_modifiable(&role.row)?;
        let (mut profile_row, mut role_row) = (profile.row.clone(), role.row.clone());
        change(&mut profile_row, &mut role_row)?;
        let draft = iam.draft_changed(iam.draft()?, &profile, &profile_row)?;
        iam.commit(iam.draft_changed(draft, &role, &role_row)?).await?;
        Ok(Empty)
    }
}

pub(crate) struct AddRoleToInstanceProfile;

impl Operation for AddRoleToInstanceProfile {
    type Request = Membership;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Membership, KmsError> {
        Membership::parse(input)
    }

    /// Whoever puts a role into a profile passes it on.
    fn names(request: &Membership) -> IamResource {
        IamResource::Both(Box::new([
            IamResource::InstanceProfile(request.profile.clone()),
            IamResource::Role(request.role.clone()),
        ]))
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Membership,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let add = |profile: &mut InstanceProfile, role: &mut Role| {
            if profile.role.is_some() {
                return Err(KmsError::Iam(IamError::LimitExceeded(
                    "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1".to_owned(),
                )));
            }
            profile.role = Some(role.naming.name.clone());
            role.instance_profiles.insert(profile.naming.name.clone());
            Ok(())
        };
        request.change(&proof.open(desk), add).await
    }
}

pub(crate) struct RemoveRoleFromInstanceProfile;

impl Operation for RemoveRoleFromInstanceProfile {
    type Request = Membership;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Membership, KmsError> {
        Membership::parse(input)
    }

    fn names(request: &Membership) -> IamResource {
        IamResource::InstanceProfile(request.profile.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Membership,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let remove = |profile: &mut InstanceProfile, role: &mut Role| {
            if profile.role.as_ref() != Some(&role.naming.name) {
                return Err(Role::NOUN.missing(&role.naming.name));
            }
            profile.role = None;
            role.instance_profiles.remove(&profile.naming.name);
            Ok(())
        };
        request.change(&proof.open(desk), remove).await
    }
}
