//! Picks a trail's records out of the log, in its order, each once: after a crash the log may hold an entry twice.
//!
//! Whether an entry is a repetition depends on the log alone (the same id stands in one of the frames shortly before), so
//! that whoever picks the same stretch once more picks the same records.

use std::collections::{BTreeMap, HashSet, VecDeque};

use keyreeve_audit::{Entry, Frame, FrameKind, Journal, JournalError, Place};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::cloudtrail::Trail;
use serde_json::Value;
use uuid::Uuid;

/// Frames before an entry in which its id is looked for. Entries come again that had not been confirmed when the process
/// died: those of the last moments before.
const REPEATED_WITHIN: u64 = 65_536;
/// Bytes of frames that are read at a time.
const READ_BYTES: usize = 2 << 20;

/// The records of one Region.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) oldest: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
}

/// What was picked since the last file.
#[derive(Debug)]
pub(super) struct Collector {
    /// As it was when picking began.
    trail: Trail,
    /// Not records after this.
    until: Option<Timestamp>,
    /// The newest frame that was delivered before.
    cursor: Place,
    /// The newest frame that was looked at.
    read: Place,
    by_region: BTreeMap<String, Collected>,
    bytes: usize,
    /// A record of after the end was seen.
    past: bool,
    order: VecDeque<(Place, Uuid)>,
    ids: HashSet<Uuid>,
}

impl Collector {
    pub(super) fn new(trail: Trail, until: Option<Timestamp>, cursor: Place) -> Self {
        Self {
            trail,
            until,
            cursor,
            read: Place(cursor.0.saturating_sub(REPEATED_WITHIN)),
            by_region: BTreeMap::new(),
            bytes: 0,
            past: false,
            order: VecDeque::new(),
            ids: HashSet::new(),
        }
    }

    /// Whether it picks this, from here.
    pub(super) fn picks(&self, trail: &Trail, until: Option<Timestamp>, cursor: Place) -> bool {
        self.trail == *trail && self.until == until && self.cursor == cursor
    }

    /// Goes on until `bytes` of records were picked, or `upto` was looked at, or nothing more is durable. Blocks.
    pub(super) fn advance(
        &mut self,
        journal: &Journal,
        upto: Option<Place>,
        bytes: usize,
    ) -> Result<(), JournalError> {
        while self.bytes < bytes && upto.is_none_or(|upto| self.read < upto) {
            let frames = journal.read(self.read, READ_BYTES)?;
            if frames.is_empty() {
                break;
            }
            for frame in frames {
                if self.bytes >= bytes || upto.is_some_and(|upto| frame.number > upto) {
                    break;
                }
                self.take(&frame);
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: &Frame) {
        self.read = frame.number;
        while self.order.front().is_some_and(|(place, _)| place.0 + REPEATED_WITHIN < frame.number.0) {
            if let Some((_, id)) = self.order.pop_front() {
                self.ids.remove(&id);
            }
        }
        if frame.kind != FrameKind::Entry {
            return;
        }
        let Some(entry) = Entry::from_payload(&frame.payload) else { return };
        if !self.is_wanted(&entry) || !self.ids.insert(entry.id) {
            return;
        }
        self.order.push_back((frame.number, entry.id));
        if frame.number <= self.cursor {
            return;
        }
        if self.until.is_some_and(|until| entry.time > until) {
            self.past = true;
            return;
        }
        self.bytes += entry.event.len();
        let collected = self.by_region.entry(entry.region.to_string()).or_default();
        collected.oldest = Some(collected.oldest.map_or(entry.time, |oldest| oldest.min(entry.time)));
        collected.newest = Some(collected.newest.map_or(entry.time, |newest| newest.max(entry.time)));
        collected.records.push(entry.event);
    }

    /// Records of the account: of the home Region or of every one, and of global services or not.
    fn is_wanted(&self, entry: &Entry) -> bool {
        let trail = &self.trail;
        if entry.account != trail.id.account || entry.event.is_empty() {
            return false;
        }
        if trail.multi_region {
            return true;
        }
        // A global service's records are of one Region whoever asked where; a trail of another one has them all the same.
        if is_global(&entry.event) { trail.global_events } else { entry.region == trail.id.home }
    }

    /// Where the records up to now end.
    pub(super) const fn read(&self) -> Place {
        self.read
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_region.is_empty()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) const fn is_past(&self) -> bool {
        self.past
    }

    pub(super) fn regions(&self) -> impl Iterator<Item = &str> {
        self.by_region.keys().map(String::as_str)
    }

    /// Time of the oldest record that was picked.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.by_region.values().filter_map(|collected| collected.oldest).min()
    }

    /// The records of a Region.
    pub(super) fn take_region(&mut self, region: &str) -> Option<Collected> {
        self.by_region.get_mut(region).map(std::mem::take).filter(|collected| !collected.records.is_empty())
    }

    /// Everything up to now was delivered.
    pub(super) fn delivered(&mut self) {
        self.cursor = self.read;
        self.by_region.clear();
        self.bytes = 0;
    }
}

/// Services whose records belong to no Region.
/// AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html>
const GLOBAL_SOURCES: [&str; 1] = ["iam.amazonaws.com"];

fn is_global(event: &[u8]) -> bool {
    let event: Option<Value> = serde_json::from_slice(event).ok();
    let source = event.as_ref().and_then(|event| event.get("eventSource")).and_then(Value::as_str);
    source.is_some_and(|source| GLOBAL_SOURCES.contains(&source))
}
