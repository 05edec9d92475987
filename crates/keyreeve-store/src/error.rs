//! What can go wrong in a store. The text of an error is fit for a client; the reason inside is for the
//! operator only, as it names files and causes.

use std::path::PathBuf;

use crate::path::Path;
use crate::store::{MAX_COMMIT_BYTES, MAX_GET_PATHS, MAX_OPERATIONS, MAX_VALUE_BYTES};

/// Why a read was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot answer now. It recovers by itself when the cause is gone.
    #[error("the store is unavailable")]
    Unavailable {
        /// For logs and operators, never for clients.
        reason: Reason,
    },
    /// More than [`MAX_GET_PATHS`] paths in one `get`.
    #[error("{count} paths are more than the {MAX_GET_PATHS} that one read may ask for")]
    TooManyPaths {
        /// How many were asked for.
        count: usize,
    },
}

/// Why a commit was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A check did not hold. Read again and decide anew.
    #[error("a row was not as the commit expected")]
    Conflict,
    /// The commit was not applied, as the store cannot write now. It recovers by itself when the cause is
    /// gone.
    #[error("the store is unavailable")]
    Unavailable {
        /// For logs and operators, never for clients.
        reason: Reason,
    },
    /// Nobody can tell yet whether the commit was applied: ask `committed` with its id.
    #[error("the outcome of the commit is unknown")]
    Unknown {
        /// For logs and operators, never for clients.
        reason: Reason,
    },
    /// The commit exceeds a limit of every engine.
    #[error("the commit is too large: {excess}")]
    TooLarge {
        /// The limit, and by what it was exceeded.
        excess: Excess,
    },
    /// A path is put or deleted more than once.
    #[error("the commit writes a row twice")]
    WrittenTwice {
        /// The path.
        path: Path,
    },
}

/// Which limit a commit exceeds, with the number found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// Checks, puts and deletes.
    #[error("{0} operations, limit {MAX_OPERATIONS}")]
    Operations(usize),
    /// Bytes of all paths and values.
    #[error("{0} bytes, limit {MAX_COMMIT_BYTES}")]
    CommitBytes(usize),
    /// Bytes of one value.
    #[error("a value of {0} bytes, limit {MAX_VALUE_BYTES}")]
    ValueBytes(usize),
}

/// Why an engine cannot serve: an operator's sentence, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// No space left.
    #[error("no space is left for {}: free some, the store goes on by itself; nothing acknowledged is lost", .path.display())]
    DiskFull {
        /// The database.
        path: PathBuf,
    },
    /// The file system or the file cannot be written.
    #[error("{} is read-only: make it writable, the store goes on by itself", .path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The database, its log or their directory is not there.
    #[error("{} has vanished: put it back (mount its file system), the store goes on by itself", .path.display())]
    Vanished {
        /// What is missing.
        path: PathBuf,
    },
    /// Another store, or an older copy of this one, lies in the place of the store that was opened.
    #[error("{} was replaced while it was served: put the right one back, or restart to serve this one", .path.display())]
    Replaced {
        /// The database.
        path: PathBuf,
    },
    /// The database's content is malformed.
    #[error("{} is damaged (SQLite code {code}): stop, keep a copy, restore a backup", .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// SQLite's extended result code.
        code: i32,
    },
    /// Another process holds the database's own lock for too long.
    #[error("{} is locked by another program: end it, the store goes on by itself", .path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// Any other failure of reading or writing.
    #[error("{} cannot be read or written (SQLite code {code}): see the system log, the store tries again", .path.display())]
    Io {
        /// The database.
        path: PathBuf,
        /// SQLite's extended result code, or the system's error number.
        code: i32,
    },
    /// A write failed half-way, and the disk has not let the engine settle it yet.
    #[error("a failed write to {} is not settled yet: see the errors before, the store goes on by itself", .path.display())]
    Unsettled {
        /// The database.
        path: PathBuf,
    },
    /// The engine is shutting down.
    #[error("the store is stopping")]
    Stopping,
}
