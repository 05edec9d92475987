//! The embedded engine: one SQLite database in WAL mode, one writing thread with group commit, a few reading
//! threads. All of its file I/O is SQLite's, but for the `LOCK` file, the making of empty files, and what
//! `forget.rs` does to make deleted rows unreadable. SQLite's promises: <https://www.sqlite.org/wal.html>.

mod apply;
mod backup;
#[cfg(test)]
mod fault;
mod forget;
mod link;
mod open;
mod read;
mod readers;
mod reason;
mod residue;
mod schema;
mod site;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use futures_util::future::{BoxFuture, ready};
use futures_util::stream::BoxStream;
use tokio::sync::{Semaphore, oneshot};

pub use self::backup::{BackupError, Verified, VerifyError, verify};
use self::link::{Link, Opened, Role};
pub use self::open::{OpenError, OpenOptions};
use self::readers::Readers;
use self::writer::{Job, Pending, Writer};
use crate::error::{CommitError, Reason, StoreError};
use crate::feed;
use crate::path::Path;
use crate::store::{ChangeItem, Commit, CommitId, MAX_GET_PATHS, Page, Revision, Snapshot, Store};

/// The most commits that wait for the writer; further callers wait outside. Bounds memory at 128 MiB.
const MAX_WAITING: usize = 256;

/// A store in a directory, open and locked until it is dropped. Dropping waits for the commits that were
/// handed over.
pub struct SqliteStore {
    opened: Arc<Opened>,
    // Before the writer: its last checkpoint wants no readers.
    readers: Option<Readers>,
    jobs: Option<Sender<Job>>,
    places: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens a store. Blocks for the disk; needs no async runtime.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do.
    pub fn open(options: OpenOptions) -> Result<Self, OpenError> {
        let opened = open::open(options)?;
        let failed = |error| reason::system(&error, opened.site.database());
        let readers = Readers::start(&opened).map_err(failed)?;
        let (jobs, receiver) = channel();
        let mut link = Link::new(Arc::clone(&opened), Role::Writer);
        link.ready()?;
        let writer = Writer::new(link, receiver);
        let thread = thread::Builder::new().name("store-writer".to_owned());
        let writer = thread.spawn(move || writer.run()).map_err(failed)?;
        let places = Arc::new(Semaphore::new(MAX_WAITING));
        Ok(Self { opened, readers: Some(readers), jobs: Some(jobs), places, writer: Some(writer) })
    }

    /// Writes a consistent copy of the store to a new file, while it is served, and verifies it. Blocks: call
    /// it on a thread of its own. `progress` is told pages done and in all. The copy is complete and durable,
    /// or absent; placed as `store.db` in a directory of its own it opens as a store.
    ///
    /// # Errors
    /// [`BackupError`] says what failed; an existing file is never replaced.
    pub fn backup_to(
        &self,
        target: &path::Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Verified, BackupError> {
        backup::write(&self.opened, target, progress)
    }

    fn send(&self, job: Job) -> Result<(), Reason> {
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or(Reason::Stopping)
    }

    async fn hand_over(&self, commit: Commit) -> Result<Revision, CommitError> {
        commit.admit()?;
        let stopping = |_| CommitError::Unavailable { reason: Reason::Stopping };
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(stopping)?;
        let (reply, answer) = oneshot::channel();
        let pending = Pending { commit, reply, _place: place };
        self.send(Job::Commit(pending)).map_err(|reason| CommitError::Unavailable { reason })?;
        // A writer that ended without an answer had the commit already.
        answer.await.unwrap_or(Err(CommitError::Unknown { reason: Reason::Stopping }))
    }

    fn read<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        match &self.readers {
            Some(readers) => readers.read(work),
            None => Box::pin(ready(Err(StoreError::Unavailable { reason: Reason::Stopping }))),
        }
    }
}

impl Store for SqliteStore {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        if paths.len() > MAX_GET_PATHS {
            return Box::pin(ready(Err(StoreError::TooManyPaths { count: paths.len() })));
        }
        let paths = paths.to_vec();
        self.read(move |connection| read::get(connection, &paths))
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let (from, to) = read::range(prefix, after);
        self.read(move |connection| read::scan(connection, &from, &to, limit))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(self.hand_over(commit))
    }

    fn committed(&self, id: CommitId) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.send(Job::Committed(id, reply)).map_err(|reason| StoreError::Unavailable { reason })?;
            answer.await.unwrap_or(Err(StoreError::Unavailable { reason: Reason::Stopping }))
        })
    }

    fn changes(&self, after: Revision) -> BoxStream<'_, ChangeItem> {
        let fetch = |after| self.read(move |connection| read::changes(connection, after));
        feed::follow(after, self.opened.head.subscribe(), fetch)
    }

    fn forget_deleted(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let stopping = |_| StoreError::Unavailable { reason: Reason::Stopping };
            let (reply, answer) = oneshot::channel();
            self.send(Job::Forget(reply)).map_err(|reason| StoreError::Unavailable { reason })?;
            answer.await.map_err(stopping)
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.readers = None;
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = *self.opened.head.borrow();
        write!(f, "SqliteStore({} at revision {head})", self.opened.site.directory().display())
    }
}
