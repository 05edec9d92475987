//! Profiles: everything that policies of IAM say about a principal, read from many rows, compiled, and kept until the
//! account's IAM changes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::evidence::{NamedPolicy, PolicyKind};
use keyreeve_policy::policy::{Grammar, Policy};
use keyreeve_policy::principal::{Principal, User as UserPrincipal};
use quick_cache::sync::Cache;

use super::entity::{Attachments, Entity, Found, PolicyHolder};
use super::{AccountIam, Group, Identity, Owner, Role, User};

/// Whose profile it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Root,
    /// A user, by name in lower case.
    User(String),
    /// A role, by name in lower case.
    Role(String),
    /// Nobody: managed policies that limit a session, by their ARNs.
    Limits(Vec<String>),
}

/// What is known about a principal beside its name.
#[derive(Debug)]
pub struct Profile {
    /// The root user or the user itself; a role's sessions each have their own.
    pub principal: Option<Principal>,
    /// Policies that grant.
    pub identity: Vec<NamedPolicy>,
    /// The permissions boundary.
    pub boundary: Option<NamedPolicy>,
    /// Guards of the account: all of them must allow.
    pub guards: Vec<NamedPolicy>,
    /// Tags, as `aws:PrincipalTag` shows them.
    pub tags: Vec<(String, String)>,
    /// `aws:PrincipalOrgID`.
    pub organization: Option<String>,
    /// The role, of a role's profile.
    pub(crate) role: Option<Role>,
}

impl Profile {
    /// Of a principal that no policy of IAM speaks of: operators, registered services, tests.
    pub fn bare(principal: Option<Principal>) -> Self {
        Self {
            principal,
            identity: Vec::new(),
            boundary: None,
            guards: Vec::new(),
            tags: Vec::new(),
            organization: None,
            role: None,
        }
    }
}

/// Profiles of one account, in one state of its IAM.
pub(crate) struct Profiles(Cache<Who, Option<Arc<Profile>>>);

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiles").finish_non_exhaustive()
    }
}

/// Profiles of an account kept in memory.
const PROFILES_MAX: usize = 1_000;

impl Identity {
    /// The profile of the root user.
    ///
    /// # Errors
    /// Store errors.
    pub async fn root_profile(&self, account: AccountId) -> Result<Option<Arc<Profile>>, KmsError> {
        self.profile(account, Who::Root).await
    }

    /// The profile of a user; none where no user has the name.
    ///
    /// # Errors
    /// Store errors.
    pub async fn user_profile(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<Arc<Profile>>, KmsError> {
        self.profile(account, Who::User(name.to_ascii_lowercase())).await
    }

    /// The profile of a role; none where no role has the name.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn role_profile(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<Arc<Profile>>, KmsError> {
        self.profile(account, Who::Role(name.to_ascii_lowercase())).await
    }

    /// Managed policies that limit a session, as the policies of a profile that is nobody's.
    pub(super) async fn session_policies(
        &self,
        account: AccountId,
        arns: &[String],
    ) -> Result<Arc<Profile>, KmsError> {
        let profile = self.profile(account, Who::Limits(arns.to_vec())).await?;
        profile.ok_or(KmsError::Internal)
    }

    /// Who signs with a credential of this owner now, and what policies say about them; `None` when the user is gone.
    ///
    /// # Errors
    /// Store errors.
    pub async fn signer(&self, owner: &Owner) -> Result<Option<(Principal, Arc<Profile>)>, KmsError> {
        let profile = match owner {
            Owner::Root(account) => self.root_profile(*account).await?,
            Owner::User { account, name, id } => self.user_now(*account, name, id).await?,
        };
        Ok(profile.and_then(|profile| Some((profile.principal.clone()?, profile))))
    }

    /// The profile of the user that had this name and id, whatever it is called now.
    async fn user_now(
        &self,
        account: AccountId,
        name: &str,
        id: &str,
    ) -> Result<Option<Arc<Profile>>, KmsError> {
        let same = |profile: &Arc<Profile>| match &profile.principal {
            Some(Principal::User(user)) => *user.id == *id,
            Some(_) | None => false,
        };
        if let Some(profile) = self.user_profile(account, name).await?.filter(same) {
            return Ok(Some(profile));
        }
        match self.later_name(account, id).await? {
            Some(name) => Ok(self.user_profile(account, &name).await?.filter(same)),
            None => Ok(None),
        }
    }

