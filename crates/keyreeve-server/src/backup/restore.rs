//! From a backup to a deployment: everything is verified in a folder of its own before anything takes its place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use keyreeve_crypto::keyring::{Keyring, WrappedKeyring};
use keyreeve_crypto::root_key::{ENVELOPE_NAME, RootKey};
use keyreeve_service::clock::Clock;
use keyreeve_service::premises::Restored;
use keyreeve_store::{MAX_PAGE_ROWS, OpenOptions as StoreOptions, SqliteStore, Store as _};

use super::BackupFileError;
use super::container::{Container, Manifest};
use super::scratch::Scratch;
use super::write::sync_folder_of;
use crate::deployment::{Folder, Unsealing};

/// A backup of which everything was opened.
#[derive(Debug)]
pub struct Checked {
    /// What it holds.
    pub manifest: Manifest,
    /// Paths of rows that do not open: they were altered before the backup was written.
    pub unreadable: Vec<String>,
}

/// Opens every section of a backup, then every row of the store in it.
///
/// # Errors
/// [`BackupFileError`] says what does not hold.
pub async fn verify(
    file: &Path,
    unsealing: &Unsealing,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked, BackupFileError> {
    let container = Container::open(file)?;
    let place = std::env::temp_dir().join(unique("keyreeve-verify")?);
    let scratch =
        Scratch::folder(place.clone()).map_err(|error| BackupFileError::io("make", &place, error))?;
    unpack(container, scratch.path(), unsealing, progress).await
}

/// Makes the deployment of a folder from a backup. It does not serve before an operator accepted the roll-back.
///
/// # Errors
/// [`BackupFileError`]; the folder then has no deployment.
pub async fn restore(
    file: &Path,
    folder: &Folder,
    unsealing: &Unsealing,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked, BackupFileError> {
    let target = folder.path();
    // A restore that was interrupted left its note and no root.json: it is begun anew.
    let interrupted = folder.restored_note().exists() && !folder.is_initialised();
    if folder.is_initialised() || (folder.store().exists() && !interrupted) {
        return Err(BackupFileError::Occupied(target.to_owned()));
    }
    let container = Container::open(file)?;
    let failed = |action| move |error| BackupFileError::io(action, target, error);
    DirBuilder::new().recursive(true).mode(0o700).create(target).map_err(failed("make"))?;
    let staged = Scratch::folder(target.join(unique(".restoring")?)).map_err(failed("write in"))?;
    let checked = unpack(container, staged.path(), unsealing, progress).await?;
    let manifest = &checked.manifest;
    let note = Restored {
        backup_id: manifest.backup_id.clone(),
        backed_up: manifest.backed_up,
        revision: manifest.revision,
        restored: clock.now(),
    };
    // The note comes first and root.json last, so that nothing serves what is half restored or not accepted.
    let json = serde_json::to_vec_pretty(&note).map_err(|_| keyreeve_crypto::error::Unspecified)?;
    write_file(&folder.restored_note(), &json)?;
    if interrupted && folder.store().exists() {
        fs::remove_dir_all(folder.store()).map_err(failed("clear"))?;
    }
    let staged = Folder::new(staged.path().to_owned());
    fs::rename(staged.store(), folder.store()).map_err(failed("write in"))?;
    sync_folder_of(&folder.restored_note()).map_err(failed("sync"))?;
    fs::rename(staged.path().join(ENVELOPE_NAME), target.join(ENVELOPE_NAME)).map_err(failed("write in"))?;
    sync_folder_of(&folder.restored_note()).map_err(failed("sync"))?;
    Ok(checked)
}

fn unique(name: &str) -> Result<String, BackupFileError> {
    Ok(format!("{name}-{}", hex::encode(keyreeve_crypto::random::array::<8>()?)))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), BackupFileError> {
    let failed = |error| BackupFileError::io("write", path, error);
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = open.map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}

/// Unpacks a backup into an empty folder and opens every row of it.
async fn unpack(
    container: Container,
    into: &Path,
    unsealing: &Unsealing,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked, BackupFileError> {
    let folder = Folder::new(into.to_owned());
    write_file(&into.join(ENVELOPE_NAME), container.header.root_json.as_bytes())?;
    let damaged = BackupFileError::damaged(into, "its header has no keyring");
    let wrapped = container.header.wrapped_keyring().ok_or(damaged)?;
    let root = unsealing.unseal(&folder)?.for_keyring(&wrapped)?;
    let keyring = Keyring::unwrap(&root, &wrapped)?;
    DirBuilder::new().mode(0o700).create(folder.store()).map_err(BackupFileError::Unpack)?;
    let database = folder.store().join("store.db");
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&database);
    let mut sink = BufWriter::new(open.map_err(BackupFileError::Unpack)?);
    let manifest = container.unpack(&keyring, &mut sink, progress)?;
    let file = sink.into_inner().map_err(|error| BackupFileError::Unpack(error.into_error()))?;
    file.sync_all().map_err(BackupFileError::Unpack)?;
    let verified = keyreeve_store::verify(&database)?;
    if (verified.revision.0, verified.rows) != (manifest.revision, manifest.rows) {
        return Err(BackupFileError::damaged(&database, "the store is not the one of the manifest"));
    }
    let kind = manifest.kind.clone();
    let store = SqliteStore::open(StoreOptions { path: folder.store(), create: false, kind })?;
    let unreadable = open_every_row(&store, &root).await?;
    drop(store);
    File::open(folder.store()).and_then(|folder| folder.sync_all()).map_err(BackupFileError::Unpack)?;
    Ok(Checked { manifest, unreadable })
}

/// Opens every row under the keyring that the store itself holds, as the deployment will. Rows that do not open were
/// altered before the backup: they are named, and keep nobody from the others.
async fn open_every_row(store: &SqliteStore, root: &RootKey) -> Result<Vec<String>, BackupFileError> {
    let damaged = |what: &str| BackupFileError::damaged(Path::new("the store in it"), what);
    let place = keyreeve_service::records::path::keyring().map_err(|_| damaged("its keyring has no path"))?;
    let row = store.get(std::slice::from_ref(&place)).await?.rows.into_iter().next().flatten();
    let wrapped = row.ok_or_else(|| damaged("it has no keyring"))?.value.to_vec();
    let keyring = Keyring::unwrap(root, &WrappedKeyring::from_bytes(wrapped))?;
    let (mut unreadable, mut after) = (Vec::new(), None);
    loop {
        let page = store.scan("", after.as_ref(), MAX_PAGE_ROWS).await?;
        for (path, row) in &page.rows {
            if *path != place && keyring.open_record(path.as_str(), &row.value).is_err() {
                unreadable.push(path.to_string());
            }
        }
        match page.rows.into_iter().next_back() {
            Some((path, _)) if page.more => after = Some(path),
            Some(_) | None => return Ok(unreadable),
        }
    }
}
