//! Where a store lies: its directory, its files and the lock that keeps a second process out.

use std::fs::{self, DirBuilder, File, Metadata, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::reason;
use crate::error::Reason;

const DATABASE: &str = "store.db";
const LOG: &str = "store.db-wal";
const LOCK: &str = "LOCK";
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// The files of one store.
#[derive(Debug)]
pub(super) struct Site {
    directory: PathBuf,
    database: PathBuf,
    log: PathBuf,
}

/// Which file lies at a path: tells a file from another one that took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

/// Held while a store is open. The system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// Why the lock was not taken.
#[derive(Debug)]
pub(super) enum LockError {
    /// Another process (its id, when it could be read), or another handle of this one.
    Held {
        pid: Option<u32>,
    },
    Failed(Reason),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Site {
    pub(super) fn new(directory: PathBuf) -> Self {
        let (database, log) = (directory.join(DATABASE), directory.join(LOG));
        Self { directory, database, log }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    /// The database and the log that lie in their places now. Two `stat` calls: cheap beside every use of
    /// SQLite, which goes on happily with files that were unlinked.
    pub(super) fn identities(&self) -> Result<[Identity; 2], Reason> {
        Ok([identity(&self.database)?, identity(&self.log)?])
    }

    /// Writes zeros over the log from a byte on, durably. Nothing of SQLite's may be there any more.
    pub(super) fn overwrite_log(&self, from: u64) -> Result<(), Reason> {
        let overwrite = || {
            let mut log = File::options().write(true).open(&self.log)?;
            let there = log.metadata()?.len();
            log.seek(io::SeekFrom::Start(from))?;
            io::copy(&mut io::repeat(0).take(there.saturating_sub(from)), &mut log)?;
            log.sync_data()
        };
        overwrite().map_err(|error| reason::system(&error, &self.log))
    }

    /// Makes the directory (for its owner only) and its parents, durably.
    pub(super) fn create_directory(&self) -> Result<(), Reason> {
        let failed = |error: io::Error| reason::system(&error, &self.directory);
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(&self.directory).map_err(failed)?;
        for directory in self.directory.ancestors().take(2).filter(|path| !path.as_os_str().is_empty()) {
            sync_directory(directory).map_err(failed)?;
        }
        Ok(())
    }

    /// Makes an empty database file, as SQLite would, though readable by its owner only. SQLite gives the
    /// files beside it the same mode.
    pub(super) fn create_database(&self) -> Result<(), Reason> {
        create_file(&self.database).map_err(|error| reason::system(&error, &self.database))?;
        sync_directory(&self.directory).map_err(|error| reason::system(&error, &self.directory))
    }

    /// Whether the lock that is held is the one that another process would try: not when the directory
    /// vanished and another came in its place.
    pub(super) fn is_locked(&self, held: &Lock) -> Result<bool, Reason> {
        let path = self.directory.join(LOCK);
        let there = identity(&path)?;
        let held = held.file.metadata().map_err(|error| reason::system(&error, &path))?;
        Ok(Identity::of(&held) == there)
    }

    /// Takes the store for this process.
    pub(super) fn lock(&self) -> Result<Lock, LockError> {
        let path = self.directory.join(LOCK);
        let failed = |error: io::Error| LockError::Failed(reason::system(&error, &path));
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { pid: read_pid(&mut file) }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The process id is for the other one's message only: a full disk must not keep this one from
        // starting.
        drop(write_pid(&mut file));
        Ok(Lock { file })
    }
}

fn identity(path: &Path) -> Result<Identity, Reason> {
    fs::metadata(path).map(|metadata| Identity::of(&metadata)).map_err(|error| reason::system(&error, path))
}

/// Makes an empty file for its owner only; one that exists is an error.
pub(super) fn create_file(path: &Path) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(FILE_MODE).open(path).map(drop)
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
