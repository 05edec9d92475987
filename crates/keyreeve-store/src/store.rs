//! The interface of every storage engine: five verbs over rows of bytes. It knows no noun of Keyreeve and no
//! engine; what a path means and how a value is sealed is decided above it.

use std::fmt::{self, Debug};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::error::{CommitError, Excess, StoreError};
use crate::path::Path;

/// The most operations (checks, puts and deletes together) in one commit. etcd takes 128 by default; the rest
/// is for what an engine adds itself, such as the commit id.
pub const MAX_OPERATIONS: usize = 96;
/// The most bytes (of paths and values) in one commit.
pub const MAX_COMMIT_BYTES: usize = 512 * 1024;
/// The most bytes in one value.
pub const MAX_VALUE_BYTES: usize = 256 * 1024;
/// The most paths in one `get`.
pub const MAX_GET_PATHS: usize = 96;
/// The most rows in one page of a scan; a larger limit is read as this one.
pub const MAX_PAGE_ROWS: usize = 1_000;
/// A page ends after the row that brings its values to this many bytes, so that a scan uses bounded memory.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// At least so many of the newest commits have their ids and changes remembered by an engine.
pub const HISTORY_COMMITS: u64 = 10_000;

/// A point in a store's history. It increases by at least one with every commit; 0 is the empty store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A stored value.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The bytes as they were put.
    pub value: Bytes,
    /// The revision of the commit that last wrote the row.
    pub revision: Revision,
}

// Values are sealed, yet long: their size is all that a log may want.
impl Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({} bytes at revision {})", self.value.len(), self.revision)
    }
}

/// The answer of [`Store::get`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// One entry a path, in the order asked; `None` where there is no row.
    pub rows: Vec<Option<Row>>,
    /// The store's revision at which all rows were read.
    pub revision: Revision,
}

/// The answer of [`Store::scan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Rows in bytewise order of their paths.
    pub rows: Vec<(Path, Row)>,
    /// Whether rows follow the last one. Then scan again after it.
    pub more: bool,
    /// The store's revision at which the page was read.
    pub revision: Revision,
}

/// What a commit demands of a row before it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is no row.
    Absent,
    /// There is a row, whatever its revision.
    Present,
    /// There is a row, last written at this revision.
    Revision(Revision),
}

impl Expect {
    /// Whether a row with this revision (`None`: no row) is as expected.
    #[must_use]
    pub fn holds(self, found: Option<Revision>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::Revision(revision) => found == Some(revision),
        }
    }
}

/// One demand of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The row in question.
    pub path: Path,
    /// What it must be like.
    pub expect: Expect,
}

/// Names a commit. Its caller draws 16 random bytes, so that an unknown outcome can be settled by
/// [`Store::committed`] and a repeated commit is not applied twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommitId([u8; 16]);

impl CommitId {
    /// Takes 16 bytes that no other commit uses.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A change of several rows, applied as a whole or not at all.
#[derive(Clone, PartialEq, Eq)]
pub struct Commit {
    /// Unique to this commit.
    pub id: CommitId,
    /// All must hold, or the commit is a [`CommitError::Conflict`]. A path may be checked and written.
    pub checks: Vec<Check>,
    /// Rows to write, whether they exist or not.
    pub puts: Vec<(Path, Bytes)>,
    /// Rows to remove. Removing an absent row changes nothing.
    pub deletes: Vec<Path>,
}

impl Commit {
    /// A commit without operations.
    #[must_use]
    pub const fn new(id: CommitId) -> Self {
        Self { id, checks: Vec::new(), puts: Vec::new(), deletes: Vec::new() }
    }

    /// Adds a check.
    #[must_use]
    pub fn check(mut self, path: Path, expect: Expect) -> Self {
        self.checks.push(Check { path, expect });
        self
    }

    /// Adds a put.
    #[must_use]
    pub fn put(mut self, path: Path, value: impl Into<Bytes>) -> Self {
        self.puts.push((path, value.into()));
        self
    }

    /// Adds a delete.
    #[must_use]
    pub fn delete(mut self, path: Path) -> Self {
        self.deletes.push(path);
        self
    }

    /// The number of checks, puts and deletes.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.checks.len() + self.puts.len() + self.deletes.len()
    }

