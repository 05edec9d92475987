//! The engine in memory, for tests and `dev --ephemeral`. It keeps nothing when the process ends.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::thread;

use futures_util::future::{BoxFuture, ready};
use futures_util::stream::BoxStream;
use tokio::sync::watch;

use crate::error::{CommitError, StoreError};
use crate::feed::{self, Batch, PROGRESS_INTERVAL};
use crate::path::Path;
use crate::store::{
    Change, ChangeItem, Commit, CommitId, HISTORY_COMMITS, MAX_GET_PATHS, MAX_PAGE_BYTES, MAX_PAGE_ROWS,
    Page, Revision, Row, Snapshot, Store,
};

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
    heartbeat: OnceBeat,
}

#[derive(Default)]
struct Shared {
    rows: Mutex<State>,
    head: watch::Sender<Revision>,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<Path, Row>,
    revision: Revision,
    applied: HashMap<CommitId, Revision>,
    /// Oldest first, at most [`HISTORY_COMMITS`].
    history: VecDeque<Applied>,
}

struct Applied {
    id: CommitId,
    revision: Revision,
    changed: Vec<(Path, Kind)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Put,
    Delete,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        write!(f, "MemoryStore({} rows at revision {})", state.rows.len(), state.revision)
    }
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        if paths.len() > MAX_GET_PATHS {
            return Box::pin(ready(Err(StoreError::TooManyPaths { count: paths.len() })));
        }
        let state = self.shared.state();
        let rows = paths.iter().map(|path| state.rows.get(path).cloned()).collect();
        Box::pin(ready(Ok(Snapshot { rows, revision: state.revision })))
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let page = self.shared.state().scan(prefix, after, limit.clamp(1, MAX_PAGE_ROWS));
        Box::pin(ready(Ok(page)))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        // Applied when awaited, not when called: a commit that is never polled must not happen.
        Box::pin(async move {
            commit.admit()?;
            let revision = self.shared.state().apply(commit)?;
            self.shared.head.send_if_modified(|head| {
                let newer = revision > *head;
                *head = revision.max(*head);
                newer
            });
            Ok(revision)
        })
    }

    fn committed(&self, id: CommitId) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(ready(Ok(self.shared.state().applied.contains_key(&id))))
    }

    fn changes(&self, after: Revision) -> BoxStream<'_, ChangeItem> {
        self.heartbeat.start(&self.shared);
        let fetch = |after| -> BoxFuture<'_, _> { Box::pin(ready(Ok(self.shared.state().changes(after)))) };
        feed::follow(after, self.shared.head.subscribe(), fetch)
    }

    fn forget_deleted(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        // There are no files.
        Box::pin(ready(Ok(())))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code under this lock can panic half-way through a commit.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn scan(&self, prefix: &str, after: Option<&Path>, limit: usize) -> Page {
        let from = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str()),
            Some(_) | None => Bound::Included(prefix),
        };
        let mut found = self.rows.range::<str, _>((from, Bound::Unbounded));
        let mut rows = Vec::new();
        let mut bytes = 0;
        let more = loop {
            match found.next().filter(|(path, _)| path.as_str().starts_with(prefix)) {
                None => break false,
                Some(_) if rows.len() == limit || bytes >= MAX_PAGE_BYTES => break true,
                Some((path, row)) => {
                    bytes += row.value.len();
                    rows.push((path.clone(), row.clone()));
                }
            }
        };
        Page { rows, more, revision: self.revision }
    }

    fn apply(&mut self, commit: Commit) -> Result<Revision, CommitError> {
        if let Some(revision) = self.applied.get(&commit.id) {
            return Ok(*revision);
        }
        let holds = |path: &Path| self.rows.get(path).map(|row| row.revision);
        if !commit.checks.iter().all(|check| check.expect.holds(holds(&check.path))) {
            return Err(CommitError::Conflict);
        }
        let revision = Revision(self.revision.0 + 1);
        self.revision = revision;
        let mut changed = Vec::with_capacity(commit.puts.len() + commit.deletes.len());
        for (path, value) in commit.puts {
            self.rows.insert(path.clone(), Row { value, revision });
            changed.push((path, Kind::Put));
        }
        for path in commit.deletes {
            if self.rows.remove(&path).is_some() {
                changed.push((path, Kind::Delete));
            }
        }
        self.remember(Applied { id: commit.id, revision, changed });
        Ok(revision)
    }

    fn remember(&mut self, applied: Applied) {
        self.applied.insert(applied.id, applied.revision);
        self.history.push_back(applied);
        while self.history.len() as u64 > HISTORY_COMMITS {
            if let Some(oldest) = self.history.pop_front() {
                self.applied.remove(&oldest.id);
            }
        }
    }

    fn changes(&self, after: Revision) -> Batch {
        let oldest = self.history.front().map_or(Revision(1), |oldest| oldest.revision);
        if after > self.revision || after.0 + 1 < oldest.0 {
            return Batch::Forgotten;
        }
        let first = self.history.partition_point(|applied| applied.revision <= after);
        let applied = self.history.range(first..);
        let changes = applied.flat_map(|applied| {
            applied.changed.iter().filter_map(|(path, kind)| self.change(path, *kind, applied.revision))
        });
        Batch::Known { changes: changes.collect(), through: self.revision }
    }

    /// `None` for a put that a later commit replaced.
    fn change(&self, path: &Path, kind: Kind, revision: Revision) -> Option<Change> {
        match kind {
            Kind::Delete => Some(Change::Delete { path: path.clone(), revision }),
            Kind::Put => {
                let row = self.rows.get(path).filter(|row| row.revision == revision)?;
                Some(Change::Put { path: path.clone(), row: row.clone() })
            }
        }
    }
}

/// The thread that says that the feed is alive; started by the first follower, ends with the store.
struct OnceBeat(Once);

impl Default for OnceBeat {
    fn default() -> Self {
        Self(Once::new())
    }
}

impl OnceBeat {
    fn start(&self, shared: &Arc<Shared>) {
        self.0.call_once(|| {
            let shared = Arc::downgrade(shared);
            // Without the thread the feed only looks late, which is the safe direction.
            drop(thread::Builder::new().name("store-beat".to_owned()).spawn(move || beat(&shared)));
        });
    }
}

fn beat(shared: &Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        shared.head.send_modify(|_| ());
        drop(shared);
        thread::sleep(PROGRESS_INTERVAL);
    }
}
