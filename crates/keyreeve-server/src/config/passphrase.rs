//! Passphrases from where an operator keeps them: a private file, a systemd credential, the terminal. Never from an
//! argument or an environment variable, which other processes can read.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use keyreeve_crypto::secret::SecretBytes;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Longest passphrase, in bytes.
pub const PASSPHRASE_BYTES_MAX: usize = 1024;

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// It cannot be read.
    #[error("cannot read the passphrase from {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than the owner have access to it.
    #[error("the passphrase file {} is open to other users (mode {mode:04o}): run chmod 600 {}", .path.display(), .path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Empty, of several lines, or longer than [`PASSPHRASE_BYTES_MAX`].
    #[error("{0} does not hold one line of 1 to {PASSPHRASE_BYTES_MAX} bytes")]
    NotOneLine(String),
    /// The process was not started by systemd with credentials.
    #[error(
        "there are no systemd credentials ($CREDENTIALS_DIRECTORY is not set): start it as a unit with LoadCredential="
    )]
    NoCredentials,
    /// A credential's name is a path.
    #[error("`{0}` is not a credential's name")]
    CredentialName(String),
    /// Nobody to ask.
    #[error("there is no terminal to ask for the passphrase on ({0}): give a file or a systemd credential")]
    NoTerminal(io::Error),
    /// The two entries of a new passphrase differ.
    #[error("the two passphrases differ: nothing was done")]
    Differ,
}

/// The passphrase in a file that only its owner may read; one line end is dropped.
///
/// # Errors
/// [`PassphraseError`].
pub fn from_file(path: &Path) -> Result<SecretBytes, PassphraseError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(unreadable(path))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PassphraseError::NotPrivate { path: path.to_owned(), mode });
    }
    read(file, path)
}

/// The passphrase in a systemd credential (systemd.exec(5)). systemd alone decides who may read it.
///
/// # Errors
/// [`PassphraseError`].
pub fn from_credential(name: &str, directory: Option<&Path>) -> Result<SecretBytes, PassphraseError> {
    let path = credential_path(name, directory)?;
    read(open(&path)?, &path)
}

fn credential_path(name: &str, directory: Option<&Path>) -> Result<PathBuf, PassphraseError> {
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(PassphraseError::CredentialName(name.to_owned()));
    }
    directory.map(|directory| directory.join(name)).ok_or(PassphraseError::NoCredentials)
}

/// Asks on the terminal, without showing what is typed.
///
/// # Errors
/// [`PassphraseError`].
pub fn from_terminal(question: &str) -> Result<SecretBytes, PassphraseError> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    let mut terminal = terminal.map_err(PassphraseError::NoTerminal)?;
    let shown = tcgetattr(&terminal).map_err(|error| PassphraseError::NoTerminal(error.into()))?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    hidden.local_modes.insert(LocalModes::ECHONL);
    write!(terminal, "{question}: ").map_err(PassphraseError::NoTerminal)?;
    tcsetattr(&terminal, OptionalActions::Flush, &hidden)
        .map_err(|error| PassphraseError::NoTerminal(error.into()))?;
    let mut line = Vec::with_capacity(PASSPHRASE_BYTES_MAX + 2);
    let read =
        (&mut BufReader::new(&terminal)).take(PASSPHRASE_BYTES_MAX as u64 + 2).read_until(b'\n', &mut line);
    let line = SecretBytes::from(line);
    let restored = tcsetattr(&terminal, OptionalActions::Flush, &shown);
    read.and_then(|_| restored.map_err(io::Error::from)).map_err(PassphraseError::NoTerminal)?;
    one_line(&line, "what was typed")
}

/// Asks twice, for a new passphrase.
///
/// # Errors
/// [`PassphraseError`].
pub fn new_from_terminal() -> Result<SecretBytes, PassphraseError> {
    let first = from_terminal("New passphrase")?;
    let second = from_terminal("The same again")?;
    if first.ct_eq(&second) { Ok(first) } else { Err(PassphraseError::Differ) }
}

fn open(path: &Path) -> Result<File, PassphraseError> {
    File::open(path).map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> PassphraseError {
    let path = path.to_owned();
    move |source| PassphraseError::Read { path, source }
}

fn read(file: File, path: &Path) -> Result<SecretBytes, PassphraseError> {
    let mut bytes = Vec::with_capacity(PASSPHRASE_BYTES_MAX + 2);
    let read = file.take(PASSPHRASE_BYTES_MAX as u64 + 2).read_to_end(&mut bytes);
    let bytes = SecretBytes::from(bytes);
    read.map_err(unreadable(path))?;
    one_line(&bytes, &path.display().to_string())
}

fn one_line(bytes: &SecretBytes, place: &str) -> Result<SecretBytes, PassphraseError> {
    let line = bytes.expose_secret();
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() || line.len() > PASSPHRASE_BYTES_MAX || line.contains(&b'\n') {
        return Err(PassphraseError::NotOneLine(place.to_owned()));
    }
    Ok(SecretBytes::init_with(line.len(), |secret| secret.copy_from_slice(line)))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_private_file_of_one_line_is_a_passphrase() {
        for (text, mode, expected) in [
            ("correct horse\n", 0o600, Ok("correct horse")),
            ("correct horse", 0o400, Ok("correct horse")),
            (" spaces stay \r\n", 0o600, Ok(" spaces stay ")),
            ("correct horse\n", 0o640, Err("chmod 600")),
            ("correct horse\n", 0o604, Err("chmod 600")),
            ("", 0o600, Err("one line")),
            ("\n", 0o600, Err("one line")),
            ("two\nlines\n", 0o600, Err("one line")),
            (&"x".repeat(PASSPHRASE_BYTES_MAX + 1), 0o600, Err("one line")),
        ] {
            let (_folder, path) = written(text, mode);
            match (from_file(&path), expected) {
                (Ok(secret), Ok(expected)) => assert_eq!(secret.expose_secret(), expected.as_bytes()),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (found, expected) => panic!("{text:?} {mode:o}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_credential_is_a_name_in_the_directory_of_credentials() {
        let (folder, _) = written("correct horse", 0o440);
        let directory = Some(folder.path());
        assert_eq!(from_credential("words", directory).unwrap().expose_secret(), b"correct horse");
        for (name, directory) in [("../words", directory), ("", directory), ("words", None), (".", directory)]
        {
            assert!(from_credential(name, directory).is_err(), "{name}");
        }
    }
}
