//! A store whose process is killed between two commits: from then on it neither reads nor writes. What it committed is
//! there for the next process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use keyreeve_store::{
    ChangeItem, Commit, CommitError, CommitId, MemoryStore, Page, Path, Reason, Revision, Snapshot, Store,
    StoreError,
};

#[derive(Debug)]
pub(crate) struct MortalStore {
    inner: Arc<MemoryStore>,
    commits: AtomicU64,
    /// It takes no more commits than this.
    last: AtomicU64,
}

impl MortalStore {
    pub(crate) fn over(inner: Arc<MemoryStore>) -> Self {
        Self { inner, commits: AtomicU64::new(0), last: AtomicU64::new(u64::MAX) }
    }

    /// It dies after so many more commits.
    pub(crate) fn die_after(&self, commits: u64) {
        self.last.store(self.commits.load(Ordering::SeqCst) + commits, Ordering::SeqCst);
    }

    /// It lives on, if it still does.
    pub(crate) fn spare(&self) {
        if !self.is_dead() {
            self.last.store(u64::MAX, Ordering::SeqCst);
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.commits.load(Ordering::SeqCst) >= self.last.load(Ordering::SeqCst)
    }

    fn lives(&self) -> Result<(), StoreError> {
        if self.is_dead() { Err(StoreError::Unavailable { reason: Reason::Stopping }) } else { Ok(()) }
    }
}

impl Store for MortalStore {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        Box::pin(async move {
            self.lives()?;
            self.inner.get(paths).await
        })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            self.lives()?;
            self.inner.scan(prefix, after, limit).await
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            if self.is_dead() {
                return Err(CommitError::Unavailable { reason: Reason::Stopping });
            }
            let done = self.inner.commit(commit).await?;
            self.commits.fetch_add(1, Ordering::SeqCst);
            Ok(done)
        })
    }

    fn committed(&self, id: CommitId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.inner.committed(id)
    }

    fn changes(&self, after: Revision) -> BoxStream<'_, ChangeItem> {
        self.inner.changes(after)
    }

    fn forget_deleted(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.forget_deleted()
    }
}
