//! The journal of a sweep: what was done, one line each, appended before anything is rewritten. A line holds
//!
//! ```text
//! SHA-256 of the old ciphertext, hex  TAB  key ARN  TAB  material id or -  TAB  new ciphertext, base64, or - for none needed
//! ```

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::digest::sha256;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::destination::Destination;

const HEADING: &str = "keyreeve-reencrypt 1\n";

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error("another sweep is under way with the journal {}", .0.display())]
    Busy(PathBuf),
    /// It is a file of something else.
    #[error("{} is no journal of a sweep: name another one by --resume", .0.display())]
    Foreign(PathBuf),
    /// It cannot be read or written.
    #[error("journal {}: {source}", .path.display())]
    Io {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What was done in this sweep and in earlier ones.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` in a dry run.
    file: Option<File>,
    entries: HashMap<[u8; 32], Arc<Entry>>,
    is_new: bool,
}

#[derive(Debug)]
struct Entry {
    arn: String,
    material_id: Option<String>,
    new: Option<Vec<u8>>,
}

/// What the journal knows of a ciphertext.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    Nothing,
    /// It is where it shall be.
    Current,
    /// This is what became of it; whether that is where it shall be is not known where it is not `sure`.
    Renewed {
        new: Vec<u8>,
        sure: bool,
    },
}

impl Journal {
    /// Opens or makes the journal, and keeps others from it until it is dropped.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        let mut file = opened(options.append(true).create(true).mode(0o600), path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        // Nothing is cut off before it is known that this is a journal.
        let entries = entries(&text).ok_or_else(|| JournalError::Foreign(path.to_owned()))?;
        let is_new = text.is_empty();
        // What a crash left of the last line.
        file.set_len(whole_lines(&text).len() as u64).map_err(failed)?;
        if is_new {
            file.write_all(HEADING.as_bytes()).map_err(failed)?;
        }
        Ok(Self { path: path.to_owned(), state: Mutex::new(State { file: Some(file), entries, is_new }) })
    }

    /// Reads the journal, where there is one, for a dry run.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Io { path: path.to_owned(), source };
        let mut text = Vec::new();
        match opened(&mut OpenOptions::new(), path) {
            Ok(mut file) => file.read_to_end(&mut text).map(drop).map_err(failed)?,
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let entries = entries(&text).ok_or_else(|| JournalError::Foreign(path.to_owned()))?;
        Ok(Self { path: path.to_owned(), state: Mutex::new(State { entries, ..State::default() }) })
    }

    /// What is known of a ciphertext that shall be there.
    pub(super) fn look(&self, blob: &[u8], destination: &Destination) -> Known {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = state.entries.get(&sha256(blob)) else { return Known::Nothing };
        match (destination.is_still(&entry.arn, entry.material_id.as_deref()), &entry.new) {
            (Some(true), None) => Known::Current,
            (Some(true), Some(new)) => Known::Renewed { new: new.clone(), sure: true },
            (None, Some(new)) => Known::Renewed { new: new.clone(), sure: false },
            // That it was right once says nothing: ReEncrypt tells whether it still is.
            (None, None) | (Some(false), _) => Known::Nothing,
        }
    }

    /// Notes what became of a ciphertext; `new` is `None` where it was right already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add(
        &self,
        old: &[u8],
        arn: &str,
        material_id: Option<&str>,
        new: Option<&[u8]>,
    ) -> Result<(), JournalError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &mut state.file else { return Ok(()) };
        let new_text = new.map_or_else(|| "-".to_owned(), |new| STANDARD.encode(new));
        let line =
            format!("{}\t{arn}\t{}\t{new_text}\n", hex::encode(sha256(old)), material_id.unwrap_or("-"));
        file.write_all(line.as_bytes())
            .map_err(|source| JournalError::Io { path: self.path.clone(), source })?;
        let material_id = material_id.map(str::to_owned);
        let entry = Entry { arn: arn.to_owned(), material_id, new: new.map(<[u8]>::to_vec) };
        insert(&mut state.entries, sha256(old), entry);
        Ok(())
    }

    /// Its path, where something is in it; a new one that stayed empty is taken away.
    #[must_use]
    pub fn close(self) -> Option<PathBuf> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !state.entries.is_empty() {
            return Some(self.path);
        }
        if state.is_new {
            // Were it to stay, the next sweep would find an empty journal.
            let _ = std::fs::remove_file(&self.path);
        }
        None
    }
}

/// Opens a file for reading and what the options say. A link is not followed: in a folder that others may write to, it
/// would choose which file is appended to.
fn opened(options: &mut OpenOptions, path: &Path) -> Result<File, JournalError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(path);
    match file.and_then(|file| Ok((file.metadata()?.is_file(), file))) {
        Ok((true, file)) => Ok(file),
        Ok((false, _)) => Err(JournalError::Foreign(path.to_owned())),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            Err(JournalError::Foreign(path.to_owned()))
        }
        Err(source) => Err(JournalError::Io { path: path.to_owned(), source }),
    }
}

fn whole_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    text.get(..end).unwrap_or_default()
}

/// The entries; `None` where the text is not that of a journal. Lines that cannot be read are as if not there.
fn entries(text: &[u8]) -> Option<HashMap<[u8; 32], Arc<Entry>>> {
    let mut entries = HashMap::new();
    if text.is_empty() {
        return Some(entries);
    }
    let lines = whole_lines(text.strip_prefix(HEADING.as_bytes())?);
    for line in lines.split(|byte| *byte == b'\n') {
        if let Some((old, entry)) = std::str::from_utf8(line).ok().and_then(entry) {
            insert(&mut entries, old, entry);
        }
    }
    Some(entries)
}

fn entry(line: &str) -> Option<([u8; 32], Entry)> {
    let mut columns = line.split('\t');
    let mut old = [0; 32];
    hex::decode_to_slice(columns.next()?, &mut old).ok()?;
    let arn = columns.next()?.to_owned();
    let material_id = Some(columns.next()?).filter(|id| *id != "-").map(str::to_owned);
    let new = match columns.next()? {
        "-" => None,
        text => Some(STANDARD.decode(text).ok()?),
    };
    Some((old, Entry { arn, material_id, new }))
}

/// An entry, and that its result is where it shall be: a file may hold either.
fn insert(entries: &mut HashMap<[u8; 32], Arc<Entry>>, old: [u8; 32], entry: Entry) {
    if let Some(new) = &entry.new {
        let done = Entry { arn: entry.arn.clone(), material_id: entry.material_id.clone(), new: None };
        entries.insert(sha256(new), Arc::new(done));
    }
    entries.insert(old, Arc::new(entry));
}

#[cfg(test)]
mod tests {
    use super::super::destination::KeyNow;
    use super::*;

    fn unseen() -> Destination {
        Destination { key: "k".to_owned(), now: None }
    }

    fn seen(material: &str) -> Destination {
        Destination { now: Some(KeyNow::test("arn:key/k", material)), ..unseen() }
    }

    fn known_from(journal: &Journal, destination: &Destination) -> [Known; 4] {
        ["old", "new", "right", "torn"].map(|blob| journal.look(blob.as_bytes(), destination))
    }

    #[test]
    fn what_was_done_is_known_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Busy(_))));
        journal.add(b"old", "arn:key/k", Some("m"), Some(b"new")).unwrap();
        journal.add(b"right", "arn:key/k", Some("m"), None).unwrap();
        assert_eq!(journal.close().as_ref(), Some(&path));
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(format!("{}\tarn:key/k\t-\tQUJ", hex::encode(sha256(b"torn"))).as_bytes()).unwrap();

        for journal in [Journal::read(&path).unwrap(), Journal::open(&path).unwrap()] {
            let renewed = |sure| Known::Renewed { new: b"new".to_vec(), sure };
            for (destination, known) in [
                (seen("m"), [renewed(true), Known::Current, Known::Current, Known::Nothing]),
                (seen("later"), [Known::Nothing, Known::Nothing, Known::Nothing, Known::Nothing]),
                (unseen(), [renewed(false), Known::Nothing, Known::Nothing, Known::Nothing]),
            ] {
                assert_eq!(known_from(&journal, &destination), known, "{destination:?}");
            }
        }
        assert!(std::fs::read(&path).unwrap().ends_with(b"\n"));
    }

    #[test]
    fn another_file_is_left_alone_and_an_empty_journal_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        for text in [
            b"dear diary\n".as_slice(),
            b"dear diary\nwithout an end",
            b"abc",
            b"\xC1\n\0",
            b"keyreeve-reencrypt 12\n",
        ] {
            std::fs::write(&path, text).unwrap();
            for opened in [Journal::open(&path), Journal::read(&path)] {
                assert!(matches!(opened, Err(JournalError::Foreign(_))), "{text:?}");
            }
            assert_eq!(std::fs::read(&path).unwrap(), text);
        }

        let fresh = folder.path().join("fresh");
        assert_eq!(Journal::open(&fresh).unwrap().close(), None);
        assert!(!fresh.exists());
    }
    #[test]
    fn a_link_in_its_place_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, HEADING).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        for opened in [Journal::open(&link), Journal::read(&link)] {
            assert!(matches!(opened, Err(JournalError::Foreign(_))), "{opened:?}");
        }
        assert!(matches!(Journal::open(folder.path()), Err(JournalError::Io { .. })));
        assert_eq!(std::fs::read(&target).unwrap(), HEADING.as_bytes());
    }
}
