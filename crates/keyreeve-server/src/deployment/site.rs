//! A deployment's folder as the service sees it: root key, backups, and the note of a restore.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use keyreeve_crypto::keyring::Keyring;
use keyreeve_crypto::root_key::{self, RootKey, SlotKind, SlotSecret};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_service::clock::Clock;
use keyreeve_service::premises::{BackupSummary, Premises, PremisesError, Restored};
use keyreeve_store::SqliteStore;

use super::Folder;
use crate::backup;

/// The folder of an opened deployment. It keeps the root key, as the keyring is wrapped under it again at the end of a
/// rotation; it keeps no passphrase.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) folder: Folder,
    /// The key file that unsealed, read again for a rotation.
    pub(super) key_file: PathBuf,
    pub(super) root: RwLock<Arc<RootKey>>,
    pub(super) store: Arc<SqliteStore>,
    pub(super) clock: Arc<dyn Clock>,
}

fn told(error: impl std::error::Error) -> PremisesError {
    PremisesError(error.to_string())
}

impl Site {
    /// Every key file that may open a slot: the one that unsealed, and those that were there when slots were made.
    fn key_files(&self) -> Result<Vec<PathBuf>, PremisesError> {
        let mut files = vec![self.key_file.clone()];
        let slots = root_key::slots(self.folder.path()).map_err(told)?;
        files.extend(slots.into_iter().filter_map(|slot| slot.key_file).map(PathBuf::from));
        files.retain(|file| file.exists());
        files.sort();
        files.dedup();
        Ok(files)
    }
}

impl Premises for Site {
    fn root(&self) -> Arc<RootKey> {
        Arc::clone(&self.root.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn slot_kinds(&self) -> Result<BTreeSet<SlotKind>, PremisesError> {
        let slots = root_key::slots(self.folder.path()).map_err(told)?;
        Ok(slots.into_iter().map(|slot| slot.kind).collect())
    }

    fn begin_rotation(&self, passphrases: &[SecretBytes]) -> Result<Arc<RootKey>, PremisesError> {
        let root = self.root();
        // One that was begun and came to nothing is undone first.
        root_key::settle(self.folder.path(), &root).map_err(told)?;
        let files = self.key_files()?;
        let files = files.iter().map(|file| SlotSecret::KeyFile(file));
        let secrets: Vec<_> = files.chain(passphrases.iter().map(SlotSecret::Passphrase)).collect();
        root_key::begin_rotation(self.folder.path(), &root, &secrets).map(Arc::new).map_err(told)
    }

    fn settle(&self, keep: Arc<RootKey>) -> Result<(), PremisesError> {
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keep);
        root_key::settle(self.folder.path(), &keep).map_err(told)
    }

    fn back_up(
        &self,
        keyring: &Keyring,
        target: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackupSummary, PremisesError> {
        let root = self.root();
        let (folder, now) = (self.folder.path(), self.clock.now());
        let source = backup::Source { folder, store: &self.store, root: &root, keyring, now };
        backup::write(&source, target, progress).map_err(told)
    }

    fn restored(&self) -> Result<Option<Restored>, PremisesError> {
        self.folder.restored().map_err(told)
    }

    fn forget_restored(&self) -> Result<(), PremisesError> {
        match fs::remove_file(self.folder.restored_note()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(told(error)),
            Ok(()) | Err(_) => {
                let folder = fs::File::open(self.folder.path());
                folder.and_then(|folder| folder.sync_all()).map_err(told)
            }
        }
    }
}
