//! Retention: closed segments are purged by age and by total size, after an export where one is wanted. A signed
//! tombstone at the tip of the log stands for what is gone, so that the chain verifies from the first segment that is
//! left; `rows-base-….rows` keeps the last word on every row of the store that the purged segments held.
//!
//! A purge in order, so that a crash anywhere loses nothing: the export, the rows and `purge-….json` (with the tombstone)
//! are durable; the tombstone is durable in the log; only then files are deleted. What a crash left is finished, or
//! taken back, by [`resume`].

mod plan;
mod purge;
mod record;
#[cfg(test)]
mod tests;
mod tombstone;

pub use plan::{Policy, plan};
pub use purge::{Purge, purge, resume};
pub use record::{PurgeRecord, base, purge_name};
pub use tombstone::{PurgedSegment, RowsBase, Tombstone, rows_base_name};

use crate::journal::JournalError;

/// Why segments were not purged.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The log itself could not be written or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file could not be read, written or deleted.
    #[error("audit segments could not be purged: {0}")]
    File(#[from] std::io::Error),
    /// What is there does not fit together: nothing is deleted.
    #[error("audit segments are not purged: {0}; run `keyreeve audit verify`")]
    Unfit(String),
}
