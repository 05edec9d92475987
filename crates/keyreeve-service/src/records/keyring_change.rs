//! Replacing the stored keyring, and sealing rows anew under it. Neither changes what a row means.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use keyreeve_crypto::keyring::{Keyring, WrappedKeyring};
use keyreeve_crypto::root_key::RootKey;
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::{Commit, CommitError, CommitId, Expect, Page, Path, Revision, Row};

use crate::audit::Cause;

use super::{FORMAT, Present, Records, path, unavailable};

/// Pause between two attempts to learn what the store holds.
const LEARN_PAUSE: Duration = Duration::from_millis(100);

/// A row that is to be replaced by the same value under newer keys.
#[derive(Debug)]
pub(crate) struct Reseal {
    pub(crate) path: Path,
    /// The commit that wrote the row as it was read; a later one wins.
    pub(crate) read_at: Revision,
    pub(crate) sealed: Vec<u8>,
}

/// What a row holds, and its number among the values of its path.
#[derive(Debug)]
pub(crate) struct OpenedRow {
    pub(crate) value: keyreeve_crypto::secret::SecretBytes,
    sequence: u64,
}

impl Records {
    /// Says which commit stored the present keyring: from now on every change demands that it is still there.
    pub fn anchor(&self, stored: Revision) {
        self.present.write().unwrap_or_else(PoisonError::into_inner).stored = Some(stored);
    }

    /// Whether the keyring is stored at all: not in a deployment that lives in memory.
    pub(crate) fn is_anchored(&self) -> bool {
        self.present().stored.is_some()
    }

    /// Stores a keyring in place of the present one, wrapped under this root key; checks what was stored, then uses
    /// `used`, which opens at least as much.
    ///
    /// # Errors
    /// After every error the present keyring is still the stored one.
    pub(crate) async fn replace_keyring(
        &self,
        next: &Keyring,
        used: Arc<Keyring>,
        root: &RootKey,
    ) -> Result<(), KmsError> {
        let changing = self.changing.lock().await;
        let Some(stored) = self.present().stored else { return Err(KmsError::Internal) };
        let wrapped = next.wrap(root).map_err(|_| KmsError::Internal)?;
        let id = CommitId::new(keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?);
        let commit = Commit::new(id)
            .check(path::keyring()?, Expect::Revision(stored))
            .put(path::keyring()?, wrapped.as_bytes().to_vec());
        match self.store.commit(commit).await {
            Ok(_) => {}
            Err(CommitError::Unknown { .. }) if self.was_applied(id).await => {}
            Err(CommitError::Conflict) => return Err(KmsError::Conflict),
            Err(error) => {
                tracing::error!(%error, "the keyring was not replaced");
                return Err(KmsError::DependencyTimeout);
            }
        }
        let row = self.learn_stored_keyring().await?;
        if !next.is_wrapped_in(root, &WrappedKeyring::from_bytes(row.value.to_vec())) {
            tracing::error!(
                "the store does not give back the keyring that was written to it: check the disk"
            );
            return Err(KmsError::Internal);
        }
        *self.present.write().unwrap_or_else(PoisonError::into_inner) =
            Present { keyring: used, stored: Some(row.revision) };
        drop(changing);
        Ok(())
    }

    /// Nothing may be sealed before it is known which keyring is stored, so this waits as long as it takes.
    async fn was_applied(&self, id: CommitId) -> bool {
        loop {
            match self.store.committed(id).await {
                Ok(applied) => return applied,
                Err(error) => tracing::warn!(%error, "waiting for the store to tell which keyring it holds"),
            }
            tokio::time::sleep(LEARN_PAUSE).await;
        }
    }

