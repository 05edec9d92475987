//! Every call that alters a file of the log goes through here, so that tests can have it fail.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests look at the call before it is made"))]
pub(super) enum Call<'a> {
    /// A file is made.
    Create(&'a Path),
    /// This many bytes are written to this place of a file.
    Write { offset: u64, bytes: usize },
    /// A file's content is made durable.
    Sync,
    /// A file gets another name.
    Rename(&'a Path),
    /// The names of a folder are made durable.
    SyncFolder,
}

/// How a call fails.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    /// The error of the system.
    pub(super) errno: i32,
    /// Bytes of a write that are written all the same.
    pub(super) kept: usize,
}

#[cfg(test)]
type Faults = std::sync::Arc<dyn Fn(Call<'_>) -> Option<Fault> + Send + Sync>;

/// The way to the disk.
#[derive(Clone, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    faults: Option<Faults>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

/// Which file lies at a path: tells a file from another that took its place, and from itself cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    pub(super) bytes: u64,
}

impl Identity {
    /// Of what `stat` said.
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len() }
    }

    /// Of what lies at the path now.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::of(&fs::metadata(path)?))
    }
}

impl Disk {
    /// A disk that fails where it is told to.
    #[cfg(test)]
    pub(super) fn failing(faults: impl Fn(Call<'_>) -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self { faults: Some(std::sync::Arc::new(faults)) }
    }

    /// Makes a file for its owner only, to write and read; one that exists is an error.
    pub(super) fn create(&self, path: &Path) -> io::Result<File> {
        self.before(Call::Create(path))?;
        OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)
    }

    /// Makes a folder for its owner only.
    pub(super) fn create_folder(&self, path: &Path, parents: bool) -> io::Result<()> {
        self.before(Call::Create(path))?;
        DirBuilder::new().recursive(parents).mode(FOLDER_MODE).create(path)
    }

    /// Opens a file to write and read.
    pub(super) fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    /// Writes all bytes to a place.
    pub(super) fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(fault) = self.fault(Call::Write { offset, bytes: bytes.len() }) {
            file.write_all_at(&bytes[..fault.kept.min(bytes.len())], offset)?;
            return Err(io::Error::from_raw_os_error(fault.errno));
        }
        file.write_all_at(bytes, offset)
    }

    /// Makes a file's content durable.
    pub(super) fn sync(&self, file: &File) -> io::Result<()> {
        self.before(Call::Sync)?;
        file.sync_data()
    }

    /// Makes a file's content and its size durable.
    pub(super) fn sync_size(&self, file: &File) -> io::Result<()> {
        self.before(Call::Sync)?;
        file.sync_all()
    }

    /// Gives a file another name.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.before(Call::Rename(to))?;
        fs::rename(from, to)
    }

    /// Makes the names in a folder durable.
    pub(super) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.before(Call::SyncFolder)?;
        File::open(folder)?.sync_all()
    }

    #[cfg(test)]
    fn fault(&self, call: Call<'_>) -> Option<Fault> {
        self.faults.as_ref().and_then(|faults| faults(call))
    }

    #[cfg(test)]
    fn before(&self, call: Call<'_>) -> io::Result<()> {
        self.fault(call).map_or(Ok(()), |fault| Err(io::Error::from_raw_os_error(fault.errno)))
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests have it fail here")]
    const fn before(&self, _call: Call<'_>) -> io::Result<()> {
        Ok(())
    }
}
