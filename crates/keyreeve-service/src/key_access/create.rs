//! Creating keys: the key, its owner entry and its material in one commit, read back before anyone hears of it.

use keyreeve_crypto::keyring::Purpose;
use keyreeve_crypto::secret::KeyMaterial;
use keyreeve_model::algorithm::KeyManager;
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::{KmsError, Quota};
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::limits::KEYS_PER_ACCOUNT_MAX;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;

use super::alias::AliasRecord;
use super::material::current_slot;
use super::{AuthorizedCall, KeyAccess};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::records::path;

/// A key that is about to be created.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) arn: KeyArn,
    pub(crate) record: KeyRecord,
    /// Absent for a key whose material will be imported.
    pub(crate) material: Option<KeyMaterial>,
}

impl<O> AuthorizedCall<O> {
    /// Creates the key.
    pub(crate) async fn create_key(&self, desk: &Desk<'_>, key: &NewKey) -> Result<(), KmsError> {
        desk.notes.resource(key.arn.account, "AWS::KMS::Key", key.arn.to_string());
        desk.service.keys.create(key, None, desk.now, Cause::Request(desk)).await
    }
}

/// A fresh key id: a random UUID (version 4), or 128 random bits after `mrk-`.
pub(crate) fn new_key_id(multi_region: bool) -> Result<KeyId, KmsError> {
    let mut bytes: [u8; 16] = keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?;
    if !multi_region {
        bytes = uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes();
    }
    Ok(KeyId::new(bytes, multi_region))
}

impl KeyAccess {
    /// Creates a key, with an alias for an AWS managed one.
    pub(super) async fn create(
        &self,
        key: &NewKey,
        alias: Option<&AliasArn>,
        now: Timestamp,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        if key.record.manager == KeyManager::Customer {
            self.within_quota(&key.arn).await?;
        }
        let draft = self.records.draft()?;
        let first_domain_epoch = Some(draft.keyring().active_epoch(Purpose::Domain).number);
        let record = KeyRecord { first_domain_epoch, ..key.record.clone() };
        let mut draft = draft
            .put(&path::key_owner(&key.arn.region, key.arn.key_id)?, None, &key.arn.account)?
            .put(&path::key(&key.arn)?, None, &record)?;
        let slot = current_slot(&key.arn, &key.record);
        if let Some(material) = &key.material {
            draft = Self::put_material(draft, &slot, &key.record, material, None)?;
        }
        if let Some((when, _)) = key.record.next_due(&key.arn.region) {
            draft = draft.put(&path::due(&key.arn, when)?, None, &())?;
        }
        if let Some(alias) = alias {
            let record = AliasRecord { target: key.arn.key_id, created: now, updated: now };
            draft = draft.put(&path::alias(alias)?, None, &record)?.put(
                &path::aliases_of(&key.arn)?,
                None,
                &[&alias.name],
            )?;
        }
        let outcome = self.records.commit(draft, cause).await;
        self.forget_key(&key.arn);
        if let Some(alias) = alias {
            self.aliases.forget(alias);
        }
        outcome?;
        if key.record.manager == KeyManager::Customer {
            self.counts.adjust(&(key.arn.region.clone(), key.arn.account), 1);
        }
        if let Some(material) = &key.material {
            self.verify_stored(&key.record, slot, material).await?;
        }
        Ok(())
    }

    pub(super) async fn within_quota(&self, arn: &KeyArn) -> Result<(), KmsError> {
        let place = (arn.region.clone(), arn.account);
        if self.counts.get(&place).is_none() {
            let count = self.count_keys(&place.0, place.1).await?;
            self.counts.set(place.clone(), count);
        }
        match self.counts.get(&place) {
            Some(count) if count >= KEYS_PER_ACCOUNT_MAX => Err(KmsError::Limit(Quota::KeysPerAccount)),
            Some(_) | None => Ok(()),
        }
    }

    /// As if an account had so many keys in a Region: to make them takes longer than all tests.
    #[cfg(test)]
    pub(crate) fn suppose_keys(&self, region: &Region, account: AccountId, count: u64) {
        self.counts.set((region.clone(), account), count);
    }

    /// They are counted when one is made next.
    #[cfg(test)]
    pub(crate) fn forget_key_counts(&self, region: &Region, account: AccountId) {
        self.counts.forget(&(region.clone(), account));
    }

    async fn count_keys(&self, region: &Region, account: AccountId) -> Result<u64, KmsError> {
        let (prefix, mut after, mut count) = (path::keys_prefix(region, account), None, 0);
        loop {
            let page = self.records.page::<KeyRecord>(&prefix, after.as_ref(), COUNT_PAGE).await?;
            count +=
                page.rows.iter().filter(|(_, record)| record.manager == KeyManager::Customer).count() as u64;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(count),
            }
        }
    }
}

const COUNT_PAGE: usize = 1000;
