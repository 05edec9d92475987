//! What a restored deployment brings back, counted over every row, and the record that an operator accepted it.

use std::collections::BTreeMap;

use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::Path;
use serde::{Deserialize, Serialize};

use super::alias::AliasRecord;
use super::{AuthorizedCall, KeyAccess};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::identity::AccountRecord;
use crate::operations::operator::accept_rollback::AcceptRollback;
use crate::premises::Restored;
use crate::records::path;
use crate::reply::Epoch;
use crate::usage::LastUse;

/// Rows read at once.
const PAGE: usize = 1000;

/// What there is, and how new it is.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inventory {
    accounts: u64,
    aliases: u64,
    /// Keys by their state.
    keys: BTreeMap<String, u64>,
    /// The newest creation, change of an alias or use of a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_change: Option<Epoch>,
    /// Rows that do not open.
    unreadable: u64,
}

/// The row of an accepted roll-back.
#[derive(Debug, Serialize, Deserialize)]
struct RollbackRecord {
    #[serde(flatten)]
    restored: Restored,
    accepted: Timestamp,
    by: String,
}

impl Inventory {
    fn note(&mut self, when: Timestamp) {
        let newest = self.newest_change.map_or(when, |newest| newest.0.max(when));
        self.newest_change = Some(Epoch(newest));
    }

    fn add(&mut self, path: &Path, value: &[u8]) {
        match self.read(path, value) {
            Ok(()) => {}
            Err(_) => self.unreadable += 1,
        }
    }

    fn read(&mut self, path: &Path, value: &[u8]) -> serde_json::Result<()> {
        let mut parts = path.as_str().split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("iam"), Some("account"), Some(_), None) => {
                self.note(serde_json::from_slice::<AccountRecord>(value)?.created);
                self.accounts += 1;
            }
            (Some("kms"), Some(_), Some(_), Some("key")) => {
                let key: KeyRecord = serde_json::from_slice(value)?;
                *self.keys.entry(key.state.to_string()).or_default() += 1;
                self.note(key.created);
            }
            (Some("kms"), Some(_), Some(_), Some("alias")) => {
                self.note(serde_json::from_slice::<AliasRecord>(value)?.updated);
                self.aliases += 1;
            }
            (Some("kms"), Some(_), Some(_), Some("last-usage")) => {
                self.note(serde_json::from_slice::<LastUse>(value)?.at);
            }
            _ => {}
        }
        Ok(())
    }
}

impl AuthorizedCall<AcceptRollback> {
    /// Counts everything.
    pub(crate) async fn inventory(&self, desk: &Desk<'_>) -> Result<Inventory, KmsError> {
        desk.service.keys.inventory().await
    }

    /// Records that the roll-back is accepted; answers the number of the record. One backup is recorded once, so that a
    /// kill before the note of the restore is removed does no harm.
    pub(crate) async fn record_rollback(
        &self,
        desk: &Desk<'_>,
        restored: &Restored,
    ) -> Result<u64, KmsError> {
        let records = &desk.service.keys.records;
        let (mut number, mut after) = (1, None);
        loop {
            let page = records.page::<RollbackRecord>(path::ROLLBACKS_PREFIX, after.as_ref(), PAGE).await?;
            for (_, record) in &page.rows {
                if record.restored == *restored {
                    return Ok(number);
                }
                number += 1;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let by = desk.caller.principal.to_string();
        let record = RollbackRecord { restored: restored.clone(), accepted: desk.now, by };
        let draft = records.draft()?.put(&path::rollback(number)?, None, &record)?;
        records.commit(draft, Cause::Request(desk)).await?;
        Ok(number)
    }
}

impl KeyAccess {
    async fn inventory(&self) -> Result<Inventory, KmsError> {
        let keyring = self.records.keyring();
        let (mut inventory, mut after) = (Inventory::default(), None);
        loop {
            let page = self.records.stored_page(after.as_ref(), PAGE).await?;
            for (path, row) in &page.rows {
                if *path == path::keyring()? {
                    continue;
                }
                match self.records.open_stored(&keyring, path, &row.value) {
                    Some(opened) => inventory.add(path, opened.value.expose_secret()),
                    None => inventory.unreadable += 1,
                }
            }
            match page.rows.into_iter().next_back() {
                Some((path, _)) if page.more => after = Some(path),
                Some(_) | None => return Ok(inventory),
            }
        }
    }
}
