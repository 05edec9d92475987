//! A store that counts what goes through it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use keyreeve_store::{
    ChangeItem, Commit, CommitError, CommitId, Page, Path, Revision, Snapshot, Store, StoreError,
};
use prometheus_client::metrics::counter::Counter;

/// What a store counts. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct StoreCounts {
    /// Commits that were acknowledged.
    pub commits: Counter,
    /// Commits refused because a check failed.
    pub conflicts: Counter,
    /// Reads that went to the engine.
    pub reads: Counter,
}

/// A store with counters.
#[derive(Debug)]
pub(crate) struct CountedStore {
    store: Arc<dyn Store>,
    counts: StoreCounts,
}

impl CountedStore {
    /// Counts what goes through `store`.
    pub(crate) const fn new(store: Arc<dyn Store>, counts: StoreCounts) -> Self {
        Self { store, counts }
    }
}

impl Store for CountedStore {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        self.counts.reads.inc();
        self.store.get(paths)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.counts.reads.inc();
        self.store.scan(prefix, after, limit)
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            let outcome = self.store.commit(commit).await;
            match &outcome {
                Ok(_) => drop(self.counts.commits.inc()),
                Err(CommitError::Conflict) => drop(self.counts.conflicts.inc()),
                Err(
                    CommitError::Unavailable { .. }
                    | CommitError::Unknown { .. }
                    | CommitError::TooLarge { .. }
                    | CommitError::WrittenTwice { .. },
                ) => {}
            }
            outcome
        })
    }

    fn committed(&self, id: CommitId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.store.committed(id)
    }

    fn changes(&self, after: Revision) -> BoxStream<'_, ChangeItem> {
        self.store.changes(after)
    }

    fn forget_deleted(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.forget_deleted()
    }
}
