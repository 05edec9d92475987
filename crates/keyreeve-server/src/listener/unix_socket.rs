//! The file of a Unix socket: never open to others, not even for a moment, and gone when the server stops.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

/// Only the user that runs the server may connect.
const MODE: u32 = 0o600;

/// A bound socket file, removed on drop.
#[derive(Debug)]
pub(super) struct UnixSocket {
    path: PathBuf,
    inode: u64,
}

impl UnixSocket {
    /// Binds a non-blocking listener.
    ///
    /// # Errors
    /// `AddrInUse` when somebody accepts connections there; `AlreadyExists` when the path is something else than a
    /// socket; else as the system.
    pub(super) fn bind(path: PathBuf) -> io::Result<(Self, UnixListener)> {
        match UnixStream::connect(&path) {
            Ok(_) => return Err(ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => refuse_other_files(&path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Between `bind` and `chmod` a socket has the mode of the umask: it gets its name only afterwards, and the
        // rename replaces a dead socket at the same moment.
        let mut unnamed = path.clone().into_os_string();
        unnamed.push(format!(".{}", std::process::id()));
        let unnamed = PathBuf::from(unnamed);
        let _ = fs::remove_file(&unnamed);
        let listener = UnixListener::bind(&unnamed)?;
        fs::set_permissions(&unnamed, Permissions::from_mode(MODE))?;
        listener.set_nonblocking(true)?;
        let inode = fs::metadata(&unnamed)?.ino();
        fs::rename(&unnamed, &path)?;
        Ok((Self { path, inode }, listener))
    }
}

/// A regular file also refuses connections: replacing it would destroy it.
fn refuse_other_files(path: &PathBuf) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match fs::symlink_metadata(path)?.file_type().is_socket() {
        true => Ok(()),
        false => Err(ErrorKind::AlreadyExists.into()),
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // Another server may have taken the path over since.
        if fs::metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_private_replaces_a_dead_one_and_goes_with_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        drop(UnixListener::bind(&path).unwrap());
        let (socket, listener) = UnixSocket::bind(path.clone()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(UnixSocket::bind(path.clone()).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop((socket, listener));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_no_socket_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        fs::write(&path, "precious").unwrap();
        assert!(UnixSocket::bind(path.clone()).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}
