//! Behind the last frame: whether the end is the end, what stands for a missing beginning, and the files beside the
//! segments.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use keyreeve_crypto::digest::Sha256;

use super::report::{Finding, Note, What};
use super::walk::Walk;
use crate::chain::Place;
use crate::segment::file_name;

impl Walk<'_> {
    /// What is wrong though every frame that is there fits.
    pub(super) fn at_end(&mut self) -> io::Result<Option<Finding>> {
        if let Some(finding) = self.tail() {
            return Ok(Some(finding));
        }
        if let Some(finding) = self.beginning() {
            return Ok(Some(finding));
        }
        self.files_beside()
    }

    fn tail(&mut self) -> Option<Finding> {
        let next = self.next;
        if let Some(committed) = self.committed().filter(|committed| *committed >= next) {
            if self.folder.segments.is_empty() {
                let what = What::TailRemoved { committed };
                return Some(Finding { place: Place(1), file: file_name(Place(1)), what });
            }
            let last = self.folder.segments.last().map_or(next, |file| file.first);
            let gone = Finding { place: next, file: file_name(last), what: What::TailRemoved { committed } };
            return Some(self.folder.renamed(next).unwrap_or(gone));
        }
        if let Some(renamed) = self.folder.renamed(next) {
            return Some(renamed);
        }
        if self.torn {
            self.report.notes.push(Note::TornTail { place: next });
        }
        None
    }

    /// A log that does not begin at its beginning needs a tombstone.
    fn beginning(&mut self) -> Option<Finding> {
        let (base, before) = self.base;
        if self.input.anchor.as_ref().is_some_and(|anchor| anchor.place <= base && base.0 > 0) {
            self.report.notes.push(Note::AnchorPurged);
        }
        let Some((place, file, tombstone)) = &self.tombstone else { return self.missing(Place(0)) };
        if tombstone.to < base {
            return self.missing(tombstone.to);
        }
        let hash = if tombstone.to == base {
            before
        } else {
            self.ends.iter().find(|(end, _)| *end == tombstone.to).map(|(_, hash)| *hash)
        };
        if hash.map(hex::encode).as_ref() != Some(&tombstone.before) {
            return Some(Finding { place: *place, file: file.clone(), what: What::TombstoneForged });
        }
        self.report.notes.push(Note::Purged { to: tombstone.to });
        None
    }

    /// Frames behind `purged` and before the first that is there.
    fn missing(&self, purged: Place) -> Option<Finding> {
        let from = Place(purged.0.saturating_add(1));
        let what = What::Removed { to: Place(self.report.first.0.saturating_sub(1)) };
        (self.base.0 > purged).then(|| Finding { place: from, file: file_name(from), what })
    }

    /// Indexes and the rows of purged segments, by the SHA-256 that stands in the log.
    fn files_beside(&mut self) -> io::Result<Option<Finding>> {
        let folder = &self.input.folder;
        if let Some((place, _, tombstone)) = &self.tombstone {
            let (name, wanted) = (&tombstone.rows_base.name, &tombstone.rows_base.sha256);
            let what = match sha256_of(&folder.join(name)) {
                Ok(sha256) => (sha256 != *wanted).then_some(What::FileAltered),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Some(What::FileMissing),
                Err(error) => return Err(error),
            };
            if let Some(what) = what {
                return Ok(Some(Finding { place: *place, file: name.clone(), what }));
            }
        }
        for (place, made) in self.indexes.values() {
            let segment = folder.join(&made.segment);
            let index = segment.with_extension("index");
            let name = || made.segment.replace(".log", ".index");
            match sha256_of(&index) {
                Ok(sha256) if sha256 != made.sha256 => {
                    return Ok(Some(Finding { place: *place, file: name(), what: What::FileAltered }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // With its segment it may have been purged.
                    if segment.exists() {
                        self.report.notes.push(Note::IndexMissing { file: name() });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// The SHA-256 of a file, in hex.
pub(crate) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut digest, mut piece) = (Sha256::new(), vec![0; 128 * 1024]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(hex::encode(digest.finish()));
        }
        digest.update(piece.get(..read).unwrap_or_default());
    }
}
