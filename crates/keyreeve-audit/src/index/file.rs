//! Reads an index file: a few short reads for each question, never the whole. Whatever its bytes are, an answer is an
//! answer or an error.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use keyreeve_model::timestamp::Timestamp;

use super::attributes::Term;
use super::builder::{EVENT_BYTES, HEAD_BYTES, MAGIC, SINGLE, TERM_BYTES};
use super::rows::{RowReader, nonsense};
use super::varint;
use crate::chain::Place;

/// Terms that are read at once around where a term is guessed to be.
const TERMS_A_LOOK: u64 = 256;
/// Bytes of postings that are read at once.
const POSTINGS_A_LOOK: u64 = 4096;

/// An open index.
#[derive(Debug)]
pub struct IndexFile {
    file: File,
    /// The segment's first frame.
    pub first: Place,
    /// The segment's last frame.
    pub last: Place,
    /// Time of the oldest event.
    pub oldest: Timestamp,
    /// Time of the newest event.
    pub newest: Timestamp,
    /// Events.
    pub events: u32,
    terms: u32,
    postings_at: u64,
    rows_at: u64,
    end: u64,
}

impl IndexFile {
    /// Opens an index.
    ///
    /// # Errors
    /// When it cannot be read, or is another file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let head = exactly(&file, 0, HEAD_BYTES)?;
        let rest = head.strip_prefix(MAGIC.as_slice()).ok_or_else(nonsense)?;
        let mut eights = rest.chunks(8).filter_map(|chunk| chunk.first_chunk::<8>().copied());
        let mut eight = || eights.next().ok_or_else(nonsense);
        let (first, last) = (u64::from_be_bytes(eight()?), u64::from_be_bytes(eight()?));
        let (oldest, newest) = (i64::from_be_bytes(eight()?), i64::from_be_bytes(eight()?));
        let counts = u64::from_be_bytes(eight()?);
        let events = u32::try_from(counts >> 32).unwrap_or_default();
        let terms = u32::try_from(counts & 0xffff_ffff).unwrap_or_default();
        let [postings_at, rows_at, end] = [eight()?, eight()?, eight()?].map(u64::from_be_bytes);
        let terms_end = HEAD_BYTES + u64::from(events) * EVENT_BYTES + u64::from(terms) * TERM_BYTES;
        if terms_end != postings_at || postings_at > rows_at || rows_at > end || end != length {
            return Err(nonsense());
        }
        let [oldest, newest] = [oldest, newest].map(Timestamp::from_millis);
        let [first, last] = [first, last].map(Place);
        Ok(Self { file, first, last, oldest, newest, events, terms, postings_at, rows_at, end })
    }

    /// Where an event's frame begins in the segment, and its time, some milliseconds at most too early.
    pub(super) fn event(&self, ordinal: u32) -> io::Result<(u32, i64)> {
        if ordinal >= self.events {
            return Err(nonsense());
        }
        let bytes = exactly(&self.file, HEAD_BYTES + u64::from(ordinal) * EVENT_BYTES, EVENT_BYTES)?;
        let both = bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let [offset, seconds] = [both >> 32, both & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or(0));
        let time = self.oldest.as_millis().saturating_add(i64::from(seconds) * 1000);
        Ok((offset, time))
    }

    /// Ordinals of the events of a term, the newest first.
    pub(super) fn ordinals(&self, term: Term) -> io::Result<Ordinals<'_>> {
        let Some(place) = self.find(term)? else { return Ok(Ordinals::none(self)) };
        if place & SINGLE != 0 {
            return Ok(Ordinals { single: Some(place & !SINGLE), ..Ordinals::none(self) });
        }
        let at = self.postings_at + u64::from(place);
        let mut ordinals = Ordinals { at, ..Ordinals::none(self) };
        ordinals.left = ordinals.number()?;
        Ok(ordinals)
    }

    /// Terms are spread evenly, so where one stands is guessed from its value; what is left is halved.
    fn find(&self, term: Term) -> io::Result<Option<u32>> {
        let (mut low, mut high) = (0_u64, u64::from(self.terms));
        let guess = (u128::from(term) * u128::from(high)) >> 64;
        let mut middle = u64::try_from(guess).unwrap_or_default();
        while low < high {
            let from = middle.saturating_sub(TERMS_A_LOOK / 2).max(low);
            let to = (from + TERMS_A_LOOK).min(high);
            let bytes = exactly(&self.file, self.term_at(from), (to - from) * TERM_BYTES)?;
            let entries: Vec<(Term, u32)> = bytes.chunks(12).filter_map(entry).collect();
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(None) };
            if term < first.0 {
                high = from;
            } else if term > last.0 {
                low = to;
            } else {
                let found = entries.binary_search_by_key(&term, |entry| entry.0).ok();
                return Ok(found.and_then(|at| entries.get(at)).map(|entry| entry.1));
            }
            middle = low.midpoint(high);
        }
        Ok(None)
    }

    fn term_at(&self, number: u64) -> u64 {
        HEAD_BYTES + u64::from(self.events) * EVENT_BYTES + number * TERM_BYTES
    }

    /// The last word of the segment on each row of the store that it speaks of, sorted by path.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows(&self) -> io::Result<RowReader> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(self.rows_at))?;
        Ok(RowReader::new(file.take(self.end - self.rows_at)))
    }
}

fn entry(bytes: &[u8]) -> Option<(Term, u32)> {
    let (term, place) = bytes.split_first_chunk::<8>()?;
    Some((Term::from_be_bytes(*term), u32::from_be_bytes(*place.first_chunk::<4>()?)))
}

fn exactly(file: &File, at: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut read = vec![0; usize::try_from(bytes).map_err(|_| nonsense())?];
    file.read_exact_at(&mut read, at)?;
    Ok(read)
}

/// Ordinals of a term, newest first, read as they are asked for.
#[derive(Debug)]
pub(super) struct Ordinals<'a> {
    index: &'a IndexFile,
    single: Option<u32>,
    left: u64,
    last: Option<u64>,
    at: u64,
    bytes: Vec<u8>,
    taken: usize,
}

impl<'a> Ordinals<'a> {
    const fn none(index: &'a IndexFile) -> Self {
        Self { index, single: None, left: 0, last: None, at: 0, bytes: Vec::new(), taken: 0 }
    }

    fn number(&mut self) -> io::Result<u64> {
        if self.bytes.len() - self.taken < varint::BYTES_MAX {
            self.at += self.taken as u64;
            self.taken = 0;
            let length = self.index.rows_at.saturating_sub(self.at).min(POSTINGS_A_LOOK);
            self.bytes = exactly(&self.index.file, self.at, length)?;
        }
        let rest = self.bytes.get(self.taken..).unwrap_or_default();
        let (number, behind) = varint::read(rest).ok_or_else(nonsense)?;
        self.taken += rest.len() - behind.len();
        Ok(number)
    }

    fn step(&mut self) -> io::Result<u32> {
        let number = self.number()?;
        let ordinal = match self.last {
            None => Some(number),
            Some(last) => last.checked_sub(number).filter(|_| number > 0),
        };
        self.last = ordinal;
        ordinal.and_then(|ordinal| u32::try_from(ordinal).ok()).ok_or_else(nonsense)
    }
}

impl Iterator for Ordinals<'_> {
    type Item = io::Result<u32>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(single) = self.single.take() {
            return Some(Ok(single));
        }
        self.left = self.left.checked_sub(1)?;
        let step = self.step();
        if step.is_err() {
            self.left = 0;
        }
        Some(step)
    }
}
