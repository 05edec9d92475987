//! What operators see of the keys of every account: rows, never material. Each method belongs to the proof of one
//! operation, so that no operation of an account can call it.

use std::sync::Arc;

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{KeyArn, KeyRef};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::region::AccountId;
use keyreeve_store::Path;

use super::list::Listed;
use super::resolve::UnjudgedKey;
use super::{AuthorizedCall, KeyAccess, KeyEntry, KeyName};
use crate::desk::Desk;
use crate::operations::operator::describe_any_key::DescribeAnyKey;
use crate::operations::operator::list_all_keys::ListAllKeys;
use crate::records::path;

/// A key as an operator sees it.
#[derive(Debug)]
pub(crate) struct SurveyedKey {
    pub(crate) arn: KeyArn,
    /// `None` where the row does not open: it was altered, or belongs to another root key.
    pub(crate) record: Option<KeyRecord>,
    /// Sorted.
    pub(crate) aliases: Vec<AliasName>,
}

impl AuthorizedCall<ListAllKeys> {
    /// Keys of the Region, of one account or of all, in the order of their ids.
    pub(crate) async fn survey(
        &self,
        desk: &Desk<'_>,
        account: Option<AccountId>,
        limit: usize,
        marker: Option<&str>,
    ) -> Result<Listed<SurveyedKey>, KmsError> {
        let keys = &desk.service.keys;
        let prefix = match account {
            Some(account) => path::keys_prefix(&desk.caller.region, account),
            None => path::key_owners_prefix(&desk.caller.region),
        };
        let mut after = keys.path_of_marker(&prefix, marker)?;
        let mut items = Vec::new();
        loop {
            let (arns, next) = keys.arns(desk, &prefix, account, after.as_ref(), limit - items.len()).await?;
            for arn in arns {
                items.extend(keys.surveyed(desk, arn).await?);
            }
            match next {
                None => return Ok(Listed { items, next_marker: None }),
                Some(next) if items.len() >= limit => {
                    let next_marker = Some(keys.marker(&prefix, next.as_str())?);
                    return Ok(Listed { items, next_marker });
                }
                Some(next) => after = Some(next),
            }
        }
    }
}

impl AuthorizedCall<DescribeAnyKey> {
    /// One key of any account.
    pub(crate) async fn survey(&self, desk: &Desk<'_>, key: &KeyRef) -> Result<SurveyedKey, KmsError> {
        let keys = &desk.service.keys;
        let entry = keys.of_any_account(desk, key).await?;
        let aliases = keys.names_of(&entry.arn).await?.map(|row| row.value).unwrap_or_default();
        Ok(SurveyedKey { arn: entry.arn.clone(), record: Some(entry.record.clone()), aliases })
    }
}

impl KeyAccess {
    /// A key of any account, for the operations of operators. A bare id is looked up in the Region; a bare alias says no
    /// account and is refused.
    pub(super) async fn of_any_account(
        &self,
        desk: &Desk<'_>,
        key: &KeyRef,
    ) -> Result<Arc<KeyEntry>, KmsError> {
        let name = match key {
            KeyRef::Id(id) => match self.owner(desk, *id).await? {
                Some(account) => {
                    KeyRef::Arn(KeyArn { region: desk.caller.region.clone(), account, key_id: *id })
                }
                None => return Err(KmsError::InvalidKeyId(id.to_string())),
            },
            KeyRef::Alias(_) => return Err(KmsError::AliasesNotSupported),
            KeyRef::Arn(_) | KeyRef::AliasArn(_) => key.clone(),
        };
        match self.resolve(desk, &KeyName::Ref(name), true).await? {
            UnjudgedKey::Found { entry } => Ok(entry),
            UnjudgedKey::MissingKey(arn) => Err(KmsError::KeyNotFound(arn)),
            UnjudgedKey::MissingAlias(arn) => Err(KmsError::AliasNotFound(arn)),
            UnjudgedKey::MissingCiphertextKey => Err(KmsError::Internal),
        }
    }

    /// A page of ids under a prefix, with their accounts.
    async fn arns(
        &self,
        desk: &Desk<'_>,
        prefix: &str,
        account: Option<AccountId>,
        after: Option<&Path>,
        limit: usize,
    ) -> Result<(Vec<KeyArn>, Option<Path>), KmsError> {
        let arn = |path: &Path, account| {
            let key_id = KeyId::parse(path.as_str().strip_prefix(prefix)?)?;
            Some(KeyArn { region: desk.caller.region.clone(), account, key_id })
        };
        if let Some(account) = account {
            // The rows themselves are read one by one afterwards, so that one that does not open is still named.
            let page = self.records.store().scan(prefix, after, limit).await.map_err(|error| {
                tracing::error!(%error, "a list was refused");
                KmsError::DependencyTimeout
            })?;
            let next = page.rows.last().filter(|_| page.more).map(|(path, _)| path.clone());
            return Ok((page.rows.iter().filter_map(|(path, _)| arn(path, account)).collect(), next));
        }
        let page = self.records.page::<AccountId>(prefix, after, limit).await?;
        let arns = page.rows.iter().filter_map(|(path, account)| arn(path, *account)).collect();
        Ok((arns, page.next))
    }

    /// The key, past the caches, which are for keys in use. `None` once it is gone.
    async fn surveyed(&self, desk: &Desk<'_>, arn: KeyArn) -> Result<Option<SurveyedKey>, KmsError> {
        let record = match self.records.read::<KeyRecord>(&path::key(&arn)?).await {
            Ok(Some(row)) if row.value.is_expired(desk.now) => return Ok(None),
            Ok(Some(row)) => Some(row.value),
            Ok(None) => return Ok(None),
            Err(KmsError::Internal) => None,
            Err(error) => return Err(error),
        };
        let aliases = match self.names_of(&arn).await {
            Ok(row) => row.map(|row| row.value).unwrap_or_default(),
            Err(KmsError::Internal) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Some(SurveyedKey { arn, record, aliases }))
    }
}
