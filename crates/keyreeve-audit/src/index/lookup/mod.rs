//! Looks events up, newest first: closed segments through their indexes, the open one through an index in memory that
//! follows it.

mod source;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use uuid::Uuid;

use super::attributes::{Attribute, EventAttributes, term};
use crate::chain::Place;
use crate::entry::Entry;
use crate::frame::{FRAME_HEAD_BYTES, Frame, PAYLOAD_BYTES_MAX};
use crate::segment::{self, SegmentFile};
use source::{Memory, Source};

/// Segments that may be without an index at a time and still be kept in memory.
const MEMORIES_MAX: usize = 4;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Query {
    /// Events of this account.
    pub account: AccountId,
    /// In this Region.
    pub region: Region,
    /// With this value.
    pub attribute: Option<(Attribute, String)>,
    /// Not before.
    pub start: Option<Timestamp>,
    /// Not after.
    pub end: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
    /// Where the page before this one ended.
    pub after: Option<Continuation>,
}

/// Where a page ended. Whoever hands it to a client seals it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuation(pub Place);

/// An event that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its frame.
    pub place: Place,
    /// Its `eventID`.
    pub id: Uuid,
    /// When it happened.
    pub time: Timestamp,
    /// The record: JSON.
    pub event: Vec<u8>,
}

/// Some events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub events: Vec<Found>,
    /// Where the next page begins, when there are more.
    pub next: Option<Continuation>,
}

/// Looks up in the log of a folder. Everything here blocks on files.
#[derive(Debug)]
pub struct Lookup {
    folder: PathBuf,
    memories: Mutex<BTreeMap<Place, Arc<Memory>>>,
}

impl Lookup {
    /// In this folder.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, memories: Mutex::new(BTreeMap::new()) }
    }

    /// Reads what was appended since, so that the next look need not. Nothing depends on it.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn follow(&self, durable: Place) -> io::Result<()> {
        let newest = segment::list(&self.folder)?.pop();
        newest.map(|file| self.source(&file, durable)).transpose().map(drop)
    }

    /// A page of events, of frames up to `durable`.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn find(&self, query: &Query, durable: Place) -> io::Result<Page> {
        let durable_end = Place(durable.0.saturating_add(1));
        let before = query.after.map_or(durable_end, |after| after.0.min(durable_end));
        let mut segments = segment::list(&self.folder)?;
        segments.retain(|file| file.first < before);
        let mut gathered = Gathered::default();
        let mut newer: Option<(SegmentFile, Source)> = None;
        // One step behind: an event is the first of its id only when the segment before does not hold it too.
        while let Some(file) = segments.pop() {
            let source = self.source(&file, durable)?;
            if let Some((newer_file, newer_source)) = newer.take()
                && gathered.search(query, before, &newer_file, &newer_source, source.as_ref())?
            {
                return Ok(gathered.page(query.limit));
            }
            newer = source.map(|source| (file, source));
        }
        if let Some((file, source)) = newer {
            gathered.search(query, before, &file, &source, None)?;
        }
        Ok(gathered.page(query.limit))
    }

    /// How a segment is searched; `None` when it was purged meanwhile.
    fn source(&self, file: &SegmentFile, durable: Place) -> io::Result<Option<Source>> {
        if let Some(index) = Source::of_index(file) {
            let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
            memories.remove(&file.first);
            return Ok(Some(index));
        }
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = memories.entry(file.first).or_default();
        if let Err(error) = Arc::make_mut(memory).follow(&file.path, durable) {
            let gone = error.kind() == io::ErrorKind::NotFound;
            memories.remove(&file.first);
            return if gone { Ok(None) } else { Err(error) };
        }
        let source = Source::Memory(Arc::clone(memory));
        while memories.len() > MEMORIES_MAX {
            // The newest is followed at every look; of the others any can be made again.
            memories.pop_first();
        }
        Ok(Some(source))
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Gathered {
    events: Vec<Found>,
    ids: HashSet<Uuid>,
}

impl Gathered {
    /// Searches one segment; whether there is enough.
    fn search(
        &mut self,
        query: &Query,
        before: Place,
        file: &SegmentFile,
        source: &Source,
        older: Option<&Source>,
    ) -> io::Result<bool> {
        let (oldest, newest) = source.span();
        if query.start.is_some_and(|start| newest < start) || query.end.is_some_and(|end| oldest > end) {
            return Ok(false);
        }
        let wanted = query.attribute.as_ref().map(|(attribute, value)| (*attribute, value.as_str()));
        let ordinals = source.ordinals(term(query.account, &query.region, wanted))?;
        let log = match File::open(&file.path) {
            Ok(log) => log,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        for ordinal in ordinals {
            let ordinal = ordinal?;
            let (offset, about) = source.event(ordinal)?;
            let late = query.end.is_some_and(|end| about > end.as_millis());
            let early = query.start.is_some_and(|start| about.saturating_add(999) < start.as_millis());
            if late || early {
                continue;
            }
            let Some(frame) = frame_at(&log, u64::from(offset), before)? else { continue };
            let Some(entry) = Entry::from_payload(&frame.payload) else { continue };
            if !matches(query, &entry) {
                continue;
            }
            let id = entry.id.to_string();
            let id = term(query.account, &query.region, Some((Attribute::EventId, &id)));
            let repeated = source.oldest_ordinal(id)?.is_some_and(|first| first < ordinal);
            let earlier = older.map(|older| older.oldest_ordinal(id)).transpose()?.flatten().is_some();
            if !repeated && !earlier && self.ids.insert(entry.id) {
                let Entry { id, time, event, .. } = entry;
                self.events.push(Found { place: frame.number, id, time, event });
                if self.events.len() > query.limit {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn page(mut self, limit: usize) -> Page {
        let more = self.events.len() > limit;
        self.events.truncate(limit);
        let next = self.events.last().filter(|_| more).map(|last| Continuation(last.place));
        // The log is in the order of appending; an answer in that of time. They differ by moments.
        self.events.sort_by_key(|event| std::cmp::Reverse((event.time, event.place)));
        Page { events: self.events, next }
    }
}

/// The frame that begins at a byte, when there is one and it comes before `before`: as few bytes as say so.
fn frame_at(log: &File, offset: u64, before: Place) -> io::Result<Option<Frame>> {
    let mut head = [0; FRAME_HEAD_BYTES];
    log.read_exact_at(&mut head, offset)?;
    let Some((length, rest)) = head.split_first_chunk::<4>() else { return Ok(None) };
    let number = rest.first_chunk::<8>().map_or(u64::MAX, |number| u64::from_be_bytes(*number));
    let payload =
        usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX).checked_sub(FRAME_HEAD_BYTES - 4);
    let Some(payload) = payload.filter(|payload| *payload <= PAYLOAD_BYTES_MAX && number < before.0) else {
        return Ok(None);
    };
    let mut bytes = head.to_vec();
    bytes.resize(FRAME_HEAD_BYTES + payload, 0);
    log.read_exact_at(&mut bytes, offset)?;
    Ok(Frame::read(&bytes).map(|(frame, _)| frame))
}

/// Whether an event is what is looked for. An index only says where to look.
fn matches(query: &Query, entry: &Entry) -> bool {
    let there = entry.account == query.account && entry.region == query.region;
    let then =
        query.start.is_none_or(|start| entry.time >= start) && query.end.is_none_or(|end| entry.time <= end);
    let has =
        |(attribute, value): &(Attribute, String)| EventAttributes::of(&entry.event).has(*attribute, value);
    there && then && query.attribute.as_ref().is_none_or(has)
}
