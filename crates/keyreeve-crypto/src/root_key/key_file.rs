//! The key file: 32 random bytes as one line of text, readable by its owner alone. It opens one slot.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::error::RootKeyError;
use super::file::{sync_directory_of, temporary_of};
use crate::random;
use crate::secret::{SecretArray, SecretBytes};

const PREFIX: &[u8] = b"keyreeve-root-key-1:";
const KEY_LEN: usize = 32;
const TEXT_LEN: usize = PREFIX.len() + 2 * KEY_LEN;

/// Reads the key file, or makes one where there is none.
pub(super) fn read_or_create(path: &Path) -> Result<SecretArray<KEY_LEN>, RootKeyError> {
    let found = read(path);
    if matches!(found, Err(RootKeyError::KeyFileMissing(_))) {
        create(path)?;
        return read(path);
    }
    found
}

/// Reads the key file; refuses one that others may read or write.
pub(super) fn read(path: &Path) -> Result<SecretArray<KEY_LEN>, RootKeyError> {
    let mut file = File::open(path).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        if missing {
            RootKeyError::KeyFileMissing(path.to_owned())
        } else {
            RootKeyError::io("open", path)(error)
        }
    })?;
    // Of the open file, not of the path: nobody can swap it in between.
    let metadata = file.metadata().map_err(RootKeyError::io("read", path))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(RootKeyError::KeyFileNotPrivate { path: path.to_owned(), mode });
    }
    let malformed = || RootKeyError::KeyFileMalformed(path.to_owned());
    let len = usize::try_from(metadata.len()).map_err(|_| malformed())?;
    if !metadata.is_file() || len > TEXT_LEN + 1 {
        return Err(malformed());
    }
    let text = SecretBytes::try_init_with(len, |text| {
        file.read_exact(text).map_err(RootKeyError::io("read", path))
    })?;
    let line = text.expose_secret();
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let digits = line.strip_prefix(PREFIX).ok_or_else(malformed)?;
    SecretArray::try_init_with(|key| hex::decode_to_slice(digits, key).map_err(|_| malformed()))
}

/// Writes a new random key file, durably, before anything depends on it.
fn create(path: &Path) -> Result<(), RootKeyError> {
    let key = random::secret(KEY_LEN)?;
    let text = SecretBytes::try_init_with(TEXT_LEN + 1, |text| {
        let (prefix, rest) = text.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        let (digits, newline) = rest.split_at_mut(2 * KEY_LEN);
        newline.copy_from_slice(b"\n");
        hex::encode_to_slice(key.expose_secret(), digits).map_err(|_| crate::error::Unspecified)
    })?;
    // Whole before it has its name: half a key file, found after a crash, would keep the deployment from ever starting.
    let temporary = temporary_of(path);
    remove_if_there(&temporary).map_err(RootKeyError::io("remove", &temporary))?;
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
    let mut file = open.map_err(RootKeyError::io("create", &temporary))?;
    file.write_all(text.expose_secret()).map_err(RootKeyError::io("write", &temporary))?;
    file.sync_all().map_err(RootKeyError::io("sync", &temporary))?;
    // A link and not a rename: it never replaces a key file that somebody made meanwhile.
    let linked = fs::hard_link(&temporary, path);
    remove_if_there(&temporary).map_err(RootKeyError::io("remove", &temporary))?;
    linked.map_err(RootKeyError::io("create", path))?;
    sync_directory_of(path)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_creation_that_a_crash_interrupted_is_repeated_and_never_replaces_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        fs::write(temporary_of(&path), "keyreeve-root").unwrap();
        let key = read_or_create(&path).unwrap();
        assert!(!temporary_of(&path).exists());
        assert!(create(&path).is_err());
        assert!(read(&path).unwrap().ct_eq(&key));
        // After the link, before the temporary name was removed.
        fs::hard_link(&path, temporary_of(&path)).unwrap();
        assert!(read_or_create(&path).unwrap().ct_eq(&key));
    }

    #[test]
    fn a_created_key_file_is_private_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let key = read_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(read(&path).unwrap().ct_eq(&key));
        assert!(read_or_create(&path).unwrap().ct_eq(&key));
        assert!(key.expose_secret().iter().any(|byte| *byte != 0));
    }

    #[test]
    fn a_key_file_that_others_may_use_is_refused_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        read_or_create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o601, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read_or_create(&path).unwrap_err();
            assert!(matches!(error, RootKeyError::KeyFileNotPrivate { mode: found, .. } if found == mode));
            assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(read(&path).is_ok());
    }

    #[test]
    fn every_cut_and_foreign_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        assert!(matches!(read(&path), Err(RootKeyError::KeyFileMissing(_))));
        read_or_create(&path).unwrap();
        let text = fs::read(&path).unwrap();
        for len in 0..TEXT_LEN {
            fs::write(&path, &text[..len]).unwrap();
            assert!(matches!(read(&path), Err(RootKeyError::KeyFileMalformed(_))), "length {len}");
        }
        for foreign in
            [[&text[..], b"\n"].concat(), text.to_ascii_uppercase(), vec![b'x'; TEXT_LEN], vec![0; 4096]]
        {
            fs::write(&path, foreign).unwrap();
            assert!(matches!(read(&path), Err(RootKeyError::KeyFileMalformed(_))));
        }
    }
}
