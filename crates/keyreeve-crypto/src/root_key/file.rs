//! Replacing a file so that a crash leaves the old one or the new one, whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::error::RootKeyError;

/// A moment at which the machine may stop; the tests stop at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    TemporaryCreated,
    TemporaryHalfWritten,
    TemporaryWritten,
    TemporarySynced,
    TemporaryVerified,
    Renamed,
    DirectorySynced,
}

impl Step {
    #[cfg(test)]
    pub(super) const ALL: [Self; 7] = [
        Self::TemporaryCreated,
        Self::TemporaryHalfWritten,
        Self::TemporaryWritten,
        Self::TemporarySynced,
        Self::TemporaryVerified,
        Self::Renamed,
        Self::DirectorySynced,
    ];
}

/// Called after each step; an error stops there, as a crash would.
pub(super) type After<'a> = &'a mut dyn FnMut(Step) -> io::Result<()>;

/// Writes `bytes` beside `path`, syncs, reads them back, lets `verify` judge what was read, and renames over `path`.
pub(super) fn replace(
    path: &Path,
    bytes: &[u8],
    verify: impl FnOnce(&[u8]) -> Result<(), RootKeyError>,
    after: After<'_>,
) -> Result<(), RootKeyError> {
    let temporary = temporary_of(path);
    let mut step = |step| after(step).map_err(RootKeyError::io("write", path));
    let io = |action| RootKeyError::io(action, &temporary);
    // A crash may have left one behind: it is not in force, so it is overwritten.
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary);
    let mut file = open.map_err(io("create"))?;
    step(Step::TemporaryCreated)?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all(first).map_err(io("write"))?;
    step(Step::TemporaryHalfWritten)?;
    file.write_all(second).map_err(io("write"))?;
    step(Step::TemporaryWritten)?;
    file.sync_all().map_err(io("sync"))?;
    step(Step::TemporarySynced)?;
    verify(&fs::read(&temporary).map_err(io("read"))?)?;
    step(Step::TemporaryVerified)?;
    fs::rename(&temporary, path).map_err(RootKeyError::io("rename into place", path))?;
    step(Step::Renamed)?;
    sync_directory_of(path)?;
    step(Step::DirectorySynced)
}

/// Makes the directory entry of `path` durable.
pub(super) fn sync_directory_of(path: &Path) -> Result<(), RootKeyError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|file| file.sync_all()).map_err(RootKeyError::io("sync", directory))
}

/// Where a file is written before it takes its name.
pub(super) fn temporary_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_verify_does_not_replace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let refuse = |_: &[u8]| Err(RootKeyError::ReadBack(path.clone()));
        let accept = |read: &[u8]| if read == b"new" { Ok(()) } else { refuse(read) };
        fs::write(&path, "old").unwrap();
        assert!(matches!(replace(&path, b"new", refuse, &mut |_| Ok(())), Err(RootKeyError::ReadBack(_))));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        replace(&path, b"new", accept, &mut |_| Ok(())).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(!temporary_of(&path).exists());
    }
}
