//! Keys whose rows do not agree with the audit log: nobody uses them until they do again.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::KeyAccess;
use crate::records::path;

/// The row of a quarantined key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Quarantine {
    region: String,
    account: String,
    since: Timestamp,
    why: String,
}

/// What rows of a key are called in their paths.
const ABOUT_KEYS: &[&str] =
    &["key", "material", "material-history", "aliases-of", "grant", "grantee", "grant-name", "replication"];

/// The key that a row is about.
pub(crate) fn key_of_row(path: &str) -> Option<KeyArn> {
    let mut parts = path.split('/');
    let ("kms", region, account) = (parts.next()?, parts.next()?, parts.next()?) else { return None };
    parts.next().filter(|noun| ABOUT_KEYS.contains(noun))?;
    let key_id = KeyId::parse(parts.next()?)?;
    Some(KeyArn { region: Region::parse(region)?, account: AccountId::parse(account)?, key_id })
}

impl KeyAccess {
    pub(super) async fn is_quarantined(&self, arn: &KeyArn) -> Result<bool, KmsError> {
        Ok(self.records.read_bytes(&path::quarantined(arn.key_id)?).await?.is_some())
    }

    /// Lets nobody use a key any more.
    pub(crate) async fn quarantine(&self, arn: &KeyArn, why: &str, now: Timestamp) -> Result<(), KmsError> {
        let place = path::quarantined(arn.key_id)?;
        let before = self.records.read_bytes(&place).await?.map(|row| row.stamp);
        let (region, account) = (arn.region.to_string(), arn.account.to_string());
        let row = Quarantine { region, account, since: now, why: why.to_owned() };
        let outcome = self.records.commit_unrecorded(self.records.draft()?.put(&place, before, &row)?).await;
        self.forget_key(arn);
        outcome
    }

    /// Ends the quarantine of all keys but these.
    pub(crate) async fn release_all_but(&self, kept: &[KeyArn]) -> Result<(), KmsError> {
        for place in self.records.paths_below(path::QUARANTINE_PREFIX, usize::MAX).await? {
            let Some(row) = self.records.read::<Quarantine>(&place).await? else { continue };
            let id = place.as_str().strip_prefix(path::QUARANTINE_PREFIX).and_then(KeyId::parse);
            let parts = (Region::parse(&row.value.region), AccountId::parse(&row.value.account), id);
            let (Some(region), Some(account), Some(key_id)) = parts else { continue };
            let arn = KeyArn { region, account, key_id };
            if !kept.contains(&arn) {
                let draft = self.records.draft()?.delete(&place, row.stamp);
                self.records.commit_unrecorded(draft).await?;
                self.forget_key(&arn);
                tracing::info!(key = %arn, "the key's rows agree with the audit log again: it can be used");
            }
        }
        Ok(())
    }
}
