//! Typed rows: what is stored is JSON, sealed with its path, so that the store holds nothing but sealed bytes.

pub(crate) mod coherent;
mod keyring_change;
pub mod path;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::audit::{Cause, Ledger, is_recorded};
use keyreeve_audit::{Entry, WrittenRow};
use keyreeve_crypto::digest::sha256;
use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::error::KmsError;
use keyreeve_store::{Commit, CommitError, CommitId, Expect, Path, Revision, Row, Store};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the rows' layout, bound into every sealed value.
const FORMAT: u8 = 1;

/// Where a row stands in its history: the commit that wrote it, and its number among the values of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    revision: Revision,
    sequence: u64,
}

impl Stamp {
    /// Of a row that is not in this store: nothing can be written in its place.
    pub(crate) const NOWHERE: Self = Self { revision: Revision(0), sequence: 0 };

    /// The commit that wrote the row.
    pub(crate) const fn revision(self) -> Revision {
        self.revision
    }
}

/// A row that was read.
#[derive(Debug, Clone)]
pub struct Stamped<T> {
    /// The value.
    pub value: T,
    /// To be handed back when the row is written again.
    pub stamp: Stamp,
}

/// A page of rows.
#[derive(Debug)]
pub struct PageOf<T> {
    /// The rows.
    pub rows: Vec<(Path, T)>,
    /// Where to go on, while more follow.
    pub next: Option<Path>,
}

pub(crate) use keyring_change::{OpenedRow, Reseal};

/// The store, and the keys that its rows are sealed with.
#[derive(Debug)]
pub struct Records {
    store: Arc<dyn Store>,
    ledger: Arc<Ledger>,
    present: RwLock<Present>,
    /// Held while the stored keyring is being replaced.
    changing: tokio::sync::Mutex<()>,
    /// Whether key material was deleted that the store's files may still hold; also by an earlier process, perhaps.
    unforgotten: AtomicBool,
}

/// The keyring in use.
#[derive(Debug, Clone)]
struct Present {
    keyring: Arc<Keyring>,
    /// The commit that stored it. Every change demands that it is still the stored one: a value that was sealed under
    /// an older keyring can then never be written after the rotation that removes its epoch.
    stored: Option<Revision>,
}

impl Records {
    /// Rows of a store under a keyring; no change without a record in the ledger.
    pub(crate) fn new(store: Arc<dyn Store>, keyring: Keyring, ledger: Arc<Ledger>) -> Self {
        let present = RwLock::new(Present { keyring: Arc::new(keyring), stored: None });
        Self {
            store,
            ledger,
            present,
            changing: tokio::sync::Mutex::new(()),
            unforgotten: AtomicBool::new(true),
        }
    }

