//! The access keys of one user or of the root user: listed in the user's row, or in a row of root's own, and changed in
//! one commit with them.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>

use std::collections::BTreeSet;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::access_key::{AccessKeyRecord, NewAccessKey, Owner, is_access_key_id};
use super::entity::Found;
use super::key_usage::KeyUse;
use super::user::ACCESS_KEYS_PER_USER_MAX;
use super::{AccountIam, Identity, User, Whose};
use crate::records::{Draft, Stamp, Stamped, path};

/// The row of the root user's access keys.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RootKeys {
    pub(super) ids: BTreeSet<String>,
}

/// Which access keys somebody has, as it was read.
#[derive(Debug)]
struct KeyList {
    ids: BTreeSet<String>,
    holder: Holder,
}

#[derive(Debug)]
enum Holder {
    Root(Option<Stamp>),
    User(Box<Found<User>>),
}

/// Rows of access keys that are read at a time.
const PAGE: usize = 1000;

fn missing(id: &str) -> KmsError {
    KmsError::Iam(IamError::NoSuchEntity(format!("The Access Key with id {id} cannot be found.")))
}

impl AccountIam<'_> {
    /// Makes an access key.
    ///
    /// # Errors
    /// NoSuchEntity, LimitExceeded.
    pub(crate) async fn create_access_key(
        &self,
        whose: &Whose,
        now: Timestamp,
    ) -> Result<NewAccessKey, KmsError> {
        let list = self.key_list(whose).await?;
        if list.ids.len() >= ACCESS_KEYS_PER_USER_MAX {
            return Err(KmsError::Iam(IamError::LimitExceeded(format!(
                "Cannot exceed quota for AccessKeysPerUser: {ACCESS_KEYS_PER_USER_MAX}"
            ))));
        }
        let owner = match &list.holder {
            Holder::Root(_) => Owner::Root(self.account),
            Holder::User(user) => Owner::User {
                account: self.account,
                name: user.row.naming.name.clone(),
                id: user.row.naming.id.clone(),
            },
        };
        let (key, draft) = Identity::draft_access_key(self.draft()?, owner, now)?;
        let mut ids = list.ids.clone();
        ids.insert(key.id.clone());
        let draft = self.draft_key_list(draft, &list, ids)?;
        self.commit_keys(draft, std::slice::from_ref(&key.id)).await?;
        Ok(key)
    }

    /// The access keys of a user or of root, in the order of their ids.
    ///
    /// # Errors
    /// NoSuchEntity when the user does not exist.
    pub(crate) async fn access_keys(
        &self,
        whose: &Whose,
    ) -> Result<Vec<(String, AccessKeyRecord)>, KmsError> {
        let mut keys = Vec::new();
        for id in self.key_list(whose).await?.ids {
            // One that is being deleted may be gone already.
            if let Some(row) = self.identity.access_key(&id).await? {
                keys.push((id, row.value));
            }
        }
        Ok(keys)
    }

    /// Lets an access key sign, or no longer.
    ///
    /// # Errors
    /// NoSuchEntity when it is not a key of theirs.
    pub(crate) async fn set_access_key_active(
        &self,
        whose: &Whose,
        id: &str,
        active: bool,
    ) -> Result<(), KmsError> {
        let list = self.key_list(whose).await?;
        let row = self.listed_key(&list, id).await?.ok_or_else(|| missing(id))?;
        let mut record = row.value;
        record.inactive = !active;
        let draft = self.draft()?.put(&path::access_key(id)?, Some(row.stamp), &record)?;
        self.commit_keys(draft, &[id.to_owned()]).await
    }

    /// Deletes an access key.
    ///
    /// # Errors
    /// NoSuchEntity when it is not a key of theirs.
    pub(crate) async fn delete_access_key(&self, whose: &Whose, id: &str) -> Result<(), KmsError> {
        let list = self.key_list(whose).await?;
        let mut ids = list.ids.clone();
        if !ids.remove(id) {
            return Err(missing(id));
        }
        let mut draft = self.draft_key_list(self.draft()?, &list, ids)?;
        if let Some(row) = self.listed_key(&list, id).await? {
            draft = draft.delete(&path::access_key(id)?, row.stamp);
        }
        draft = self.identity.draft_forget_use(draft, id).await?;
        self.commit_keys(draft, &[id.to_owned()]).await
    }

    /// The name of the user that has an access key, and when it signed last.
    ///
    /// # Errors
    /// NoSuchEntity when it is not a key of this account.
    pub(crate) async fn access_key_last_used(&self, id: &str) -> Result<(String, Option<KeyUse>), KmsError> {
        let key = if is_access_key_id(id) { self.identity.access_key(id).await? } else { None };
        let key = key.filter(|key| key.value.account == self.account).ok_or_else(|| missing(id))?;
        let user = key.value.user.map_or_else(|| "root".to_owned(), |user| user.name);
        Ok((user, self.identity.last_key_use(id).await?))
    }

    /// The number of the root user's access keys.
    pub(crate) async fn root_access_keys(&self) -> Result<usize, KmsError> {
        Ok(self.key_list(&Whose::Root).await?.ids.len())
    }

    /// Adds to a change that the access keys of a user know its new name.
    pub(super) async fn draft_keys_of_renamed(
        &self,
        mut draft: Draft,
        user: &User,
    ) -> Result<Draft, KmsError> {
        for id in &user.access_keys {
            let Some(row) = self.identity.access_key(id).await? else { continue };
            let mut record = row.value;
            if let Some(owner) = &mut record.user {
                owner.name.clone_from(&user.naming.name);
            }
            draft = draft.put(&path::access_key(id)?, Some(row.stamp), &record)?;
        }
        Ok(draft)
    }

    /// Commits a change of access keys; no signature is checked by what was before, once this answers.
    pub(super) async fn commit_keys(&self, draft: Draft, ids: &[String]) -> Result<(), KmsError> {
        let outcome = self.commit(draft).await;
        // Also after a failure: an unknown outcome may have been written.
        ids.iter().for_each(|id| self.identity.forget_access_key(id));
        outcome
    }

    /// The row of a key that is on the list.
    async fn listed_key(
        &self,
        list: &KeyList,
        id: &str,
    ) -> Result<Option<Stamped<AccessKeyRecord>>, KmsError> {
        if list.ids.contains(id) { self.identity.access_key(id).await } else { Ok(None) }
    }

    async fn key_list(&self, whose: &Whose) -> Result<KeyList, KmsError> {
        match whose {
            Whose::User(name) => {
                let user = self.find::<User>(name).await?;
                Ok(KeyList { ids: user.row.access_keys.clone(), holder: Holder::User(Box::new(user)) })
            }
            Whose::Root => {
                let row =
                    self.identity.records.read::<RootKeys>(&path::root_access_keys(self.account)?).await?;
                let stamp = row.as_ref().map(|row| row.stamp);
                let ids = match row {
                    Some(row) => row.value.ids,
                    None => self.unlisted_root_keys().await?,
                };
                Ok(KeyList { ids, holder: Holder::Root(stamp) })
            }
        }
    }

    /// Root's access keys in a deployment of before there was a list of them: found among all access keys, until the
    /// first change writes the list.
    async fn unlisted_root_keys(&self) -> Result<BTreeSet<String>, KmsError> {
        let (mut after, mut ids) = (None, BTreeSet::new());
        loop {
            let page = self
                .identity
                .records
                .page::<AccessKeyRecord>(path::ACCESS_KEYS_PREFIX, after.as_ref(), PAGE)
                .await?;
            let own = |key: &AccessKeyRecord| key.account == self.account && key.user.is_none();
            ids.extend(page.rows.iter().filter(|(_, key)| own(key)).filter_map(|(path, _)| {
                path.as_str().strip_prefix(path::ACCESS_KEYS_PREFIX).map(ToOwned::to_owned)
            }));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(ids),
            }
        }
    }

    fn draft_key_list(&self, draft: Draft, list: &KeyList, ids: BTreeSet<String>) -> Result<Draft, KmsError> {
        match &list.holder {
            Holder::Root(stamp) => {
                draft.put(&path::root_access_keys(self.account)?, *stamp, &RootKeys { ids })
            }
            Holder::User(found) => {
                let row = User { access_keys: ids, ..found.row.clone() };
                self.draft_changed(draft, found, &row)
            }
        }
    }
}