    async fn profile(&self, account: AccountId, who: Who) -> Result<Option<Arc<Profile>>, KmsError> {
        let profiles = match self.profiles.get(&account) {
            Some(known) => known,
            None => {
                let ticket = self.profiles.ticket(&account);
                let fresh = Arc::new(Profiles(Cache::new(PROFILES_MAX)));
                self.profiles.fill(account, ticket, Arc::clone(&fresh));
                fresh
            }
        };
        if let Some(known) = profiles.0.get(&who) {
            return Ok(known);
        }
        // What a racing change makes old goes into a set of profiles that nobody is given any more.
        let iam = AccountIam { identity: self, account, cause: crate::audit::Cause::Reading };
        let profile = iam.read_profile(&who).await?.map(Arc::new);
        profiles.0.insert(who, profile.clone());
        Ok(profile)
    }
}

impl AccountIam<'_> {
    async fn read_profile(&self, who: &Who) -> Result<Option<Profile>, KmsError> {
        let mut profile = match who {
            Who::Root => Profile::bare(Some(Principal::Root(self.account))),
            Who::User(name) => match self.look::<User>(name).await? {
                Some(user) => self.user_profile(user).await?,
                None => return Ok(None),
            },
            Who::Role(name) => match self.look::<Role>(name).await? {
                Some(role) => self.role_profile(role).await?,
                None => return Ok(None),
            },
            Who::Limits(arns) => {
                let mut profile = Profile::bare(None);
                let arns = arns.iter().cloned().collect();
                profile.identity = self.managed_policies(PolicyKind::Session, &arns).await?;
                profile
            }
        };
        if let Some(account) = self.identity.account(self.account).await? {
            profile.organization = account.value.organization;
            profile.guards = match &account.value.guard {
                Some(text) => vec![named(PolicyKind::Guard, "account guard", text)?],
                None => Vec::new(),
            };
        }
        Ok(Some(profile))
    }

    async fn user_profile(&self, user: Found<User>) -> Result<Profile, KmsError> {
        let user = user.row;
        let mut profile = self.holder_profile(&user).await?;
        for name in &user.groups {
            // A group that is being deleted has no users left: its row may be gone already.
            if let Some(group) = self.look::<Group>(name).await? {
                profile.identity.extend(self.policies(group.row.attachments()).await?);
            }
        }
        profile.principal = Some(Principal::User(Arc::new(UserPrincipal {
            account: self.account,
            arn: user.arn(self.account).into(),
            name: user.naming.name.into(),
            id: user.naming.id.into(),
        })));
        Ok(profile)
    }

    async fn role_profile(&self, role: Found<Role>) -> Result<Profile, KmsError> {
        let mut profile = self.holder_profile(&role.row).await?;
        profile.role = Some(role.row);
        Ok(profile)
    }

    async fn holder_profile<E: PolicyHolder>(&self, holder: &E) -> Result<Profile, KmsError> {
        let attachments = holder.attachments();
        let mut profile = Profile::bare(None);
        profile.identity = self.policies(attachments).await?;
        if let Some(arn) = &attachments.boundary {
            // A boundary whose policy cannot be read allows nothing.
            let policy = self.policy_of(arn).await?;
            let text = policy.as_ref().and_then(|policy| policy.document()).unwrap_or(NOTHING);
            profile.boundary = Some(named(PolicyKind::Boundary, arn, text)?);
        }
        profile.tags = holder.naming().tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(profile)
    }

    /// The policies of a holder, inline ones first.
    pub(crate) async fn policies(&self, attachments: &Attachments) -> Result<Vec<NamedPolicy>, KmsError> {
        let mut policies = Vec::new();
        for (name, text) in &attachments.inline {
            policies.push(named(PolicyKind::Identity, name, text)?);
        }
        policies.extend(self.managed_policies(PolicyKind::Identity, &attachments.managed).await?);
        Ok(policies)
    }

    /// Managed policies by their ARNs; those that are gone say nothing.
    pub(crate) async fn managed_policies(
        &self,
        kind: PolicyKind,
        arns: &BTreeSet<String>,
    ) -> Result<Vec<NamedPolicy>, KmsError> {
        let mut policies = Vec::new();
        for arn in arns {
            let policy = self.policy_of(arn).await?;
            if let Some(text) = policy.as_ref().and_then(|policy| policy.document()) {
                policies.push(named(kind, arn, text)?);
            }
        }
        Ok(policies)
    }
}

/// Denies everything.
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// A stored policy, compiled. It was checked when it was put: one that does not parse is damage.
pub(crate) fn named(kind: PolicyKind, name: &str, text: &str) -> Result<NamedPolicy, KmsError> {
    let policy = Policy::parse(text, Grammar::Identity).map_err(|error| {
        tracing::error!(%name, %error, "a stored policy does not parse");
        KmsError::Internal
    })?;
    Ok(NamedPolicy { kind, name: name.into(), policy: Arc::new(policy) })
}
