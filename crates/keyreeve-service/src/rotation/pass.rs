//! One pass over every row, or over all key material: those of old epochs are sealed anew, under the check that nobody wrote them meanwhile.

use std::time::{Duration, Instant};

use keyreeve_crypto::keyring::{Keyring, Purpose, epoch_of_record};
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::{MAX_COMMIT_BYTES, Path, Row};

use super::{Rotation, RotationStatus};
use crate::identity::Identity;
use crate::key_access::KeyAccess;
use crate::records::path;
use crate::records::{OpenedRow, Records, Reseal};

/// Rows read at once.
const PAGE_ROWS: usize = 200;
/// Rows written in one commit: each costs two operations, and the keyring one, of the 96 that a store takes.
const BATCH_ROWS: usize = 32;
/// Bytes written in one commit; a path is part of it twice.
const BATCH_BYTES: usize = MAX_COMMIT_BYTES / 2;
/// The least pause after a commit; else it lasts as long as the commit did, so that requests keep half of the store.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// What a pass found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Rows that were not under the newest keys: sealed anew, or written by somebody else meanwhile.
    pub(super) old: u64,
    /// Rows that do not open.
    pub(super) unreadable: u64,
    /// It was broken off.
    pub(super) cut: bool,
}

/// Which rows a pass looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All.
    Everything,
    /// Those that domain keys wrap something in.
    Materials,
}

impl Scope {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Everything => "",
            Self::Materials => path::KMS_PREFIX,
        }
    }

    fn includes(self, path: &Path) -> bool {
        self == Self::Everything || path::material_slot(path).is_some()
    }
}

/// What is to be done with a row.
enum Judged {
    Current,
    Old(Reseal),
    Unreadable,
}

impl Rotation {
    /// Looks at every row of the scope once, until it is told to stop.
    pub(super) async fn pass(
        &self,
        scope: Scope,
        (records, keys): (&Records, &KeyAccess),
        now: Timestamp,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Found, KmsError> {
        let keyring = records.keyring();
        let (mut found, mut after) = (Found::default(), None);
        self.tell(scope, |status| status.rows_done = 0);
        loop {
            if stop() {
                return Ok(Found { cut: true, ..found });
            }
            let page = records.stored_below(scope.prefix(), after.as_ref(), PAGE_ROWS).await?;
            let rows = page.rows.len() as u64;
            let mut old = Vec::new();
            for (path, row) in page.rows.iter().filter(|(path, _)| scope.includes(path)) {
                match judge(records, keys, &keyring, path, row).await? {
                    Judged::Current => {}
                    Judged::Old(reseal) => old.push(reseal),
                    // It was deleted, and its key with it.
                    Judged::Unreadable if records.stored_hash(path).await?.is_none() => {}
                    Judged::Unreadable => {
                        tracing::error!(%path, "a stored row was altered: it cannot be sealed under the new keys");
                        found.unreadable += 1;
                    }
                }
            }
            found.old += old.len() as u64;
            let written = self.write_all(records, old, now).await?;
            self.tell(scope, |status| {
                status.rows_sealed += written;
                status.rows_done += rows;
                status.rows_total = status.rows_total.max(status.rows_done);
            });
            match page.rows.into_iter().next_back() {
                Some((path, _)) if page.more => after = Some(path),
                Some(_) | None => return Ok(found),
            }
        }
    }

    /// How many rows there are, for the progress.
    pub(super) async fn count(records: &Records) -> Result<u64, KmsError> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = records.stored_page(after.as_ref(), usize::MAX).await?;
            count += page.rows.len() as u64;
            match page.rows.into_iter().next_back() {
                Some((path, _)) if page.more => after = Some(path),
                Some(_) | None => return Ok(count),
            }
        }
    }

    /// What operators are told is how far the rotation of the root key is.
    fn tell(&self, scope: Scope, change: impl FnOnce(&mut RotationStatus)) {
        if scope == Scope::Everything {
            self.board.write(change);
        }
    }

    async fn write_all(&self, records: &Records, rows: Vec<Reseal>, now: Timestamp) -> Result<u64, KmsError> {
        let mut written = 0;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_ROWS), 0);
            while let Some(row) = rows.next_if(|row| {
                let more = bytes + row.sealed.len() + 2 * row.path.as_str().len();
                batch.is_empty() || (batch.len() < BATCH_ROWS && more <= BATCH_BYTES)
            }) {
                bytes += row.sealed.len() + 2 * row.path.as_str().len();
                batch.push(row);
            }
            let begun = Instant::now();
            written += write_batch(records, &batch, now).await?;
            tokio::time::sleep(begun.elapsed().max(PAUSE_MIN)).await;
        }
        Ok(written)
    }
}

/// Writes a batch; where somebody wrote one of its rows meanwhile, the others one by one. His row is the newer one, and
/// under the newest keys already.
async fn write_batch(records: &Records, batch: &[Reseal], now: Timestamp) -> Result<u64, KmsError> {
    match records.write_again(batch, now).await {
        Ok(()) => return Ok(batch.len() as u64),
        Err(KmsError::Conflict) => {}
        Err(error) => return Err(error),
    }
    let mut written = 0;
    for row in batch {
        match records.write_again(std::slice::from_ref(row), now).await {
            Ok(()) => written += 1,
            Err(KmsError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

async fn judge(
    records: &Records,
    keys: &KeyAccess,
    keyring: &Keyring,
    path: &Path,
    row: &Row,
) -> Result<Judged, KmsError> {
    // The keyring is sealed by the root key.
    if *path == path::keyring()? {
        return Ok(Judged::Current);
    }
    let (Some(opened), Ok(epoch)) =
        (records.open_stored(keyring, path, &row.value), epoch_of_record(&row.value))
    else {
        return Ok(Judged::Unreadable);
    };
    let rewrapped = match rewrap(keys, keyring, path, &opened).await {
        Ok(rewrapped) => rewrapped,
        Err(KmsError::Internal) => return Ok(Judged::Unreadable),
        Err(error) => return Err(error),
    };
    if rewrapped.is_none() && epoch == keyring.active_epoch(Purpose::Record).number {
        return Ok(Judged::Current);
    }
    let value = rewrapped.as_deref().unwrap_or_else(|| opened.value.expose_secret());
    let sealed = records.seal_again(keyring, path, &opened, value)?;
    Ok(Judged::Old(Reseal { path: path.clone(), read_at: row.revision, sealed }))
}

/// The value of a row that holds something wrapped of its own, under the newest keys; `None` where it is already, and
/// for every other row.
async fn rewrap(
    keys: &KeyAccess,
    keyring: &Keyring,
    path: &Path,
    opened: &OpenedRow,
) -> Result<Option<Vec<u8>>, KmsError> {
    let value = opened.value.expose_secret();
    if let Some(slot) = path::material_slot(path) {
        return keys.rewrap(keyring, &slot, value).await;
    }
    if let Some(id) = path.as_str().strip_prefix(path::ACCESS_KEYS_PREFIX) {
        return Identity::rewrap(keyring, id, value).map_err(|_| KmsError::Internal);
    }
    if path.as_str().starts_with(path::SESSION_TOKEN_KEYS_PREFIX) {
        return crate::identity::session_token_key::rewrap(keyring, path, value)
            .map_err(|_| KmsError::Internal);
    }
    let own = [path::TRANSPORT_KEYS_PREFIX, path::CERTIFICATES_PREFIX];
    if own.iter().any(|prefix| path.as_str().starts_with(prefix)) {
        return crate::regions::rewrap(keyring, path, value).map_err(|_| KmsError::Internal);
    }
    Ok(None)
}
