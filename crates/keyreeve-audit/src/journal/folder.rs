//! The folder of a log: made for its owner only, and locked so that no second process writes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::disk::{Disk, Identity};

const LOCK: &str = "journal.lock";
const LOCK_MODE: u32 = 0o600;

/// A folder that this process writes. The system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and takes it.
    pub(super) fn open(disk: &Disk, path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            disk.create_folder(path, true)?;
            sync_parent(disk, path)?;
        }
        Ok(Self { path: path.to_owned(), lock: lock(path)? })
    }

    /// The same folder, made and taken anew where it is gone. Its parent is not made: a disk that was unmounted would
    /// otherwise go on in the folder below it.
    pub(super) fn restore(&mut self, disk: &Disk) -> io::Result<()> {
        let ours = Identity::of(&self.lock.metadata()?);
        if Identity::at(&self.path.join(LOCK)).is_ok_and(|there| there == ours) {
            return Ok(());
        }
        if !self.path.is_dir() {
            disk.create_folder(&self.path, false)?;
            sync_parent(disk, &self.path)?;
        }
        self.lock = lock(&self.path)?;
        Ok(())
    }
}

fn sync_parent(disk: &Disk, path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => disk.sync_folder(parent),
        Some(_) | None => disk.sync_folder(Path::new(".")),
    }
}

fn lock(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(LOCK_MODE);
    let file = options.open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            ErrorKind::ResourceBusy,
            "another process, or another handle, writes this log",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
