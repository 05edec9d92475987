//! Temporary credentials: whose they are, what limits them, and who calls with them now.
//!
//! A session lives in its token alone (`session_token.rs`). What can end it earlier is in rows, so each use looks them up
//! in the profiles: its role or user must still be there with the same unique id.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html>

use std::fmt;
use std::sync::Arc;

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_policy::evidence::{NamedPolicy, PolicyKind};
use keyreeve_policy::principal::Principal;
use serde::{Deserialize, Serialize};

use super::principal_of::{role_session, session_principal};
use super::profile::{Profile, named};
use super::{Identity, Owner};

/// A session.
#[derive(Debug)]
pub struct Session {
    /// When it began: `aws:TokenIssueTime`.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Session policies: one of them must allow. Absent where none were given.
    pub policies: Option<Vec<NamedPolicy>>,
    /// Session tags; they win over tags of the role.
    pub tags: Vec<(String, String)>,
    /// Keys of the tags that go on to the next session in a chain.
    pub transitive_tags: Vec<String>,
    /// `aws:SourceIdentity`.
    pub source_identity: Option<String>,
    /// ARN of the OIDC provider that vouched: `aws:FederatedProvider`.
    pub federated_provider: Option<String>,
}

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SessionOwner {
    /// The root user.
    Root { account: AccountId },
    /// A user, by name and unique id.
    User { account: AccountId, name: String, id: String },
    /// A role, by name and unique id, in a session of this name.
    Role { account: AccountId, name: String, id: String, session: String },
}

impl SessionOwner {
    const fn account(&self) -> AccountId {
        match self {
            Self::Root { account } | Self::User { account, .. } | Self::Role { account, .. } => *account,
        }
    }
}

/// Session policies as they are given: all of them together allow what one of them allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionPolicies {
    /// The document of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<String>,
    /// ARNs of managed policies. They are looked up when the session is used: a change of one counts at once, and one
    /// that is gone allows nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) managed: Vec<String>,
}

impl SessionPolicies {
    /// Whether none were given.
    pub(crate) const fn is_empty(&self) -> bool {
        self.document.is_none() && self.managed.is_empty()
    }
}

/// Everything that was agreed when a session began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionTerms {
    pub(crate) owner: SessionOwner,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    #[serde(default, skip_serializing_if = "SessionPolicies::is_empty")]
    pub(crate) policies: SessionPolicies,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) transitive_tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_identity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) federated_provider: Option<String>,
}

impl SessionTerms {
    /// Terms without limits, tags and claims.
    pub(crate) const fn plain(owner: SessionOwner, issued: Timestamp, expires: Timestamp) -> Self {
        Self {
            owner,
            issued,
            expires,
            policies: SessionPolicies { document: None, managed: Vec::new() },
            tags: Vec::new(),
            transitive_tags: Vec::new(),
            source_identity: None,
            federated_provider: None,
        }
    }
}

/// A session token that was opened, with its document compiled.
pub struct OpenedSession {
    /// What requests are signed with.
    pub secret: SecretBytes,
    pub(super) access_key_id: String,
    owner: SessionOwner,
    managed: Vec<String>,
    /// With the document alone, as long as the managed policies are not looked up.
    session: Arc<Session>,
}

impl fmt::Debug for OpenedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedSession")
            .field("access_key_id", &self.access_key_id)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// Who signs with temporary credentials, and what policies say about them.
#[derive(Debug)]
pub struct SessionSigner {
    /// The principal.
    pub principal: Principal,
    /// What policies of IAM say about it.
    pub profile: Arc<Profile>,
    /// The session, with every policy that limits it.
    pub session: Arc<Session>,
}

impl OpenedSession {
    /// Of terms that were sealed by this service.
    pub(super) fn new(
        access_key_id: String,
        secret: SecretBytes,
        terms: SessionTerms,
    ) -> Result<Self, KmsError> {
        let SessionTerms { owner, issued, expires, policies, tags, transitive_tags, .. } = terms;
        let document = policies.document.as_deref();
        let document = document.map(|text| named(PolicyKind::Session, "session policy", text)).transpose()?;
        let limited = document.is_some() || !policies.managed.is_empty();
        let session = Session {
            issued,
            expires,
            policies: limited.then(|| document.into_iter().collect()),
            tags,
            transitive_tags,
            source_identity: terms.source_identity,
            federated_provider: terms.federated_provider,
        };
        Ok(Self { secret, access_key_id, owner, managed: policies.managed, session: Arc::new(session) })
    }

    /// Whether it ended.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.session.expires
    }
}

impl Identity {
    /// Who signs with these temporary credentials now; `None` when the role or user is gone, or another one of its name
    /// took its place.
    ///
    /// # Errors
    /// Store errors.
    pub async fn session_signer(&self, opened: &OpenedSession) -> Result<Option<SessionSigner>, KmsError> {
        let found = match &opened.owner {
            SessionOwner::Root { account } => self.signer(&Owner::Root(*account)).await?,
            SessionOwner::User { account, name, id } => {
                let owner = Owner::User { account: *account, name: name.clone(), id: id.clone() };
                self.signer(&owner).await?
            }
            SessionOwner::Role { account, name, id, session } => {
                let profile = self.role_profile(*account, name).await?;
                profile.and_then(|profile| {
                    let role = profile.role.as_ref().filter(|role| role.naming.id == *id)?;
                    // What limits a session would not limit a service: a limited session stays one.
                    let principal = match opened.session.policies {
                        Some(_) => role_session(*account, role, session),
                        None => session_principal(*account, role, session),
                    };
                    Some((principal, profile))
                })
            }
        };
        let Some((principal, profile)) = found else { return Ok(None) };
        let session = self.limited(opened).await?;
        Ok(Some(SessionSigner { principal, profile, session }))
    }

    /// The session with the managed policies that limit it, as they are now.
    async fn limited(&self, opened: &OpenedSession) -> Result<Arc<Session>, KmsError> {
        if opened.managed.is_empty() {
            return Ok(Arc::clone(&opened.session));
        }
        let managed = self.session_policies(opened.owner.account(), &opened.managed).await?;
        let Session { issued, expires, policies, tags, transitive_tags, .. } = opened.session.as_ref();
        let document = policies.as_deref().unwrap_or_default();
        Ok(Arc::new(Session {
            issued: *issued,
            expires: *expires,
            policies: Some(document.iter().chain(&managed.identity).cloned().collect()),
            tags: tags.clone(),
            transitive_tags: transitive_tags.clone(),
            source_identity: opened.session.source_identity.clone(),
            federated_provider: opened.session.federated_provider.clone(),
        }))
    }
}
