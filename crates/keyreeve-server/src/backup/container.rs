//! The file of a backup: what stands where, and reading it.
//!
//! ```text
//!  0  "keyreeve-backup", format 1 | 16  length of the header, u32 | header, JSON
//!  then sections: length, u32 | sealed under the backup key of the header's keyring, bound to backup id and number
//!    0  the manifest, JSON | 1…  the store (a SQLite database), 1 MiB each
//! ```
//!
//! Big-endian. The header is no secret: root key and keyring are wrapped. It is authenticated by its hash in the
//! manifest. An old backup opens with the secret of its own time, whatever was rotated since.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use keyreeve_crypto::keyring::{Keyring, WrappedKeyring};
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::BackupFileError;

/// First bytes of the file; the last is the format.
pub(super) const MAGIC: &[u8; 16] = b"keyreeve-backup\x01";
/// Bytes of the store in one section.
pub(super) const CHUNK_BYTES: usize = 1024 * 1024;
/// A sealed section is longer than its content by less than this.
const SEAL_BYTES_MAX: usize = 128;
/// A longer header is none of ours: an envelope has at most 1 MiB.
const HEADER_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// What is needed to open the rest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// Random, 32 hexadecimal digits.
    pub(super) backup_id: String,
    /// `root.json`, as it was.
    pub(super) root_json: String,
    /// The wrapped keyring, in hexadecimal digits.
    pub(super) keyring: String,
}

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the backup.
    pub backup_id: String,
    /// When it was written.
    pub backed_up: Timestamp,
    /// `dev` or `serve`.
    pub kind: String,
    /// The newest commit in it.
    pub revision: u64,
    /// How many rows the store has.
    pub rows: u64,
    /// SHA-256 of the header.
    pub header_sha256: String,
    /// SHA-256 of `root.json`.
    pub root_json_sha256: String,
    /// SHA-256 of the wrapped keyring.
    pub keyring_sha256: String,
    /// SHA-256 of the store.
    pub store_sha256: String,
    /// Size of the store.
    pub store_bytes: u64,
}

/// A backup that is being read: its header was parsed, and nothing is authenticated yet.
#[derive(Debug)]
pub(super) struct Container {
    path: PathBuf,
    file: BufReader<File>,
    bytes: u64,
    pub(super) header: Header,
    header_sha256: String,
}

/// Writes a section.
pub(super) fn write_section(
    file: &mut impl Write,
    keyring: &Keyring,
    id: &str,
    number: u64,
    content: &[u8],
) -> io::Result<()> {
    let sealed = keyring.seal_backup(id, number, content).map_err(io::Error::other)?;
    let len = u32::try_from(sealed.len()).map_err(io::Error::other)?;
    file.write_all(&len.to_be_bytes())?;
    file.write_all(&sealed)
}

impl Header {
    pub(super) fn wrapped_keyring(&self) -> Option<WrappedKeyring> {
        hex::decode(&self.keyring).ok().map(WrappedKeyring::from_bytes)
    }
}

impl Container {
    /// Reads magic and header.
    pub(super) fn open(path: &Path) -> Result<Self, BackupFileError> {
        let failed = |error| BackupFileError::io("read", path, error);
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let mut file = BufReader::new(file);
        let foreign = || BackupFileError::Foreign(path.to_owned());
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic).map_err(|_| foreign())?;
        match (magic.split_last(), MAGIC.split_last()) {
            (Some((format, name)), Some((known, ours))) if name == ours => {
                if format > known {
                    return Err(BackupFileError::Newer { path: path.to_owned(), format: *format });
                }
            }
            _ => return Err(foreign()),
        }
        let damaged = || BackupFileError::damaged(path, "its header does not parse");
        let len = read_length(&mut file).map_err(|_| damaged())?;
        if len > HEADER_BYTES_MAX {
            return Err(damaged());
        }
        let header = read_exactly(&mut file, len as usize).map_err(|_| damaged())?;
        let header_sha256 = hex_digest(&header);
        let header = serde_json::from_slice(&header).map_err(|_| damaged())?;
        Ok(Self { path: path.to_owned(), file, bytes, header, header_sha256 })
    }

    /// Size of the file.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Authenticates everything and hands the store to `sink`. `progress` is told bytes of the store done and in all.
    pub(super) fn unpack(
        mut self,
        keyring: &Keyring,
        sink: &mut dyn Write,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Manifest, BackupFileError> {
        let manifest = self.section(keyring, 0)?;
        let manifest: Manifest =
            serde_json::from_slice(&manifest).map_err(|_| self.damaged("its manifest does not parse"))?;
        self.hold_header_against(&manifest)?;
        let (mut done, mut hash) = (0, Context::new(&SHA256));
        for number in 1.. {
            if done >= manifest.store_bytes {
                break;
            }
            let chunk = self.section(keyring, number)?;
            hash.update(&chunk);
            sink.write_all(&chunk).map_err(BackupFileError::Unpack)?;
            done += chunk.len() as u64;
            if chunk.is_empty() {
                return Err(self.damaged("a section is empty"));
            }
            progress(done, manifest.store_bytes);
        }
        if done != manifest.store_bytes || hex_of(&hash.finish()) != manifest.store_sha256 {
            return Err(self.damaged("the store in it is not the one that was backed up"));
        }
        match self.file.read(&mut [0]) {
            Ok(0) => Ok(manifest),
            Ok(_) => Err(self.damaged("something follows its end")),
            Err(error) => Err(BackupFileError::io("read", &self.path, error)),
        }
    }

    fn hold_header_against(&self, manifest: &Manifest) -> Result<(), BackupFileError> {
        let keyring = self.header.wrapped_keyring();
        let same = manifest.backup_id == self.header.backup_id
            && manifest.header_sha256 == self.header_sha256
            && manifest.root_json_sha256 == hex_digest(self.header.root_json.as_bytes())
            && keyring.is_some_and(|keyring| manifest.keyring_sha256 == hex_digest(keyring.as_bytes()));
        if same { Ok(()) } else { Err(self.damaged("its header was altered")) }
    }

    fn section(&mut self, keyring: &Keyring, number: u64) -> Result<Vec<u8>, BackupFileError> {
        let cut = |path: &Path| BackupFileError::damaged(path, &format!("it ends within section {number}"));
        let len = read_length(&mut self.file).map_err(|_| cut(&self.path))? as usize;
        if len > CHUNK_BYTES + SEAL_BYTES_MAX {
            return Err(self.damaged(&format!("section {number} has an impossible length")));
        }
        let sealed = read_exactly(&mut self.file, len).map_err(|_| cut(&self.path))?;
        let opened = keyring.open_backup(&self.header.backup_id, number, &sealed);
        let opened = opened.map_err(|_| self.damaged(&format!("section {number} was altered")))?;
        Ok(opened.expose_secret().to_vec())
    }

    fn damaged(&self, what: &str) -> BackupFileError {
        BackupFileError::damaged(&self.path, what)
    }
}

fn read_length(file: &mut impl Read) -> io::Result<u32> {
    let mut len = [0; 4];
    file.read_exact(&mut len)?;
    Ok(u32::from_be_bytes(len))
}

fn read_exactly(file: &mut impl Read, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// SHA-256 in hexadecimal digits.
pub(super) fn hex_digest(bytes: &[u8]) -> String {
    hex_of(&digest(&SHA256, bytes))
}

pub(super) fn hex_of(digest: &Digest) -> String {
    hex::encode(digest.as_ref())
}
