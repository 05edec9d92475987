//! What goes wrong with backups and restores: sentences for the operator.

use std::io;
use std::path::{Path, PathBuf};

use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::keyring::WrappedKeyringError;
use keyreeve_crypto::root_key::{RootKeyError, UnsealKeyringError};
use keyreeve_store::{BackupError, OpenError, StoreError, VerifyError};

/// Why there is no backup, or why it is not used.
#[derive(Debug, thiserror::Error)]
pub enum BackupFileError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A backup never replaces a file.
    #[error("{} exists: a backup never replaces a file", .0.display())]
    Exists(PathBuf),
    /// Not a backup.
    #[error("{} is not a backup of Keyreeve", .0.display())]
    Foreign(PathBuf),
    /// Of a later version.
    #[error("{} has backup format {format}, newer than this release knows: use the newer release", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u8,
    },
    /// Altered or cut.
    #[error("{} is damaged: {what}; use another backup", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        what: String,
    },
    /// The unpacked store cannot be written.
    #[error("cannot write the store that the backup holds: {0}")]
    Unpack(io::Error),
    /// The folder has a deployment already.
    #[error("{} has a deployment already: restore into an empty folder", .0.display())]
    Occupied(PathBuf),
    /// The store could not be copied.
    #[error(transparent)]
    Copy(#[from] BackupError),
    /// The unpacked store is not good.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The unpacked store does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The unpacked store does not read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// The root key does not open.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// The keyring is of another root key.
    #[error(transparent)]
    Unseal(#[from] UnsealKeyringError),
    /// The keyring does not open.
    #[error(transparent)]
    Keyring(#[from] WrappedKeyringError),
    /// No randomness, or no memory.
    #[error("the system gives no randomness or no memory")]
    System(#[from] Unspecified),
}

impl BackupFileError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::AlreadyExists {
            return Self::Exists(path.to_owned());
        }
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, what: &str) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.to_owned() }
    }
}