    async fn learn_stored_keyring(&self) -> Result<Row, KmsError> {
        let place = path::keyring()?;
        loop {
            match self.store.get(std::slice::from_ref(&place)).await {
                Ok(snapshot) => return snapshot.rows.into_iter().next().flatten().ok_or(KmsError::Internal),
                Err(error) => tracing::warn!(%error, "waiting for the store to tell which keyring it holds"),
            }
            tokio::time::sleep(LEARN_PAUSE).await;
        }
    }

    /// A page of all rows as they are stored.
    pub(crate) async fn stored_page(&self, after: Option<&Path>, limit: usize) -> Result<Page, KmsError> {
        self.stored_below("", after, limit).await
    }

    /// A page of the rows below a prefix as they are stored.
    pub(crate) async fn stored_below(
        &self,
        prefix: &str,
        after: Option<&Path>,
        limit: usize,
    ) -> Result<Page, KmsError> {
        self.store.scan(prefix, after, limit).await.map_err(|error| unavailable(&error))
    }

    /// The paths of the first `limit` rows below a prefix.
    pub(crate) async fn paths_below(&self, prefix: &str, limit: usize) -> Result<Vec<Path>, KmsError> {
        let (mut paths, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.scan(prefix, after.as_ref(), limit).await;
            let page = page.map_err(|error| unavailable(&error))?;
            paths.extend(page.rows.into_iter().map(|(path, _)| path));
            if !page.more || paths.len() >= limit {
                return Ok(paths);
            }
            after = paths.last().cloned();
        }
    }

    /// The path of the first row below a prefix that comes after `after`.
    pub(crate) async fn first_below(
        &self,
        prefix: &str,
        after: Option<&Path>,
    ) -> Result<Option<Path>, KmsError> {
        let page = self.store.scan(prefix, after, 1).await.map_err(|error| unavailable(&error))?;
        Ok(page.rows.into_iter().next().map(|(path, _)| path))
    }

    /// SHA-256 of a row as it is stored, in hex.
    pub(crate) async fn stored_hash(&self, path: &Path) -> Result<Option<String>, KmsError> {
        let snapshot =
            self.store.get(std::slice::from_ref(path)).await.map_err(|error| unavailable(&error))?;
        let row = snapshot.rows.into_iter().next().flatten();
        Ok(row.map(|row| hex::encode(keyreeve_crypto::digest::sha256(&row.value))))
    }

    /// Opens a row as it is stored; `None` when it was altered.
    pub(crate) fn open_stored(&self, keyring: &Keyring, path: &Path, sealed: &Bytes) -> Option<OpenedRow> {
        let opened = keyring.open_record(path.as_str(), sealed).ok()?;
        (opened.format == FORMAT).then_some(OpenedRow { value: opened.value, sequence: opened.sequence })
    }

    /// Seals a value anew for the row that it was read from; its number stays, as it is the same value.
    pub(crate) fn seal_again(
        &self,
        keyring: &Keyring,
        path: &Path,
        row: &OpenedRow,
        value: &[u8],
    ) -> Result<Vec<u8>, KmsError> {
        let seal = || keyring.seal_record(path.as_str(), FORMAT, row.sequence, value);
        let sealed = seal().map_err(|_| KmsError::Internal)?;
        // The old bytes are about to be overwritten for good.
        match keyring.open_record(path.as_str(), &sealed) {
            Ok(opened) if opened.value.expose_secret() == value => Ok(sealed),
            Ok(_) | Err(_) => Err(KmsError::Internal),
        }
    }

    /// Writes rows that were sealed anew, all or none.
    ///
    /// # Errors
    /// [`KmsError::Conflict`] when one of them was written meanwhile.
    pub(crate) async fn write_again(&self, rows: &[Reseal], now: Timestamp) -> Result<(), KmsError> {
        let mut draft = self.draft()?;
        for row in rows {
            draft.commit = draft
                .commit
                .check(row.path.clone(), Expect::Revision(row.read_at))
                .put(row.path.clone(), row.sealed.clone());
        }
        self.commit(draft, Cause::Upkeep(now)).await
    }
}
