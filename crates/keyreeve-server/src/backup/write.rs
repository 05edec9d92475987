//! Writing a backup: under another name, synced, read back and verified, and only then under its own.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use keyreeve_crypto::keyring::Keyring;
use keyreeve_crypto::root_key::{ENVELOPE_NAME, RootKey};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::premises::BackupSummary;
use keyreeve_store::SqliteStore;

use super::BackupFileError;
use super::container::{CHUNK_BYTES, Container, Header, MAGIC, Manifest, hex_digest, hex_of, write_section};
use super::scratch::Scratch;

/// What is backed up.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) store: &'a SqliteStore,
    pub(crate) root: &'a RootKey,
    pub(crate) keyring: &'a Keyring,
    pub(crate) now: Timestamp,
}

/// Writes a backup to a new file. `progress` is told bytes done and in all: copied, sealed and read back.
///
/// # Errors
/// [`BackupFileError`]; there is then no file.
pub(crate) fn write(
    source: &Source<'_>,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<BackupSummary, BackupFileError> {
    if target.symlink_metadata().is_ok() {
        return Err(BackupFileError::Exists(target.to_owned()));
    }
    let id = hex::encode(keyreeve_crypto::random::array::<16>()?);
    let copy = Scratch::at(beside(target, &format!("{id}.store")));
    let copied = source.store.backup_to(copy.path(), &mut |done, all| {
        progress(done, all.saturating_mul(3));
    })?;
    let (store_sha256, store_bytes) = hash_file(copy.path())?;
    let header = header(source, id)?;
    let header_json = serde_json::to_vec(&header).map_err(|_| keyreeve_crypto::error::Unspecified)?;
    let manifest = Manifest {
        backup_id: header.backup_id.clone(),
        backed_up: source.now,
        kind: copied.kind,
        revision: copied.revision.0,
        rows: copied.rows,
        header_sha256: hex_digest(&header_json),
        root_json_sha256: hex_digest(header.root_json.as_bytes()),
        keyring_sha256: header
            .wrapped_keyring()
            .map(|keyring| hex_digest(keyring.as_bytes()))
            .unwrap_or_default(),
        store_sha256,
        store_bytes,
    };
    let unfinished = Scratch::at(beside(target, &format!("{}.unfinished", header.backup_id)));
    let all = store_bytes.saturating_mul(3);
    seal(source, copy.path(), &header_json, &manifest, unfinished.path(), &mut |done| {
        progress(store_bytes + done, all);
    })?;
    let written = Container::open(unfinished.path())?;
    let bytes = written.bytes();
    let read_back = written.unpack(source.keyring, &mut std::io::sink(), &mut |done, _| {
        progress(2 * store_bytes + done, all);
    })?;
    if read_back != manifest {
        return Err(BackupFileError::damaged(unfinished.path(), "it did not read back as it was written"));
    }
    publish(unfinished.path(), target)?;
    Ok(BackupSummary {
        backup_id: manifest.backup_id,
        revision: manifest.revision,
        rows: manifest.rows,
        bytes,
    })
}

fn header(source: &Source<'_>, backup_id: String) -> Result<Header, BackupFileError> {
    let envelope = source.folder.join(ENVELOPE_NAME);
    let root_json =
        fs::read_to_string(&envelope).map_err(|error| BackupFileError::io("read", &envelope, error))?;
    let keyring = hex::encode(source.keyring.wrap(source.root)?.as_bytes());
    Ok(Header { backup_id, root_json, keyring })
}

fn hash_file(path: &Path) -> Result<(String, u64), BackupFileError> {
    let failed = |error| BackupFileError::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut bytes, mut buffer) = (Context::new(&SHA256), 0, vec![0; CHUNK_BYTES]);
    loop {
        let len = file.read(&mut buffer).map_err(failed)?;
        let Some(chunk) = buffer.get(..len).filter(|chunk| !chunk.is_empty()) else {
            return Ok((hex_of(&hash.finish()), bytes));
        };
        hash.update(chunk);
        bytes += len as u64;
    }
}

/// Writes and syncs the whole file.
fn seal(
    source: &Source<'_>,
    copy: &Path,
    header: &[u8],
    manifest: &Manifest,
    path: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupFileError> {
    let failed = |error| BackupFileError::io("write", path, error);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let mut file = BufWriter::new(file);
    let len = u32::try_from(header.len()).map_err(std::io::Error::other).map_err(failed)?;
    file.write_all(MAGIC).and_then(|()| file.write_all(&len.to_be_bytes())).map_err(failed)?;
    file.write_all(header).map_err(failed)?;
    let id = &manifest.backup_id;
    let json = serde_json::to_vec(manifest).map_err(std::io::Error::other).map_err(failed)?;
    write_section(&mut file, source.keyring, id, 0, &json).map_err(failed)?;
    let mut store = File::open(copy).map_err(|error| BackupFileError::io("read", copy, error))?;
    let mut done = 0;
    for number in 1.. {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let limit = CHUNK_BYTES as u64;
        (&mut store)
            .take(limit)
            .read_to_end(&mut chunk)
            .map_err(|error| BackupFileError::io("read", copy, error))?;
        if chunk.is_empty() {
            break;
        }
        write_section(&mut file, source.keyring, id, number, &chunk).map_err(failed)?;
        done += chunk.len() as u64;
        progress(done);
    }
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}

/// Gives the file its name, durably. A link, unlike a rename, fails when the name was taken meanwhile.
fn publish(unfinished: &Path, target: &Path) -> Result<(), BackupFileError> {
    let failed = |error| BackupFileError::io("create", target, error);
    fs::hard_link(unfinished, target).map_err(failed)?;
    fs::remove_file(unfinished).map_err(failed)?;
    sync_folder_of(target).map_err(failed)
}

/// Makes a name durable.
pub(super) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn beside(target: &Path, suffix: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    PathBuf::from(name)
}
