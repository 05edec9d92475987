//! From frames to what a stream sends: entries with a record, the first of an id.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use keyreeve_audit::{Entry, Frame, FrameKind, Place};
use uuid::Uuid;

use super::Content;
use super::notice;

/// Ids that are remembered. After a crash the log may hold an entry twice; what stands between is what was written
/// within about a second.
pub(super) const IDS_MAX: usize = 65_536;

/// What is sent, with its place.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Of its frame.
    pub(super) place: Place,
    /// The entry.
    pub(super) entry: Arc<Entry>,
    /// The JSON that is sent: the record, or the notice of it.
    pub(super) json: Vec<u8>,
}

/// Lets the first of each id pass.
#[derive(Debug)]
pub(super) struct Sieve {
    content: Content,
    seen: HashSet<Uuid>,
    order: VecDeque<Uuid>,
}

impl Sieve {
    pub(super) fn new(content: Content) -> Self {
        Self { content, seen: HashSet::new(), order: VecDeque::new() }
    }

    /// Remembers what was sent before.
    pub(super) fn remember(&mut self, frames: &[Frame]) {
        for frame in frames {
            if let Some(entry) = entry_of(frame) {
                self.is_first(entry.id);
            }
        }
    }

    /// What is sent of these frames, in order.
    pub(super) fn pass(&mut self, frames: &[Frame]) -> Vec<Item> {
        let mut items = Vec::new();
        for frame in frames {
            let Some(entry) = entry_of(frame) else { continue };
            if !self.is_first(entry.id) {
                continue;
            }
            let json = match self.content {
                Content::Records => Some(on_one_line(&entry.event)),
                Content::Notices => notice::of(&entry),
            };
            if let Some(json) = json {
                items.push(Item { place: frame.number, entry: Arc::new(entry), json });
            }
        }
        items
    }

    fn is_first(&mut self, id: Uuid) -> bool {
        if !self.seen.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}

/// Upkeep has no record.
fn entry_of(frame: &Frame) -> Option<Entry> {
    let entry = (frame.kind == FrameKind::Entry).then(|| Entry::from_payload(&frame.payload))??;
    (!entry.event.is_empty()).then_some(entry)
}

/// A line break of JSON stands between its tokens: within a text it is escaped (RFC 8259 §7).
fn on_one_line(json: &[u8]) -> Vec<u8> {
    json.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}
