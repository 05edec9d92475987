//! Rewriting a file so that whoever looks finds the old content or the new, whenever power or process ends.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Ending of the file that the new content is written into first; what a crash left of one is taken away by the next sweep.
const ENDING: &str = ".keyreeve-reencrypt";
/// How often that file is made anew where other sweeps take it for one that a crash left.
const CLAIMS: u32 = 3;

/// Why a file is not rewritten.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// It is as it was.
    #[error(transparent)]
    Before(#[from] io::Error),
    /// It is the new one, but may be the old one again after the power fails.
    #[error("{} is rewritten, but its folder does not reach the disk: {source}", .path.display())]
    After {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The file that is written when this path is: itself, or what it links to.
///
/// # Errors
/// When there is something else than a file, such as a device, or a link to nothing.
pub fn target(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Ok(real) if real.is_file() => Ok(real),
        Ok(_) => Err(io::Error::other("it is there, and no file")),
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            Err(io::Error::other("it is a link to nothing"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

/// Writes a file, in place of one that may be there, whose mode and owner it then has. A link stays one.
///
/// # Errors
/// When it cannot be written, or cannot have the same owner.
pub fn write(path: &Path, content: &[u8]) -> Result<(), ReplaceError> {
    put(&target(path)?, || Ok(content))
}

/// Replaces what was read, unless somebody else wrote meanwhile.
pub(super) fn replace(path: &Path, read: &[u8], content: &[u8]) -> Result<(), ReplaceError> {
    put(path, || {
        let unchanged = std::fs::read(path)? == read;
        if unchanged { Ok(content) } else { Err(io::Error::other("somebody else changed it meanwhile")) }
    })
}

/// `content` is asked for once no other sweep can write the same file.
fn put<'c>(path: &Path, content: impl FnOnce() -> io::Result<&'c [u8]>) -> Result<(), ReplaceError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")))?;
    let beside = beside(path)?;
    // It is locked until it has its name.
    let file = claim(&beside)?;
    let written = content().and_then(|content| fill(&file, content, before(path)?.as_ref()));
    let written = written.and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written?;
    // The rename is on disk when the folder is.
    folder.sync_all().map_err(|source| ReplaceError::After { path: path.to_owned(), source })
}

fn before(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(before) => Ok(Some(before)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("not the name of a file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(ENDING);
    Ok(path.with_file_name(hidden))
}

/// Makes the file beside anew and locks it, so that nobody who put a link there chooses what is written, and no other sweep,
/// whichever its journal, writes into it too.
fn claim(beside: &Path) -> io::Result<File> {
    for _ in 0..CLAIMS {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside) {
            // Before it was locked, another sweep could take it for one that a crash left.
            Ok(file) if lock(&file, beside)? => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => clear(beside)?,
            Err(error) => return Err(error),
        }
    }
    Err(busy())
}

/// Takes away what a crash left, or a link; not what another sweep has.
fn clear(beside: &Path) -> io::Result<()> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(beside) {
        Ok(left) if lock(&left, beside)? => std::fs::remove_file(beside),
        Ok(_) => Ok(()),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            std::fs::remove_file(beside)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Locks a file; whether the path still names it.
fn lock(file: &File, path: &Path) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let locked = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (locked.dev(), locked.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn busy() -> io::Error {
    io::Error::other("another sweep is rewriting it")
}

fn fill(mut file: &File, content: &[u8], before: Option<&Metadata>) -> io::Result<()> {
    if let Some(before) = before {
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
            fchown(file, Some(before.uid()), Some(before.gid())).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("its owner cannot be kept ({error}): run this as its owner or as root"),
                )
            })?;
        }
        file.set_permissions(std::fs::Permissions::from_mode(before.mode() & 0o7777))?;
    }
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_changes_and_mode_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.enc");
        std::fs::write(&path, b"old").unwrap();
        for mode in [0o400, 0o640] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = std::fs::read(&path).unwrap();
            std::fs::write(folder.path().join(".secret.enc.keyreeve-reencrypt"), b"left by a crash").unwrap();
            replace(&path, &read, format!("new {mode}").as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("new {mode}"));
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, mode);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_somebody_else_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.enc");
        std::fs::write(&path, b"theirs").unwrap();
        assert!(replace(&path, b"old", b"new").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
    }

    #[test]
    fn two_sweeps_of_one_file_do_not_write_into_each_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.enc");
        std::fs::write(&path, b"old").unwrap();
        let beside = beside(&path).unwrap();
        let mut theirs = claim(&beside).unwrap();
        theirs.write_all(b"their new one").unwrap();
        let error = replace(&path, b"old", b"new").unwrap_err();
        assert!(error.to_string().contains("another sweep"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read(&beside).unwrap(), b"their new one");
        // Killed, it has no lock.
        drop(theirs);
        replace(&path, b"old", b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(!beside.exists());
    }

    #[test]
    fn an_output_is_a_file_and_a_link_to_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::os::unix::fs::symlink(&real, &link).unwrap();
        for no_file in [&link, folder.path(), Path::new("/dev/null")] {
            assert!(write(no_file, b"new").is_err(), "{}", no_file.display());
        }
        assert!(link.is_symlink() && !real.exists());
        std::fs::write(&real, b"old").unwrap();
        write(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&real).unwrap(), b"new");
        // What a link beside it leads to is left alone.
        let beside = beside(&real.canonicalize().unwrap()).unwrap();
        std::os::unix::fs::symlink(folder.path().join("theirs"), &beside).unwrap();
        write(&real, b"newer").unwrap();
        assert!(!beside.is_symlink() && !folder.path().join("theirs").exists());
    }
}
