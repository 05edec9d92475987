//! The place of a stream in the log, kept in a small file: it is replaced whole, at most once a second, and never
//! synchronised, as what is lost of it in a power cut is sent a second time and nothing more.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyreeve_audit::{Journal, Place};
use serde::{Deserialize, Serialize};

/// Time between two writes of a file.
const INTERVAL: Duration = Duration::from_secs(1);

/// A place, and the file that keeps it.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Absent, it is forgotten with the process.
    file: Option<PathBuf>,
    place: Place,
    kept: Place,
    kept_at: Option<Instant>,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    place: Place,
    /// The hash of the frame at that place: that of another log is not this one's.
    hash: Option<String>,
}

/// Where a stream begins: behind what it sent; a new one with what comes next, or with everything.
pub(super) fn start(journal: &Journal, file: Option<&Path>, from_beginning: bool) -> Place {
    let text = file.and_then(|file| std::fs::read(file).ok());
    let Some(text) = text else { return if from_beginning { Place(0) } else { journal.durable() } };
    match serde_json::from_slice::<Kept>(&text) {
        Ok(kept) if is_of_log(journal, &kept) => kept.place,
        Ok(_) | Err(_) => {
            // Sending twice is better than not at all.
            tracing::warn!(
                "the place of a stream is not one of this log: it begins with all that the log has"
            );
            Place(0)
        }
    }
}

fn is_of_log(journal: &Journal, kept: &Kept) -> bool {
    if kept.place > journal.durable() {
        return false;
    }
    let found = hash_at(journal, kept.place);
    // What was purged cannot be compared.
    found.is_none() || kept.hash.is_none() || found == kept.hash
}

fn hash_at(journal: &Journal, place: Place) -> Option<String> {
    let before = Place(place.0.checked_sub(1)?);
    let frame = journal.read(before, 1).ok()?.into_iter().next()?;
    (frame.number == place).then(|| hex::encode(frame.hash))
}

impl Cursor {
    pub(super) const fn new(file: Option<PathBuf>, place: Place) -> Self {
        // A new stream's place is written at once, also when it is the beginning.
        Self { file, place, kept: Place(u64::MAX), kept_at: None }
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }

    pub(super) const fn move_to(&mut self, place: Place) {
        self.place = place;
    }

    /// Writes the file when that is due.
    pub(super) fn keep_now_and_then(&mut self, journal: &Journal) {
        if self.kept_at.is_none_or(|at| at.elapsed() >= INTERVAL) {
            self.keep(journal);
        }
    }

    /// Writes the file.
    pub(super) fn keep(&mut self, journal: &Journal) {
        let Some(file) = self.file.as_ref().filter(|_| self.kept != self.place) else { return };
        let kept = Kept { place: self.place, hash: hash_at(journal, self.place) };
        match replace(file, &kept) {
            Ok(()) => self.kept = self.place,
            Err(error) => tracing::warn!(file = %file.display(), %error, "the place of a stream is not kept"),
        }
        self.kept_at = Some(Instant::now());
    }
}

fn replace(file: &Path, kept: &Kept) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if let Some(folder) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let new = file.with_extension("new");
    std::fs::write(&new, serde_json::to_vec(kept)?)?;
    std::fs::rename(&new, file)
}
