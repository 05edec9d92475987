//! Aliases: read through a cache, changed together with the list of aliases of their key.

use std::sync::Arc;

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::{Invalid, KmsError, Quota};
use keyreeve_model::key_id::KeyId;
use keyreeve_model::limits::ALIASES_PER_KEY_MAX;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuthorizedAlias, KeyAccess, KeyEntry};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::records::{Draft, Stamp, Stamped, path};

/// The row of an alias.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub(crate) target: KeyId,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// An alias that exists.
#[derive(Debug)]
pub(crate) struct AliasEntry {
    pub(crate) record: AliasRecord,
    pub(super) stamp: Stamp,
}

impl KeyAccess {
    /// The alias, from the cache or the store.
    pub(super) async fn alias(&self, arn: &AliasArn) -> Result<Option<Arc<AliasEntry>>, KmsError> {
        if let Some(known) = self.aliases.get(arn) {
            return Ok(known);
        }
        let ticket = self.aliases.ticket(arn);
        let row = self.records.read::<AliasRecord>(&path::alias(arn)?).await?;
        let entry = row.map(|row| Arc::new(AliasEntry { record: row.value, stamp: row.stamp }));
        self.aliases.fill(arn.clone(), ticket, entry.clone());
        Ok(entry)
    }

    /// Names of the aliases of a key, sorted.
    pub(super) async fn names_of(&self, arn: &KeyArn) -> Result<Option<Stamped<Vec<AliasName>>>, KmsError> {
        self.records.read(&path::aliases_of(arn)?).await
    }

    /// Adds or removes a name in the list of a key's aliases.
    pub(super) async fn relist(
        &self,
        draft: Draft,
        key: &KeyArn,
        change: impl FnOnce(&mut Vec<AliasName>),
    ) -> Result<Draft, KmsError> {
        let before = self.names_of(key).await?;
        let stamp = before.as_ref().map(|row| row.stamp);
        let mut names = before.map(|row| row.value).unwrap_or_default();
        change(&mut names);
        names.sort();
        names.dedup();
        if names.len() > ALIASES_PER_KEY_MAX {
            return Err(KmsError::Limit(Quota::AliasesPerKey));
        }
        draft.put(&path::aliases_of(key)?, stamp, &names)
    }

    /// Commits a change of an alias, and forgets the keys that it pointed to and points to: their entries know their
    /// aliases, and their rows may have been sealed anew since they were read.
    pub(super) async fn commit_alias(
        &self,
        draft: Draft,
        alias: &AliasArn,
        keys: &[&KeyArn],
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let outcome = self.records.commit(draft, cause).await;
        self.aliases.forget(alias);
        keys.iter().for_each(|key| self.forget_key(key));
        outcome
    }
}

impl<O> AuthorizedAlias<O> {
    /// Points a new alias at its target.
    pub(crate) async fn create(&self, desk: &Desk<'_>) -> Result<(), KmsError> {
        // An alias whose key is gone is free again: its rows wait for the clean-up of the key.
        let stale = match (&self.current, self.present_exists(desk)) {
            (Some(_), true) => return Err(KmsError::AliasExists(self.alias.clone())),
            (Some(entry), false) => Some(entry.stamp),
            (None, _) => None,
        };
        let keys = &desk.service.keys;
        let target = self.target()?;
        let record = AliasRecord { target: target.arn.key_id, created: desk.now, updated: desk.now };
        let draft = keys.records.draft()?.put(&path::alias(&self.alias)?, stale, &record)?;
        let draft = keys.relist(draft, &target.arn, |names| names.push(self.alias.name.clone())).await?;
        let draft = draft.expect(&path::key(&target.arn)?, Some(target.stamp));
        keys.commit_alias(draft, &self.alias, &[&target.arn], Cause::Request(desk)).await
    }

    /// Points the alias at another key of the same class and usage.
    pub(crate) async fn update(&self, desk: &Desk<'_>) -> Result<(), KmsError> {
        let (Some(current), Some(present), true) = (&self.current, &self.present, self.present_exists(desk))
        else {
            return Err(KmsError::AliasNotFound(self.alias.clone()));
        };
        let target = self.target()?;
        let kind = |entry: &KeyEntry| (entry.record.spec.row().class, entry.record.usage);
        if kind(present) != kind(target) {
            return Err(KmsError::Invalid(Invalid::AliasKind));
        }
        let keys = &desk.service.keys;
        let record =
            AliasRecord { target: target.arn.key_id, created: current.record.created, updated: desk.now };
        let mut draft =
            keys.records.draft()?.put(&path::alias(&self.alias)?, Some(current.stamp), &record)?;
        if present.arn != target.arn {
            draft = keys
                .relist(draft, &present.arn, |names| names.retain(|name| *name != self.alias.name))
                .await?;
            draft = keys.relist(draft, &target.arn, |names| names.push(self.alias.name.clone())).await?;
        }
        let draft = draft.expect(&path::key(&target.arn)?, Some(target.stamp));
        keys.commit_alias(draft, &self.alias, &[&present.arn, &target.arn], Cause::Request(desk)).await
    }

    /// Removes the alias.
    pub(crate) async fn delete(&self, desk: &Desk<'_>) -> Result<(), KmsError> {
        let (Some(current), true) = (&self.current, self.present_exists(desk)) else {
            return Err(KmsError::AliasNotFound(self.alias.clone()));
        };
        let keys = &desk.service.keys;
        let draft = keys.records.draft()?.delete(&path::alias(&self.alias)?, current.stamp);
        let key = KeyArn {
            region: self.alias.region.clone(),
            account: self.alias.account,
            key_id: current.record.target,
        };
        let draft = keys.relist(draft, &key, |names| names.retain(|name| *name != self.alias.name)).await?;
        keys.commit_alias(draft, &self.alias, &[&key], Cause::Request(desk)).await
    }

    fn present_exists(&self, desk: &Desk<'_>) -> bool {
        self.present.as_ref().is_some_and(|entry| !entry.record.is_expired(desk.now))
    }

    fn target(&self) -> Result<&KeyEntry, KmsError> {
        self.target.as_ref().map(super::AuthorizedKey::entry).ok_or(KmsError::Internal)
    }
}
