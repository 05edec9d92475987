//! Backups: one sealed file that holds a deployment as it was at one commit, and the way back.

mod container;
mod error;
mod restore;
mod scratch;
mod write;

pub use container::Manifest;
pub use error::BackupFileError;
pub use restore::{Checked, restore, verify};
pub(crate) use write::{Source, write};
