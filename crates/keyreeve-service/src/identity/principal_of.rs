//! Whom an ARN names, and what policies say about them: for services that speak for somebody, and for explanations.

use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::principal::{Principal, RoleSession, ServicePrincipal};

use super::entity::Entity;
use super::{Identity, Profile, Role};

/// The session name of a role that is named without one.
const NO_SESSION: &str = "session";

impl Identity {
    /// The principal that an ARN names now: a root user, a user, a role (as one of its sessions), a session; or the name of
    /// a service. `None` when there is none.
    ///
    /// # Errors
    /// Store errors.
    pub async fn principal_of(&self, arn: &str) -> Result<Option<(Principal, Arc<Profile>)>, KmsError> {
        if arn.ends_with(".amazonaws.com") && !arn.starts_with("arn:") {
            return Ok(Some(service(arn)));
        }
        let mut parts = arn.splitn(6, ':');
        let Some(account) = parts.nth(4).and_then(AccountId::parse) else { return Ok(None) };
        let resource = parts.next().unwrap_or_default();
        match resource.split_once('/') {
            None if resource == "root" => {
                let profile = self.root_profile(account).await?;
                Ok(profile.map(|profile| (Principal::Root(account), profile)))
            }
            Some(("user", rest)) => {
                let profile = self.user_profile(account, last(rest)).await?;
                Ok(profile.and_then(|profile| {
                    let principal = profile.principal.clone().filter(|user| user.to_string() == arn)?;
                    Some((principal, profile))
                }))
            }
            Some(("role", rest)) => {
                let found = self.session_of(account, last(rest), NO_SESSION).await?;
                Ok(found.filter(|(principal, _)| principal.principal_arn() == arn))
            }
            Some(("assumed-role", rest)) => match rest.split_once('/') {
                Some((role, session)) => self.session_of(account, role, session).await,
                None => Ok(None),
            },
            Some(_) | None => Ok(None),
        }
    }

    /// The principal of a session of a role: the role's service where it is registered as one.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn session_of(
        &self,
        account: AccountId,
        role: &str,
        session: &str,
    ) -> Result<Option<(Principal, Arc<Profile>)>, KmsError> {
        let Some(profile) = self.role_profile(account, role).await? else { return Ok(None) };
        let principal = profile.role.as_ref().map(|role| session_principal(account, role, session));
        Ok(principal.map(|principal| (principal, profile)))
    }
}

/// The principal of a session of this role: its service where it is registered as one.
pub(crate) fn session_principal(account: AccountId, role: &Role, session: &str) -> Principal {
    match &role.service {
        Some(name) => Principal::Service(Arc::new(ServicePrincipal { name: name.as_str().into(), account })),
        None => role_session(account, role, session),
    }
}

/// A session of this role as itself.
pub(super) fn role_session(account: AccountId, role: &Role, session: &str) -> Principal {
    let name = role.naming.name.as_str();
    Principal::Session(Arc::new(RoleSession {
        account,
        arn: session_arn(account, name, session).into(),
        role_arn: role.arn(account).into(),
        role_name: name.into(),
        role_id: role.naming.id.as_str().into(),
        name: session.into(),
    }))
}

/// The ARN of a session; the path of its role is not in it.
pub(crate) fn session_arn(account: AccountId, role: &str, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
}

fn service(name: &str) -> (Principal, Arc<Profile>) {
    let principal =
        Principal::Service(Arc::new(ServicePrincipal { name: name.into(), account: AccountId::ZERO }));
    let profile = Arc::new(Profile::bare(Some(principal.clone())));
    (principal, profile)
}

/// A name without its path.
fn last(path_and_name: &str) -> &str {
    path_and_name.rsplit('/').next().unwrap_or(path_and_name)
}