    /// The present keyring.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.present().keyring
    }

    fn present(&self) -> Present {
        self.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses another keyring that opens what the stored one opens.
    pub fn set_keyring(&self, keyring: Arc<Keyring>) {
        self.present.write().unwrap_or_else(PoisonError::into_inner).keyring = keyring;
    }

    /// The store itself, for whoever moves sealed bytes as they are (backup, rewrap).
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Reads one row.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`] when the store does not answer; [`KmsError::Internal`] when the row was altered.
    pub async fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<Stamped<T>>, KmsError> {
        let bytes = self.read_bytes(path).await?;
        bytes.map(|row| row.parse(path)).transpose()
    }

    /// Reads one row that is not JSON.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_bytes(&self, path: &Path) -> Result<Option<Stamped<Vec<u8>>>, KmsError> {
        let snapshot =
            self.store.get(std::slice::from_ref(path)).await.map_err(|error| unavailable(&error))?;
        snapshot.rows.into_iter().next().flatten().map(|row| self.open(path, &row)).transpose()
    }

    /// Reads a page of rows: at most `limit`, in the order of their paths, after `after`.
    /// A row that was altered is named in the log and left out, so that the others stay reachable.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`].
    pub async fn page<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&Path>,
        limit: usize,
    ) -> Result<PageOf<T>, KmsError> {
        let page = self.store.scan(prefix, after, limit).await.map_err(|error| unavailable(&error))?;
        let next = page.rows.last().filter(|_| page.more).map(|(path, _)| path.clone());
        let rows = page.rows.into_iter().filter_map(|(path, row)| {
            let parsed = self.open(&path, &row).and_then(|bytes| bytes.parse(&path)).ok()?;
            Some((path, parsed.value))
        });
        Ok(PageOf { rows: rows.collect(), next })
    }

    fn open(&self, path: &Path, row: &Row) -> Result<Stamped<Vec<u8>>, KmsError> {
        let opened = self.keyring().open_record(path.as_str(), &row.value).map_err(|_| {
            tracing::error!(%path, "a stored row was altered, or belongs to another root key: it is not used");
            KmsError::Internal
        })?;
        if opened.format != FORMAT {
            tracing::error!(%path, format = opened.format, "a stored row has an unknown format");
            return Err(KmsError::Internal);
        }
        let stamp = Stamp { revision: row.revision, sequence: opened.sequence };
        Ok(Stamped { value: opened.value.expose_secret().to_vec(), stamp })
    }

    /// Begins a change.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when there is no randomness.
    pub fn draft(&self) -> Result<Draft, KmsError> {
        let mut id = [0; 16];
        keyreeve_crypto::random::fill(&mut id).map_err(|_| KmsError::Internal)?;
        let Present { keyring, stored } = self.present();
        let mut commit = Commit::new(CommitId::new(id));
        if let Some(revision) = stored {
            commit = commit.check(path::keyring()?, Expect::Revision(revision));
        }
        Ok(Draft { commit, keyring })
    }

    /// Commits a change with the record of its cause; answers once it is durable.
    ///
    /// # Errors
    /// [`KmsError::Conflict`] when a row is not as the draft expects: resolve again and start over.
    /// [`KmsError::DependencyTimeout`] when the store is not available, or the outcome stays unknown.
    pub(crate) async fn commit(&self, draft: Draft, cause: Cause<'_>) -> Result<(), KmsError> {
        let rows = draft.written();
        let deletes_material = draft.commit.deletes.iter().any(|path| path::material_slot(path).is_some());
        if rows.is_empty() {
            return self.apply(draft.commit).await.map(drop);
        }
        let mut entry = Entry { rows, ..self.ledger.entry(cause)? };
        let place = path::outbox(entry.id)?;
        let draft = draft.with_outbox_row(&place, &entry)?;
        let outcome = self.apply(draft.commit).await;
        if deletes_material {
            self.unforgotten.store(true, Ordering::Release);
        }
        match outcome {
            Ok(revision) => {
                let revision = match revision {
                    Some(revision) => revision,
                    None => self.revision(&place).await?.ok_or(KmsError::Internal)?,
                };
                entry.rows.iter_mut().for_each(|row| row.1 = revision.0);
                self.ledger.committed(cause, entry).await;
                Ok(())
            }
            Err(error) => {
                if error == KmsError::DependencyTimeout {
                    self.ledger.uncertain(cause, entry.id);
                }
                Err(error)
            }
        }
    }

    /// Makes the files of the store forget key material that was deleted, if some was. Answers once it is so.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`]; it is tried again with the next call.
    pub(crate) async fn forget_deleted_material(&self) -> Result<(), KmsError> {
        if !self.unforgotten.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        self.forget_replaced().await
    }

    /// Makes the files of the store forget all that was deleted or replaced. Answers once it is so.
    ///
    /// # Errors
    /// As [`Self::forget_deleted_material`].
    pub(crate) async fn forget_replaced(&self) -> Result<(), KmsError> {
        self.store.forget_deleted().await.map_err(|error| {
            self.unforgotten.store(true, Ordering::Release);
            unavailable(&error)
        })
    }

    /// Commits without a record: what the audit itself stores.
    pub(crate) async fn commit_unrecorded(&self, draft: Draft) -> Result<(), KmsError> {
        self.apply(draft.commit).await.map(drop)
    }

    /// The commit that wrote a row, which is not opened.
    async fn revision(&self, place: &Path) -> Result<Option<Revision>, KmsError> {
        let snapshot =
            self.store.get(std::slice::from_ref(place)).await.map_err(|error| unavailable(&error))?;
        Ok(snapshot.rows.into_iter().next().flatten().map(|row| row.revision))
    }

    /// Whether there is such a row, be it altered or not.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`].
    pub(crate) async fn holds(&self, place: &Path) -> Result<bool, KmsError> {
        Ok(self.revision(place).await?.is_some())
    }

    /// Adds to a draft that a row goes, if it is there, whatever it holds: one that was altered must not stay for ever.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`].
    pub(crate) async fn remove(&self, mut draft: Draft, place: &Path) -> Result<Draft, KmsError> {
        if let Some(revision) = self.revision(place).await? {
            draft.commit =
                draft.commit.delete(place.clone()).check(place.clone(), Expect::Revision(revision));
        }
        Ok(draft)
    }

    /// The revision is not known after an outcome that had to be asked for.
    async fn apply(&self, commit: Commit) -> Result<Option<Revision>, KmsError> {
        let id = commit.id;
        match self.store.commit(commit).await {
            Ok(revision) => Ok(Some(revision)),
            Err(CommitError::Conflict) => {
                // Whoever starts over while the keyring is being replaced would only conflict again.
                drop(self.changing.lock().await);
                Err(KmsError::Conflict)
            }
            Err(error @ CommitError::Unknown { .. }) => {
                tracing::warn!(%error, "asking the store whether a commit was applied");
                self.settle(id).await.map(|()| None)
            }
            Err(CommitError::Unavailable { reason }) => {
                tracing::error!(%reason, "a change was refused");
                Err(KmsError::DependencyTimeout)
            }
            Err(error @ (CommitError::TooLarge { .. } | CommitError::WrittenTwice { .. })) => {
                tracing::error!(%error, "a change does not fit the store");
                Err(KmsError::Internal)
            }
        }
    }

    async fn settle(&self, id: CommitId) -> Result<(), KmsError> {
        for attempt in 0..SETTLE_ATTEMPTS {
            match self.store.committed(id).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(KmsError::DependencyTimeout),
                Err(error) => tracing::warn!(%error, attempt, "the store does not tell yet"),
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
        Err(KmsError::DependencyTimeout)
    }
}

