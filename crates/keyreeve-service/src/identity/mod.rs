//! Accounts and their IAM: users, groups, roles, policies, access keys. It sees credentials and no keys.
//!
//! What an identity may do is read from many rows; so that no decision is ever made from before an acknowledged change,
//! every change of an account's IAM forgets all profiles of that account ([`Identity::commit`]).

mod access_key;
mod account;
mod account_alias;
mod aws_managed_policy;
mod entity;
mod gatehouse;
mod grant_principal;
mod group;
mod instance_profile;
mod inventory;
mod issuer;
mod key_list;
mod key_usage;
mod managed_policy;
pub(crate) mod oidc_provider;
mod pins;
mod principal_of;
mod profile;
mod rename;
mod role;
mod role_gatehouse;
mod service_principal;
mod session;
mod session_token;
mod unique_id;
mod user;
mod web_identity;
mod whose;

use std::fmt;
use std::sync::{Arc, OnceLock};

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use quick_cache::sync::Cache;

use crate::audit::Cause;
use crate::records::coherent::Coherent;
use crate::records::{Draft, Records};
use crate::usage::UsageTracker;

pub use access_key::{Credential, NewAccessKey, Owner};
pub use account::AccountRecord;
pub(crate) use aws_managed_policy::{AWS_MANAGED_POLICIES, AwsManagedPolicy};
pub(crate) use entity::{Attachments, Entity, Found, Move, Naming, PolicyHolder};
pub(crate) use gatehouse::{AuthorizedIam, IamResource};
pub(crate) use group::Group;
pub(crate) use instance_profile::InstanceProfile;
pub(crate) use inventory::{AccountIam, PolicyArn};
pub use issuer::{IssuerFault, IssuerKeys, IssuerSite, KeyAnswer};
pub(crate) use managed_policy::{DOCUMENT_CHARACTERS_MAX, ManagedPolicy, PolicyVersion, VERSIONS_MAX};
pub(crate) use oidc_provider::{OIDC_PROVIDER, OidcProvider};
pub(crate) use principal_of::{session_arn, session_principal};
pub use profile::Profile;
pub(crate) use role::{Role, SERVICE_LINKED_PATH, TRUST_CHARACTERS_MAX};
pub(crate) use role_gatehouse::{
    AuthorizedRole, AuthorizedWebIdentity, RoleArn, RoleNames, WebIdentityNames,
};
pub use session::{OpenedSession, Session, SessionSigner};
pub(crate) use session::{SessionOwner, SessionPolicies, SessionTerms};
pub(crate) use session_token::IssuedSession;
pub(crate) use unique_id::IdKind;
pub(crate) use user::{ACCESS_KEYS_PER_USER_MAX, GROUPS_PER_USER_MAX, User};
pub(crate) use whose::Whose;

use key_usage::KeyUse;
use profile::Profiles;

/// Accounts kept in memory.
const CACHED_ACCOUNTS_MAX: usize = 1_000;
/// Access keys kept in memory, those that do not exist among them.
const CACHED_CREDENTIALS_MAX: usize = 10_000;
/// Opened session tokens kept in memory.
const CACHED_SESSIONS_MAX: usize = 10_000;

/// The identities of the store.
pub struct Identity {
    records: Arc<Records>,
    credentials: Coherent<String, Option<Arc<Credential>>>,
    profiles: Coherent<AccountId, Arc<Profiles>>,
    key_uses: UsageTracker<String, KeyUse>,
    /// By the SHA-256 of the token: what a token says never changes.
    sessions: Cache<[u8; 32], Arc<OpenedSession>>,
    issuer_keys: OnceLock<Arc<dyn IssuerKeys>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// The identities in these records.
    pub fn new(records: Arc<Records>) -> Self {
        Self {
            records,
            credentials: Coherent::new(CACHED_CREDENTIALS_MAX),
            profiles: Coherent::new(CACHED_ACCOUNTS_MAX),
            sessions: Cache::new(CACHED_SESSIONS_MAX),
            issuer_keys: OnceLock::new(),
            key_uses: UsageTracker::new(),
        }
    }

    /// Asks identity providers for their keys by this, unless something was given before.
    pub(crate) fn ask_issuers_by(&self, keys: Arc<dyn IssuerKeys>) {
        drop(self.issuer_keys.set(keys));
    }

    pub(crate) fn cache_misses(&self) -> u64 {
        self.credentials.misses()
    }

    pub(crate) const fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// Commits a change of an account's IAM; answers once it is durable and no request is judged by what was before.
    ///
    /// # Errors
    /// As [`Records::commit`].
    pub(crate) async fn commit(
        &self,
        account: AccountId,
        draft: Draft,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let outcome = self.records.commit(draft, cause).await;
        // Also after a failure: an unknown outcome may have been written.
        self.profiles.forget(&account);
        outcome
    }
}