    /// The bytes of all paths and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let checks = self.checks.iter().map(|check| check.path.as_str().len());
        let puts = self.puts.iter().map(|(path, value)| path.as_str().len() + value.len());
        let deletes = self.deletes.iter().map(|path| path.as_str().len());
        checks.chain(puts).chain(deletes).sum()
    }

    /// Holds the commit against the limits that are the same in every engine. Engines call it first.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`]; [`CommitError::WrittenTwice`] when a path is put or deleted more than once,
    /// as then the outcome would depend on an order that not every engine keeps.
    pub fn admit(&self) -> Result<(), CommitError> {
        if self.operations() > MAX_OPERATIONS {
            return Err(CommitError::TooLarge { excess: Excess::Operations(self.operations()) });
        }
        if let Some(bytes) = self.puts.iter().map(|(_, value)| value.len()).find(|len| *len > MAX_VALUE_BYTES)
        {
            return Err(CommitError::TooLarge { excess: Excess::ValueBytes(bytes) });
        }
        if self.bytes() > MAX_COMMIT_BYTES {
            return Err(CommitError::TooLarge { excess: Excess::CommitBytes(self.bytes()) });
        }
        let mut written: Vec<&Path> = self.puts.iter().map(|(path, _)| path).chain(&self.deletes).collect();
        written.sort_unstable();
        let twice = written.iter().zip(written.iter().skip(1)).find(|(path, next)| path == next);
        twice.map_or(Ok(()), |(path, _)| Err(CommitError::WrittenTwice { path: Path::clone(path) }))
    }
}

impl Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let puts: Vec<_> = self.puts.iter().map(|(path, value)| (path, value.len())).collect();
        f.debug_struct("Commit")
            .field("id", &self.id)
            .field("checks", &self.checks)
            .field("puts", &puts)
            .field("deletes", &self.deletes)
            .finish()
    }
}

/// One row that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The row was written.
    Put {
        /// Where.
        path: Path,
        /// Its value and the commit that wrote it.
        row: Row,
    },
    /// The row was removed.
    Delete {
        /// Where.
        path: Path,
        /// The commit that removed it.
        revision: Revision,
    },
}

impl Change {
    /// The row that changed.
    #[must_use]
    pub const fn path(&self) -> &Path {
        match self {
            Self::Put { path, .. } | Self::Delete { path, .. } => path,
        }
    }

    /// The revision of the commit that changed it.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        match self {
            Self::Put { row, .. } => row.revision,
            Self::Delete { revision, .. } => *revision,
        }
    }
}

/// One item of [`Store::changes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeItem {
    /// A row changed.
    Changed(Change),
    /// Every change up to and including this revision was delivered. Comes after the changes of a commit, and
    /// at least every [`crate::PROGRESS_INTERVAL`] while the engine is well: its absence means a feed that
    /// lags.
    Progress(Revision),
    /// The changes after the revision asked for are no longer known, or the store is older than that
    /// revision. Scan, then ask for the changes after the scan's revision. The stream ends.
    Resync,
    /// The engine cannot read its changes. Ask again after the last progress. The stream ends.
    Failed(StoreError),
}

/// An ordered key-value store with compare-and-commit. All engines answer alike: the tests in `conformance`
/// say so.
pub trait Store: Send + Sync + Debug + 'static {
    /// Reads rows, all at one revision that is not older than any commit acknowledged before the call.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::TooManyPaths`] for more than [`MAX_GET_PATHS`] of them.
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>>;

    /// Reads the rows whose paths begin with the bytes of `prefix` ("" is every row) and come after `after`,
    /// which need not exist nor begin with the prefix, in bytewise order: at most `limit` of them (1 to
    /// [`MAX_PAGE_ROWS`], anything else is read as the nearest of these), and fewer when the page reaches
    /// [`MAX_PAGE_BYTES`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// Applies a commit when all its checks hold, and answers once it is durable. A commit whose id is among
    /// the remembered ones was applied already: it is not applied again, and its revision is answered.
    ///
    /// A caller that drops the future early has an unknown outcome, as with [`CommitError::Unknown`].
    ///
    /// # Errors
    /// After every error but [`CommitError::Unknown`] the commit was not applied, and never will be.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>>;

    /// Whether the commit with this id was applied. The answer is final for every commit that was handed over
    /// before this call, and reaches back at least [`HISTORY_COMMITS`] commits.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while that cannot be told.
    fn committed(&self, id: CommitId) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Follows the changes of all commits after a revision, in the order of commits, without end. A change
    /// that a later one of the same row replaced may be left out; the latest change of every row comes.
    fn changes(&self, after: Revision) -> BoxStream<'_, ChangeItem>;

    /// Makes the engine's files forget what rows held that were replaced or deleted before this call: its logs,
    /// its free space, older versions. Answers once that is so. Nothing else waits for it, and it may wait for
    /// others: for a backup that is being written, say. It goes on when the future is dropped, and calls that
    /// come together are done together.
    ///
    /// What the file system and the disk keep of bytes that were overwritten is beyond any engine.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store stops before it is done: then ask again after the next start.
    fn forget_deleted(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
