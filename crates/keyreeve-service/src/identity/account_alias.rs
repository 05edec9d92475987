//! The alias of an account: one for each account, and no two accounts have the same one.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/console-account-alias.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountIam, AccountRecord};
use crate::records::{Draft, Stamped, path};

/// The row of an alias: whose it is.
#[derive(Debug, Serialize, Deserialize)]
struct AliasOwner {
    account: AccountId,
}

impl AccountIam<'_> {
    /// The account's alias, if it has one.
    pub(crate) async fn account_alias(&self) -> Result<Option<String>, KmsError> {
        Ok(self.identity.account(self.account).await?.and_then(|row| row.value.alias))
    }

    /// Gives the account this alias instead of the one that it had.
    ///
    /// # Errors
    /// EntityAlreadyExists when an account has it, this one too.
    pub(crate) async fn set_account_alias(&self, alias: &str, now: Timestamp) -> Result<(), KmsError> {
        let place = path::account_alias(alias)?;
        if self.identity.records.read::<AliasOwner>(&place).await?.is_some() {
            return Err(KmsError::Iam(IamError::EntityAlreadyExists(format!(
                "The account alias {alias} already exists."
            ))));
        }
        let row = self.identity.account(self.account).await?;
        let draft = self.draft_without_alias(self.draft()?, row.as_ref()).await?;
        let draft = draft.put(&place, None, &AliasOwner { account: self.account })?;
        self.put_alias(draft, row, Some(alias), now).await
    }

    /// Takes the account's alias away.
    ///
    /// # Errors
    /// NoSuchEntity when it is not the account's.
    pub(crate) async fn remove_account_alias(&self, alias: &str, now: Timestamp) -> Result<(), KmsError> {
        let row = self.identity.account(self.account).await?;
        if row.as_ref().and_then(|row| row.value.alias.as_deref()) != Some(alias) {
            return Err(KmsError::Iam(IamError::NoSuchEntity(format!(
                "The account alias {alias} cannot be found."
            ))));
        }
        let draft = self.draft_without_alias(self.draft()?, row.as_ref()).await?;
        self.put_alias(draft, row, None, now).await
    }

    async fn draft_without_alias(
        &self,
        draft: Draft,
        row: Option<&Stamped<AccountRecord>>,
    ) -> Result<Draft, KmsError> {
        let Some(old) = row.and_then(|row| row.value.alias.as_deref()) else { return Ok(draft) };
        let place = path::account_alias(old)?;
        let owner = self.identity.records.read::<AliasOwner>(&place).await?;
        Ok(match owner {
            Some(owner) => draft.delete(&place, owner.stamp),
            None => draft,
        })
    }

    /// An account of `dev` gets its row with its first alias.
    async fn put_alias(
        &self,
        draft: Draft,
        row: Option<Stamped<AccountRecord>>,
        alias: Option<&str>,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let stamp = row.as_ref().map(|row| row.stamp);
        let mut record = row.map_or_else(|| AccountRecord::new(String::new(), now), |row| row.value);
        record.alias = alias.map(ToOwned::to_owned);
        self.commit(draft.put(&path::account(self.account)?, stamp, &record)?).await
    }
}