const SETTLE_ATTEMPTS: u32 = 20;
const SETTLE_PAUSE: Duration = Duration::from_millis(50);

fn unavailable(error: &keyreeve_store::StoreError) -> KmsError {
    match error {
        keyreeve_store::StoreError::Unavailable { reason } => tracing::error!(%reason, "a read was refused"),
        keyreeve_store::StoreError::TooManyPaths { count } => {
            tracing::error!(count, "a read asks for too many rows")
        }
    }
    KmsError::DependencyTimeout
}

impl Stamped<Vec<u8>> {
    fn parse<T: DeserializeOwned>(&self, path: &Path) -> Result<Stamped<T>, KmsError> {
        let value = serde_json::from_slice(&self.value).map_err(|error| {
            tracing::error!(%path, %error, "a stored row does not parse");
            KmsError::Internal
        })?;
        Ok(Stamped { value, stamp: self.stamp })
    }
}

/// A change that is being put together. Every row that it writes is checked to be as it was read.
#[derive(Debug)]
pub struct Draft {
    commit: Commit,
    keyring: Arc<Keyring>,
}

impl Draft {
    /// The keyring that this change seals with: what is wrapped beforehand must be wrapped by it.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Whether it changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.commit.puts.is_empty() && self.commit.deletes.is_empty()
    }

    /// What it writes, for the record; revisions are known once it is committed.
    fn written(&self) -> Vec<WrittenRow> {
        let puts =
            self.commit.puts.iter().map(|(path, sealed)| {
                WrittenRow(path.as_str().to_owned(), 0, Some(hex::encode(sha256(sealed))))
            });
        let deletes = self.commit.deletes.iter().map(|path| WrittenRow(path.as_str().to_owned(), 0, None));
        puts.chain(deletes).filter(|row| is_recorded(&row.0)).collect()
    }

    /// With its record; the path is nobody else's.
    fn with_outbox_row(mut self, place: &Path, entry: &Entry) -> Result<Self, KmsError> {
        let payload = entry.to_payload();
        let sealed = self.keyring.seal_record(place.as_str(), FORMAT, 1, &payload);
        self.commit = self.commit.put(place.clone(), sealed.map_err(|_| KmsError::Internal)?);
        Ok(self)
    }

    /// Writes a row: a new one where `before` is `None`, else in place of the one that was read.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when it cannot be sealed.
    pub fn put(self, path: &Path, before: Option<Stamp>, value: &impl Serialize) -> Result<Self, KmsError> {
        let json = serde_json::to_vec(value).map_err(|_| KmsError::Internal)?;
        self.put_bytes(path, before, &json)
    }

    /// As [`Self::put`], for a row that is not JSON.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn put_bytes(mut self, path: &Path, before: Option<Stamp>, value: &[u8]) -> Result<Self, KmsError> {
        let sequence = before.map_or(1, |stamp| stamp.sequence + 1);
        let sealed = self
            .keyring
            .seal_record(path.as_str(), FORMAT, sequence, value)
            .map_err(|_| KmsError::Internal)?;
        self.commit = self.commit.put(path.clone(), sealed);
        Ok(self.expect(path, before))
    }

    /// Removes a row that was read.
    pub fn delete(mut self, path: &Path, before: Stamp) -> Self {
        self.commit = self.commit.delete(path.clone());
        self.expect(path, Some(before))
    }

    /// Removes a row that nobody else changes, if it is there.
    pub(crate) fn discard(mut self, path: &Path) -> Self {
        self.commit = self.commit.delete(path.clone());
        self
    }

    /// Demands that a row is still as it was read, or still absent, without writing it.
    pub fn expect(mut self, path: &Path, before: Option<Stamp>) -> Self {
        let expect = before.map_or(Expect::Absent, |stamp| Expect::Revision(stamp.revision));
        self.commit = self.commit.check(path.clone(), expect);
        self
    }
}
