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
mod multi_region_role;
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
pub(crate) mod session_token_key;
mod unique_id;
mod user;
mod web_identity;
mod whose;

use std::fmt;
use std::sync::{Arc, OnceLock};

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use keyreeve_store::Path;
use quick_cache::sync::Cache;

use crate::audit::Cause;
use crate::catalogue::Api;
use crate::records::coherent::Coherent;
use crate::records::{Draft, Records, path};
use crate::regions::{Peer, Regions};
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
use session_token_key::TokenKeys;

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
    token_keys: Coherent<(), Arc<TokenKeys>>,
    issuer_keys: OnceLock<Arc<dyn IssuerKeys>>,
    regions: OnceLock<Arc<Regions>>,
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
            token_keys: Coherent::new(1),
            issuer_keys: OnceLock::new(),
            regions: OnceLock::new(),
            key_uses: UsageTracker::new(),
        }
    }

    /// Asks identity providers for their keys by this, unless something was given before.
    pub(crate) fn ask_issuers_by(&self, keys: Arc<dyn IssuerKeys>) {
        drop(self.issuer_keys.set(keys));
    }

    /// From now on asks these whether the identities are kept elsewhere. Without it they are kept here.
    pub(crate) fn kept_by(&self, regions: Arc<Regions>) {
        drop(self.regions.set(regions));
    }

    /// Where the identities are kept, when that is elsewhere: nothing of them is changed here then.
    pub(crate) fn home(&self) -> Option<Arc<Peer>> {
        self.regions.get()?.home()
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
    /// As [`Records::commit`]; refused where the identities are kept elsewhere.
    pub(crate) async fn commit(
        &self,
        account: AccountId,
        draft: Draft,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        // Another Region may become the home at this moment: then this is no change of its identities.
        let place = path::region_home()?;
        let term = self.records.read_bytes(&place).await?.map(|row| row.stamp);
        self.check_kept_here(cause)?;
        let outcome = self.records.commit(draft.expect(&place, term), cause).await;
        // Also after a failure: an unknown outcome may have been written.
        self.profiles.forget(&account);
        outcome
    }

    /// Writes rows as their home has them; answers once no request is judged by what was before.
    ///
    /// # Errors
    /// As [`Records::commit`].
    pub(crate) async fn arrive(
        &self,
        draft: Draft,
        changed: &[Path],
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let outcome = self.records.commit(draft, cause).await;
        // Also after a failure: an unknown outcome may have been written.
        changed.iter().for_each(|place| self.forget_row(place.as_str()));
        outcome
    }

    /// Forgets whatever was made of a row.
    fn forget_row(&self, place: &str) {
        if let Some(id) = place.strip_prefix(path::ACCESS_KEYS_PREFIX) {
            self.forget_access_key(id);
        } else if place.starts_with(path::SESSION_TOKEN_KEYS_PREFIX) {
            self.forget_token_keys();
        } else {
            // The row of an account, or one below it. Aliases and services of others are read when they are asked for.
            let account = place.strip_prefix(path::ACCOUNTS_PREFIX).or_else(|| place.split('/').nth(1));
            if let Some(account) = account.and_then(AccountId::parse) {
                self.profiles.forget(&account);
            }
        }
    }

    /// Whether a request may change identities here.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) fn check_kept_here(&self, cause: Cause<'_>) -> Result<(), KmsError> {
        if let Some(home) = self.home() {
            return Err(unmodifiable(kept_elsewhere(&home), cause));
        }
        match self.regions.get().and_then(|regions| regions.home_in_doubt()) {
            Some(doubt) => Err(unmodifiable(doubt, cause)),
            None => Ok(()),
        }
    }
}

/// What whoever would change identities is told where they are not kept.
fn kept_elsewhere(home: &Peer) -> String {
    format!(
        "Identities of this deployment are kept in the Region {}, which answers other Regions at {}: send this request to \
         that Region.",
        home.region, home.endpoint
    )
}

fn unmodifiable(text: String, cause: Cause<'_>) -> KmsError {
    match cause {
        Cause::Request(desk) if desk.row.api == Api::Iam => KmsError::Iam(IamError::UnmodifiableEntity(text)),
        Cause::Request(_) | Cause::Event(_) | Cause::Reading | Cause::Upkeep(_) => KmsError::Refused(text),
    }
}
