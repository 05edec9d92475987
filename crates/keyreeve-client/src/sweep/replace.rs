//! Rewriting a file so that whoever looks finds the old content or the new, whenever power or process ends.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// Ending of the file that the new content is written into first; what a crash left of one is overwritten by the next sweep.
const ENDING: &str = ".keyreeve-reencrypt";

/// Writes a file, in place of one that may be there, whose mode and owner it then has.
///
/// # Errors
/// When it cannot be written, or cannot have the same owner; the old one is then as it was.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let before = match std::fs::metadata(path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let beside = beside(path)?;
    let written = fill(&beside, content, before.as_ref()).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written?;
    // The rename is on disk when the folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Replaces what was read, unless somebody else wrote meanwhile.
pub(super) fn replace(path: &Path, read: &[u8], content: &[u8]) -> io::Result<()> {
    if std::fs::read(path)? != read {
        return Err(io::Error::other("somebody else changed it meanwhile"));
    }
    write(path, content)
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("not the name of a file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(ENDING);
    Ok(path.with_file_name(hidden))
}

fn fill(beside: &Path, content: &[u8], before: Option<&Metadata>) -> io::Result<()> {
    // Made anew, so that nobody who put a link there chooses what is written.
    match std::fs::remove_file(beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    if let Some(before) = before {
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
            fchown(&file, Some(before.uid()), Some(before.gid())).map_err(|error| {
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
}
