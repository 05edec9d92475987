//! Makes an index: of a closed segment as a file, of the open one in memory.
//!
//! The file, big-endian, [`HEAD_BYTES`] and four sections:
//!
//! | part | what |
//! |---|---|
//! | 8 | `KRVIDX01` |
//! | 8, 8 | numbers of the segment's first and last frame |
//! | 8, 8 | time of its oldest and newest event, milliseconds since the epoch |
//! | 4, 4 | how many events, how many terms |
//! | 8, 8, 8 | where postings, rows and the end of the file are |
//! | 8 each | events in the order of the log: byte in the segment, whole seconds after the oldest (4 each) |
//! | 12 each | terms, sorted: the term, then a single event's ordinal with the highest bit set, or where its postings are |
//! | … | postings: how many, the newest ordinal, then steps down, as [`super::varint`] |
//! | … | rows: [`super::rows`] |

use std::collections::{BTreeMap, HashMap};
use std::io;

use super::attributes::{EventAttributes, Term, term};
use super::rows::{self, hash_of_hex};
use super::varint;
use crate::chain::{Hash, Place};
use crate::entry::Entry;
use crate::frame::{Frame, FrameKind};

pub(super) const MAGIC: &[u8; 8] = b"KRVIDX01";
pub(super) const HEAD_BYTES: u64 = 8 + 8 + 8 + 8 + 8 + 4 + 4 + 8 + 8 + 8;
pub(super) const EVENT_BYTES: u64 = 8;
pub(super) const TERM_BYTES: u64 = 12;
/// Set where a single event stands instead of postings.
pub(super) const SINGLE: u32 = 1 << 31;

/// What one segment holds, by what it is found by.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    first: Place,
    last: Place,
    /// Where each event's frame begins, and its time in milliseconds.
    events: Vec<(u32, i64)>,
    terms: HashMap<Term, Vec<u32>>,
    rows: BTreeMap<String, (u64, Option<Hash>)>,
}

impl Builder {
    /// Takes the next frame, which begins at this byte of the segment.
    ///
    /// # Errors
    /// When the segment is larger than an index can point into (4 GiB).
    pub fn add(&mut self, offset: u64, frame: &Frame) -> io::Result<()> {
        if self.first == Place(0) {
            self.first = frame.number;
        }
        self.last = frame.number;
        if frame.kind != FrameKind::Entry {
            return Ok(());
        }
        let Some(entry) = Entry::from_payload(&frame.payload) else { return Ok(()) };
        for row in &entry.rows {
            self.row(&row.0, row.1, row.2.as_deref().and_then(hash_of_hex));
        }
        if entry.event.is_empty() {
            return Ok(());
        }
        let ordinal = u32::try_from(self.events.len()).ok().filter(|ordinal| *ordinal < SINGLE);
        let (Some(ordinal), Ok(offset)) = (ordinal, u32::try_from(offset)) else {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the segment is too large to be indexed",
            ));
        };
        self.events.push((offset, entry.time.as_millis()));
        let attributes = EventAttributes::of(&entry.event);
        let values = attributes.pairs().map(Some).chain([None]);
        for term in values.map(|value| term(entry.account, &entry.region, value)) {
            self.terms.entry(term).or_default().push(ordinal);
        }
        Ok(())
    }

    /// The last word on a row is that of the highest number: after a crash an older one may stand behind it once more.
    fn row(&mut self, path: &str, number: u64, hash: Option<Hash>) {
        match self.rows.get_mut(path) {
            Some(last) if last.0 > number => {}
            Some(last) => *last = (number, hash),
            None => {
                self.rows.insert(path.to_owned(), (number, hash));
            }
        }
    }

    /// The times of the oldest and the newest event.
    pub(super) fn span(&self) -> (i64, i64) {
        let times = || self.events.iter().map(|event| event.1);
        (times().min().unwrap_or_default(), times().max().unwrap_or_default())
    }

    pub(super) fn event(&self, ordinal: u32) -> Option<(u32, i64)> {
        self.events.get(usize::try_from(ordinal).ok()?).copied()
    }

    /// Ordinals of a term, the oldest first.
    pub(super) fn ordinals(&self, term: Term) -> &[u32] {
        self.terms.get(&term).map_or(&[], Vec::as_slice)
    }

    /// The file.
    ///
    /// # Errors
    /// When it would be larger than 2 GiB.
    pub fn finish(&self) -> io::Result<Vec<u8>> {
        let (oldest, newest) = self.span();
        let mut terms: Vec<_> = self.terms.iter().collect();
        terms.sort_unstable_by_key(|(term, _)| **term);
        let mut head = Vec::new();
        for (_, time) in &self.events {
            // 136 years fit.
            let seconds = u32::try_from((time - oldest) / 1000).unwrap_or(u32::MAX);
            head.extend_from_slice(&seconds.to_be_bytes());
        }
        let mut events = Vec::with_capacity(head.len() * 2);
        for ((offset, _), seconds) in self.events.iter().zip(head.chunks(4)) {
            events.extend_from_slice(&offset.to_be_bytes());
            events.extend_from_slice(seconds);
        }
        let (mut dictionary, mut postings) = (Vec::new(), Vec::new());
        for (term, ordinals) in &terms {
            dictionary.extend_from_slice(&term.to_be_bytes());
            let place = match ordinals.as_slice() {
                [single] => SINGLE | *single,
                several => {
                    let place = u32::try_from(postings.len()).ok().filter(|place| *place < SINGLE);
                    write_postings(several, &mut postings);
                    place.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?
                }
            };
            dictionary.extend_from_slice(&place.to_be_bytes());
        }
        let rows = self.rows_section();
        let postings_at = HEAD_BYTES + (events.len() + dictionary.len()) as u64;
        let rows_at = postings_at + postings.len() as u64;
        let mut bytes = MAGIC.to_vec();
        for number in [self.first.0, self.last.0] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for time in [oldest, newest] {
            bytes.extend_from_slice(&time.to_be_bytes());
        }
        for count in [self.events.len(), terms.len()] {
            bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
        }
        for place in [postings_at, rows_at, rows_at + rows.len() as u64] {
            bytes.extend_from_slice(&place.to_be_bytes());
        }
        for section in [events, dictionary, postings, rows] {
            bytes.extend_from_slice(&section);
        }
        Ok(bytes)
    }

    pub(super) fn rows_section(&self) -> Vec<u8> {
        let (mut bytes, mut before) = (Vec::new(), "");
        for (path, (number, hash)) in &self.rows {
            rows::write(before, path, *number, hash.as_ref(), &mut bytes);
            before = path;
        }
        bytes
    }
}

/// Ordinals, which come oldest first, are written newest first.
fn write_postings(ordinals: &[u32], bytes: &mut Vec<u8>) {
    varint::write(ordinals.len() as u64, bytes);
    let mut last = None;
    for ordinal in ordinals.iter().rev().map(|ordinal| u64::from(*ordinal)) {
        varint::write(last.map_or(ordinal, |last: u64| last - ordinal), bytes);
        last = Some(ordinal);
    }
}
