//! What the service asks of the deployment around it: its root key, and backups. The files and secrets are the
//! deployment's affair; `keyreeve-server` implements this.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use keyreeve_crypto::keyring::Keyring;
use keyreeve_crypto::root_key::{RootKey, SlotKind};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Why the deployment does not do it: a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PremisesError(pub String);

/// What a finished backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupSummary {
    /// Its random name, 32 hexadecimal digits.
    pub backup_id: String,
    /// The newest commit in it.
    pub revision: u64,
    /// How many rows it has.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
}

/// That the deployment was made from a backup, as `restore` noted it beside the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// Name of the backup.
    pub backup_id: String,
    /// When the backup was written.
    pub backed_up: Timestamp,
    /// The newest commit in it.
    pub revision: u64,
    /// When it was restored.
    pub restored: Timestamp,
}

/// A deployment's root key and files. Every method may block: the service calls them on threads of their own.
pub trait Premises: Send + Sync + Debug + 'static {
    /// The root key that the stored keyring is wrapped under.
    fn root(&self) -> Arc<RootKey>;

    /// What opens the root key now, each kind once.
    ///
    /// # Errors
    /// [`PremisesError`].
    fn slot_kinds(&self) -> Result<BTreeSet<SlotKind>, PremisesError>;

    /// Makes the next root key and puts it into every slot beside the present one. The passphrases are those of the
    /// slots that no key file opens.
    ///
    /// # Errors
    /// [`PremisesError`]; the present root key is then in force alone.
    fn begin_rotation(&self, passphrases: &[SecretBytes]) -> Result<Arc<RootKey>, PremisesError>;

    /// Keeps this root key and drops the other one of a rotation.
    ///
    /// # Errors
    /// [`PremisesError`]; the next start settles.
    fn settle(&self, keep: Arc<RootKey>) -> Result<(), PremisesError>;

    /// Writes a backup to a new file and verifies it. `progress` is told bytes done and in all.
    ///
    /// # Errors
    /// [`PremisesError`]; there is then no file.
    fn back_up(
        &self,
        keyring: &Keyring,
        target: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackupSummary, PremisesError>;

    /// The backup that the deployment was made from, as long as nobody accepted the roll-back.
    ///
    /// # Errors
    /// [`PremisesError`].
    fn restored(&self) -> Result<Option<Restored>, PremisesError>;

    /// Forgets the note of the restore: an operator accepted it, and that is stored.
    ///
    /// # Errors
    /// [`PremisesError`].
    fn forget_restored(&self) -> Result<(), PremisesError>;
}
