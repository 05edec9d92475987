//! The files of the folder against their names: missing, renamed, swapped, copied or foreign ones.

use std::io;
use std::path::Path;

use super::report::{Finding, What};
use crate::chain::Place;
use crate::index::index_name;
use crate::segment::{self, Next, Opening, SegmentFile, SegmentReader, file_name};

/// The files, and what each begins with where that is beyond doubt.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) segments: Vec<SegmentFile>,
    openings: Vec<Option<Opening>>,
    /// Files that are named otherwise, but begin as a segment does.
    strays: Vec<(String, Place)>,
    /// Of all segments.
    pub(super) bytes: u64,
}

impl Folder {
    pub(super) fn look(folder: &Path) -> io::Result<Self> {
        let segments = segment::list(folder)?;
        let openings = segments
            .iter()
            .map(|file| opening_of(&file.path, Some(file.first)))
            .collect::<io::Result<_>>()?;
        let mut strays = Vec::new();
        for found in std::fs::read_dir(folder)? {
            let found = found?;
            let name = found.file_name().to_string_lossy().into_owned();
            if segment::first_of_name(&name).is_some() || !found.path().is_file() {
                continue;
            }
            if let Some(opening) = opening_of(&found.path(), None)? {
                strays.push((name, opening.first));
            }
        }
        strays.sort();
        let size = |file: &SegmentFile| std::fs::metadata(&file.path).map_or(0, |metadata| metadata.len());
        let bytes = segments.iter().map(size).sum();
        Ok(Self { segments, openings, strays, bytes })
    }

    /// The opening of a file that bears the right name.
    pub(super) fn opening(&self, index: usize) -> Option<&Opening> {
        let first = self.segments.get(index)?.first;
        self.openings.get(index)?.as_ref().filter(|opening| opening.first == first)
    }

    fn holds(&self, index: usize) -> Option<Place> {
        Some(self.openings.get(index)?.as_ref()?.first)
    }

    /// What is wrong with this file's name or place, where the next frame should be `next`; `None` before the first.
    pub(super) fn finding(&self, index: usize, next: Option<Place>) -> Option<Finding> {
        let named = self.segments.get(index)?.first;
        if let Some(held) = self.holds(index).filter(|held| *held != named) {
            return Some(self.misnamed(named, held));
        }
        let Some(next) = next else { return self.before_all(named) };
        if named > next {
            return Some(self.renamed(next).unwrap_or_else(|| self.gap(index, next)));
        }
        let what = if self.holds(index).is_some() { What::FileCopied } else { What::FileGarbage };
        (named < next).then(|| Finding { place: next, file: file_name(named), what })
    }

    /// A file whose content belongs into another.
    fn misnamed(&self, named: Place, held: Place) -> Finding {
        let other = self.segments.iter().position(|file| file.first == held);
        let name = file_name(named);
        match other {
            None => Finding { place: held, file: file_name(held), what: What::FileRenamed { to: name } },
            Some(other) if self.holds(other) == Some(held) => {
                Finding { place: named, file: name, what: What::FileCopied }
            }
            Some(_) => {
                Finding { place: named, file: name, what: What::FileSwapped { with: file_name(held) } }
            }
        }
    }

    /// A file under another name that begins with this frame.
    pub(super) fn renamed(&self, next: Place) -> Option<Finding> {
        let named = self.segments.iter().enumerate().filter(|(_, file)| file.first != next);
        let named = named.filter(|(index, _)| self.holds(*index) == Some(next));
        let stray = self.strays.iter().filter(|(_, held)| *held == next).map(|(name, _)| name.clone());
        let to = named.map(|(_, file)| file_name(file.first)).chain(stray).next()?;
        Some(Finding { place: next, file: file_name(next), what: What::FileRenamed { to } })
    }

    /// A file under another name that belongs before the first.
    fn before_all(&self, first: Place) -> Option<Finding> {
        let held = self.openings.iter().flatten().map(|opening| opening.first);
        let held = held.chain(self.strays.iter().map(|(_, held)| *held));
        let earliest = held.min().filter(|held| *held < first)?;
        self.renamed(earliest)
    }

    /// Frames up to this file are missing: the file before it was cut, or a whole file is gone.
    fn gap(&self, index: usize, next: Place) -> Finding {
        let after = self.segments.get(index).map_or(next.0, |file| file.first.0);
        let cut = index.checked_sub(1).and_then(|before| self.segments.get(before));
        let whole = cut.is_none_or(|cut| cut.path.with_file_name(index_name(next)).exists());
        let first = cut.filter(|_| !whole).map_or(next, |cut| cut.first);
        let what = What::Removed { to: Place(after.saturating_sub(1)) };
        Finding { place: next, file: file_name(first), what }
    }
}

/// What a file begins with: an opening that fits its own hash, and the file's name or the frame behind it.
fn opening_of(path: &Path, named: Option<Place>) -> io::Result<Option<Opening>> {
    let mut reader = match SegmentReader::open(path) {
        Ok(reader) => reader,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Next::Frame { frame, .. } = reader.next_frame()? else { return Ok(None) };
    let Some(opening) = Opening::of(&frame) else { return Ok(None) };
    if named == Some(opening.first) {
        return Ok(Some(opening));
    }
    let follows = match reader.next_frame()? {
        Next::Frame { frame: second, .. } => second.number.0 == frame.number.0.saturating_add(1),
        Next::Zeros { .. } | Next::EndOfFile { .. } | Next::Garbage { .. } => true,
    };
    Ok(follows.then_some(opening))
}
