//! Why a deployment does not open: sentences for the operator, which say what to do next.

use std::path::PathBuf;

use keyreeve_audit::JournalError;
use keyreeve_audit::retention::RetentionError;
use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::keyring::WrappedKeyringError;
use keyreeve_crypto::root_key::{RootKeyError, UnsealKeyringError};
use keyreeve_model::error::KmsError;
use keyreeve_store::{CommitError, OpenError, StoreError};

/// Why a deployment does not open.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The folder cannot be made.
    #[error("cannot make the folder {}: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Nothing was made in the folder yet.
    #[error("there is no deployment in {}: make one with `keyreeve init`", .0.display())]
    NotInitialised(PathBuf),
    /// It was restored from a backup.
    #[error(
        "{path} was restored from a backup, so that everything since that backup is gone: see what comes back and accept \
         it with `keyreeve accept-rollback --data {path}`",
        path = .0.display()
    )]
    RolledBack(PathBuf),
    /// The store has a keyring, and what would open it is gone.
    #[error("{} has a store and no root.json, without which nothing in it opens: put root.json back from a backup", .0.display())]
    EnvelopeMissing(PathBuf),
    /// The store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A read of the store.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// A write of the store.
    #[error(transparent)]
    Write(#[from] CommitError),
    /// The root key's envelope.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// The keyring does not belong to the root key.
    #[error(transparent)]
    Unseal(#[from] UnsealKeyringError),
    /// The keyring does not open.
    #[error(transparent)]
    Keyring(#[from] WrappedKeyringError),
    /// A new keyring did not read back as it was written.
    #[error("the store does not give back what was written to it: check the disk")]
    KeyringReadsBack,
    /// No randomness, or no memory.
    #[error("the system gives no randomness or no memory")]
    System(#[from] Unspecified),
    /// The audit log: nothing is served without it.
    #[error(transparent)]
    Audit(#[from] JournalError),
    /// A purge of the audit log that a crash interrupted is not finished.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// A rule of the service.
    #[error(transparent)]
    Service(KmsError),
}
