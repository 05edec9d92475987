//! An ordered key-value store with compare-and-commit: bytes in, bytes out.
//!
//! [`Store`] is the interface, [`MemoryStore`] and [`SqliteStore`] are engines. This crate knows no noun of
//! Keyreeve; values arrive sealed, so nothing here is secret.
#![forbid(unsafe_code)]

#[cfg(test)]
mod conformance;
mod error;
mod feed;
mod memory;
mod path;
mod sqlite;
mod store;

pub use error::{CommitError, Excess, Reason, StoreError};
pub use feed::PROGRESS_INTERVAL;
pub use memory::MemoryStore;
pub use path::{MAX_PATH_BYTES, Path, PathError};
pub use sqlite::{BackupError, OpenError, OpenOptions, SqliteStore, Verified, VerifyError, verify};
pub use store::{
    Change, ChangeItem, Check, Commit, CommitId, Expect, HISTORY_COMMITS, MAX_COMMIT_BYTES, MAX_GET_PATHS,
    MAX_OPERATIONS, MAX_PAGE_BYTES, MAX_PAGE_ROWS, MAX_VALUE_BYTES, Page, Revision, Row, Snapshot, Store,
};
