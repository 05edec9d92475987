//! Changes of roles: UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html>

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::role::{RoleReply, RoleView, check_modifiable, put_trust, session_duration};
use super::shapes;
use crate::desk::Desk;
use crate::identity::{AccountIam, AuthorizedIam, IamResource, Role};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};

pub(crate) static UPDATE: Structure = Structure {
    members: &[
        Member::required("RoleName", &shapes::ROLE_NAME),
        Member::optional("Description", &shapes::ROLE_DESCRIPTION),
        Member::optional("MaxSessionDuration", &shapes::MAX_SESSION_DURATION),
    ],
};

/// What of a role shall change; what is absent stays.
pub(crate) struct Changes {
    name: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
}

impl Changes {
    async fn make(&self, iam: &AccountIam<'_>) -> Result<Role, KmsError> {
        let found = iam.find::<Role>(&self.name).await?;
        let mut role = found.row.clone();
        if let Some(seconds) = self.max_session_duration {
            check_modifiable(&role)?;
            role.max_session_duration = seconds;
        }
        // The description of a service-linked role is its account's.
        if let Some(description) = &self.description {
            role.description = Some(description.clone()).filter(|text| !text.is_empty());
        }
        let draft = iam.draft_changed(iam.draft()?, &found, &role)?;
        iam.commit(draft).await?;
        Ok(role)
    }
}

pub(crate) struct UpdateRole;

/// A result without members, which is not the same on the wire as none.
#[derive(Debug, Serialize)]
pub(crate) struct UpdateRoleReply {}

impl Operation for UpdateRole {
    type Request = Changes;
    type Proof = AuthorizedIam<Self>;
    type Reply = UpdateRoleReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Changes, KmsError> {
        let (name, description) = (input.required_text("RoleName")?, input.text("Description"));
        Ok(Changes { name, description, max_session_duration: session_duration(input) })
    }

    fn names(changes: &Changes) -> IamResource {
        IamResource::Role(changes.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        changes: &'a Changes,
        proof: AuthorizedIam<Self>,
    ) -> Result<UpdateRoleReply, KmsError> {
        changes.make(&proof.open(desk)).await.map(|_| UpdateRoleReply {})
    }
}

pub(crate) static UPDATE_DESCRIPTION: Structure = Structure {
    members: &[
        Member::required("RoleName", &shapes::ROLE_NAME),
        Member::required("Description", &shapes::ROLE_DESCRIPTION),
    ],
};

pub(crate) struct UpdateRoleDescription;

impl Operation for UpdateRoleDescription {
    type Request = Changes;
    type Proof = AuthorizedIam<Self>;
    type Reply = RoleReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Changes, KmsError> {
        let (name, description) = (input.required_text("RoleName")?, input.required_text("Description")?);
        Ok(Changes { name, description: Some(description), max_session_duration: None })
    }

    fn names(changes: &Changes) -> IamResource {
        IamResource::Role(changes.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        changes: &'a Changes,
        proof: AuthorizedIam<Self>,
    ) -> Result<RoleReply, KmsError> {
        let iam = proof.open(desk);
        let role = changes.make(&iam).await?;
        Ok(RoleReply { role: RoleView::full(&iam, &role).await? })
    }
}

pub(crate) static UPDATE_TRUST: Structure = Structure {
    members: &[
        Member::required("RoleName", &shapes::ROLE_NAME),
        Member::required("PolicyDocument", &shapes::POLICY_DOCUMENT),
    ],
};

pub(crate) struct UpdateAssumeRolePolicy;

pub(crate) struct NewTrust {
    name: String,
    document: String,
}

impl Operation for UpdateAssumeRolePolicy {
    type Request = NewTrust;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<NewTrust, KmsError> {
        let (name, document) = (input.required_text("RoleName")?, input.required_text("PolicyDocument")?);
        Ok(NewTrust { name, document })
    }

    fn names(request: &NewTrust) -> IamResource {
        IamResource::Role(request.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a NewTrust,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = iam.find::<Role>(&request.name).await?;
        check_modifiable(&found.row)?;
        let mut role = found.row.clone();
        put_trust(&iam, &mut role, &request.document).await?;
        let draft = iam.draft_changed(iam.draft()?, &found, &role)?;
        iam.commit(draft).await?;
        Ok(Empty)
    }
}
