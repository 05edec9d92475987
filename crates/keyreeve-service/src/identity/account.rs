//! Accounts: made by an operator, each with a root user that may do what its account may.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::access_key::NewAccessKey;
use super::key_list::RootKeys;
use super::{Identity, Owner};
use crate::audit::Cause;
use crate::records::{Stamped, path};

/// The row of an account. The accounts of `dev` have none: what is absent is as in [`AccountRecord::unwritten`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountRecord {
    /// What the operator calls it.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// A policy that every principal of the account is limited by, root too: what AWS calls a service control policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<String>,
    /// `o-…`: what `aws:PrincipalOrgID` says of its principals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The account's alias for signing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

impl AccountRecord {
    /// A new account.
    pub const fn new(name: String, created: Timestamp) -> Self {
        Self { name, created, guard: None, organization: None, alias: None }
    }
}

impl Identity {
    /// Creates an account with a root credential.
    ///
    /// # Errors
    /// [`KmsError::Conflict`] when the id is taken; store errors.
    pub async fn create_account(
        &self,
        id: AccountId,
        name: String,
        now: Timestamp,
    ) -> Result<NewAccessKey, KmsError> {
        self.add_account(id, name, now, Cause::Upkeep(now)).await
    }

    /// The same for a request.
    ///
    /// # Errors
    /// As [`Self::create_account`].
    pub(crate) async fn add_account(
        &self,
        id: AccountId,
        name: String,
        now: Timestamp,
        cause: Cause<'_>,
    ) -> Result<NewAccessKey, KmsError> {
        let draft = self.records.draft()?;
        let (key, draft) = Self::draft_access_key(draft, Owner::Root(id), now)?;
        let draft = draft.put(&path::account(id)?, None, &AccountRecord::new(name, now))?;
        let root_keys = RootKeys { ids: [key.id.clone()].into() };
        let draft = draft.put(&path::root_access_keys(id)?, None, &root_keys)?;
        let outcome = self.commit(id, draft, cause).await;
        self.credentials.forget(&key.id);
        outcome.map(|()| key)
    }

    /// The row of an account, if it has one.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn account(&self, id: AccountId) -> Result<Option<Stamped<AccountRecord>>, KmsError> {
        self.records.read(&path::account(id)?).await
    }

    /// Changes the row of an account; one that has none yet (in `dev`) gets one.
    ///
    /// # Errors
    /// Store errors; [`KmsError::Conflict`].
    pub(crate) async fn change_account(
        &self,
        id: AccountId,
        before: Option<Stamped<AccountRecord>>,
        now: Timestamp,
        cause: Cause<'_>,
        change: impl FnOnce(&mut AccountRecord),
    ) -> Result<(), KmsError> {
        let stamp = before.as_ref().map(|row| row.stamp);
        let mut record = before.map_or_else(|| AccountRecord::new(String::new(), now), |row| row.value);
        change(&mut record);
        let draft = self.records.draft()?.put(&path::account(id)?, stamp, &record)?;
        self.commit(id, draft, cause).await
    }

    /// All accounts, in the order of their ids.
    ///
    /// # Errors
    /// Store errors.
    pub async fn accounts(&self) -> Result<Vec<(AccountId, AccountRecord)>, KmsError> {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page =
                self.records.page::<AccountRecord>(path::ACCOUNTS_PREFIX, after.as_ref(), 1000).await?;
            all.extend(page.rows.into_iter().filter_map(|(path, record)| {
                Some((AccountId::parse(path.as_str().strip_prefix(path::ACCOUNTS_PREFIX)?)?, record))
            }));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }
}
