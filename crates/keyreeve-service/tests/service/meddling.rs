//! A store that meddles with commits, and that forgets what was deleted only when it is let.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use keyreeve_store::{
    ChangeItem, Commit, CommitError, CommitId, MemoryStore, Page, Path, Revision, Snapshot, Store, StoreError,
};
use tokio::sync::Semaphore;

use crate::rig::Rig;

/// What happens before a commit is applied.
pub(crate) type Meanwhile = BoxFuture<'static, ()>;
/// Looks at a commit, may change it, and answers what happens first.
type Meddle = Box<dyn FnMut(&mut Commit) -> Option<Meanwhile> + Send>;

pub(crate) struct Meddling {
    inner: Arc<MemoryStore>,
    meddle: Mutex<Option<Meddle>>,
    walks: AtomicUsize,
    ends: Semaphore,
}

impl std::fmt::Debug for Meddling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meddling").finish_non_exhaustive()
    }
}

impl Meddling {
    /// A service over such a store.
    pub(crate) fn rig() -> (Rig, Arc<Self>) {
        let mut kept = None;
        let rig = Rig::over(|inner| {
            let (meddle, walks, ends) = (Mutex::new(None), AtomicUsize::new(0), Semaphore::new(0));
            let store = Arc::new(Self { inner, meddle, walks, ends });
            kept = Some(Arc::clone(&store));
            store
        });
        (rig, kept.unwrap())
    }

    /// From now on each commit is meddled with; nothing that happens meanwhile is.
    pub(crate) fn meddle(&self, meddle: impl FnMut(&mut Commit) -> Option<Meanwhile> + Send + 'static) {
        *self.meddle.lock().unwrap() = Some(Box::new(meddle));
    }

    /// How often it was asked to forget what was deleted.
    pub(crate) fn walks(&self) -> usize {
        self.walks.load(Ordering::SeqCst)
    }

    /// From now on it forgets at once.
    pub(crate) fn let_forget(&self) {
        self.ends.close();
    }
}

impl Store for Meddling {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        self.inner.get(paths)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, mut commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            let meddle = self.meddle.lock().unwrap().take();
            if let Some(mut meddle) = meddle {
                if let Some(meanwhile) = meddle(&mut commit) {
                    meanwhile.await;
                }
                *self.meddle.lock().unwrap() = Some(meddle);
            }
            self.inner.commit(commit).await
        })
    }

    fn committed(&self, id: CommitId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.inner.committed(id)
    }

    fn changes(&self, after: Revision) -> BoxStream<'_, ChangeItem> {
        self.inner.changes(after)
    }

    fn forget_deleted(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.walks.fetch_add(1, Ordering::SeqCst);
            // Closed is all that it ever becomes.
            drop(self.ends.acquire().await);
            Ok(())
        })
    }
}
