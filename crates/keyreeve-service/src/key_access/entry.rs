//! A key as it was read: its ARN, its row, and where the row stood.

use std::sync::{Arc, OnceLock};

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_policy::evidence::{NamedPolicy, PolicyKind};
use keyreeve_policy::policy::{Grammar, Policy};

use super::{KeyAccess, Material};
use crate::audit::Cause;
use crate::records::{Stamp, path};
use crate::regions::KeyThere;

/// A key that exists.
#[derive(Debug)]
pub(crate) struct KeyEntry {
    pub(crate) arn: KeyArn,
    pub(crate) record: KeyRecord,
    pub(crate) stamp: Stamp,
    /// The ARN as text: most answers have it.
    pub(crate) text: Box<str>,
    /// The key policy, compiled.
    pub(crate) policy: NamedPolicy,
    /// Names of the key's aliases, for conditions.
    pub(crate) aliases: Vec<AliasName>,
    /// The material that the key uses now, once it was opened.
    pub(super) material: OnceLock<Arc<Material>>,
}

impl KeyEntry {
    /// A key as another Region says that it is there; nothing but a judgement is made of it.
    pub(super) fn elsewhere(arn: KeyArn, there: KeyThere) -> Result<Self, KmsError> {
        Self::new(arn, there.record, Stamp::NOWHERE, there.aliases)
    }

    fn new(arn: KeyArn, record: KeyRecord, stamp: Stamp, aliases: Vec<AliasName>) -> Result<Self, KmsError> {
        let text = arn.to_string().into_boxed_str();
        let policy = compiled(&arn, &record)?;
        Ok(Self { arn, record, stamp, text, policy, aliases, material: OnceLock::new() })
    }
}

/// A stored key policy, compiled. It was checked when it was put: one that does not parse is damage, and its key is used
/// by nobody.
fn compiled(arn: &KeyArn, record: &KeyRecord) -> Result<NamedPolicy, KmsError> {
    let policy = Policy::parse_pinned(&record.policy, Grammar::KeyPolicy, &record.policy_pins);
    let policy = policy.map_err(|error| {
        tracing::error!(key = %arn, ?error, "a stored key policy does not parse");
        KmsError::Internal
    })?;
    Ok(NamedPolicy { kind: PolicyKind::KeyPolicy, name: "key policy".into(), policy: Arc::new(policy) })
}

impl KeyAccess {
    /// The key's entry, from the cache or the store; a key that does not exist is remembered too.
    pub(super) async fn entry(&self, arn: &KeyArn) -> Result<Option<Arc<KeyEntry>>, KmsError> {
        if let Some(known) = self.keys.get(arn) {
            return Ok(known);
        }
        let ticket = self.keys.ticket(arn);
        let row = self.records.read::<KeyRecord>(&path::key(arn)?).await?;
        if row.is_some() && self.is_quarantined(arn).await? {
            tracing::error!(key = %arn, "the key's rows do not agree with the audit log: it is not used");
            return Err(KmsError::Internal);
        }
        let entry = match row {
            Some(row) => {
                let aliases = self.names_of(arn).await?.map(|row| row.value).unwrap_or_default();
                Some(Arc::new(KeyEntry::new(arn.clone(), row.value, row.stamp, aliases)?))
            }
            None => None,
        };
        self.keys.fill(arn.clone(), ticket, entry.clone());
        Ok(entry)
    }

    /// Whether no change of the key was committed since the entry was read, as far as the cache knows.
    pub(super) fn is_current(&self, entry: &KeyEntry) -> bool {
        self.keys.get(&entry.arn).flatten().is_some_and(|known| known.stamp == entry.stamp)
    }

    /// Writes a key's row in place of the one that was read.
    pub(super) async fn replace(
        &self,
        entry: &KeyEntry,
        record: &KeyRecord,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let draft = self.redraft(self.records.draft()?, entry, record).await?;
        self.commit_key(draft, entry, cause).await
    }
}
