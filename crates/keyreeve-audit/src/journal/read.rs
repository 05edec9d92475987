//! Reading what is durable, from the files: nothing of the log is kept in memory.

use std::collections::HashSet;
use std::io;

use uuid::Uuid;

use super::layout::{MARK_BYTES, Segment};
use super::{JournalError, Shared};
use crate::chain::Place;
use crate::frame::{Frame, FrameKind};
use crate::segment::{Next, Opening, SegmentReader};

/// Read at a time when the log is searched.
const SEARCH_BYTES: usize = 1 << 20;

/// Frames that are gathered for one answer.
#[derive(Debug)]
struct Gathered {
    frames: Vec<Frame>,
    bytes: usize,
    max_bytes: usize,
    /// The last one that was gathered or passed over.
    after: Place,
    full: bool,
}

/// How the reading of a segment ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// With the last frame that was asked for, or because the answer is full.
    Done,
    /// Before that.
    Early,
}

pub(super) fn read(shared: &Shared, after: Place, max_bytes: usize) -> Result<Vec<Frame>, JournalError> {
    let durable = *shared.durable.borrow();
    let mut gathered = Gathered { frames: Vec::new(), bytes: 0, max_bytes, after, full: false };
    while gathered.after < durable && !gathered.full {
        let Some(segment) = shared.layout.holding(Place(gathered.after.0 + 1)) else { break };
        if let Some(last) = segment.last.filter(|_| !segment.settled) {
            settle(shared, &segment, last);
            continue;
        }
        let until = segment.last.unwrap_or(durable).min(durable);
        match read_segment(shared, &segment, until, &mut gathered) {
            Ok(Ended::Done) => continue,
            Ok(Ended::Early) => {}
            Err(_) if segment.lost => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&segment, &error.to_string())),
        }
        if !segment.lost {
            damaged(shared, &segment, gathered.after);
        }
        if segment.last.is_none() {
            // The writer is about to close it. Then it is passed over.
            if gathered.frames.is_empty() {
                return Err(unreadable(&segment, "damaged"));
            }
            break;
        }
        gathered.after = gathered.after.max(until);
    }
    Ok(gathered.frames)
}

/// Which of these entries stand behind this frame.
pub(super) fn contained(
    shared: &Shared,
    ids: &HashSet<Uuid>,
    after: Place,
) -> Result<HashSet<Uuid>, JournalError> {
    let (mut found, mut after) = (HashSet::new(), after);
    loop {
        let frames = read(shared, after, SEARCH_BYTES)?;
        let Some(last) = frames.last() else { return Ok(found) };
        after = last.number;
        let entries = frames.iter().filter(|frame| frame.kind == FrameKind::Entry);
        let of_entry = |frame: &Frame| frame.payload.first_chunk::<16>().map(|id| Uuid::from_bytes(*id));
        found.extend(entries.filter_map(of_entry).filter(|id| ids.contains(id)));
    }
}

fn read_segment(
    shared: &Shared,
    segment: &Segment,
    until: Place,
    gathered: &mut Gathered,
) -> io::Result<Ended> {
    let mut reader = SegmentReader::open(&segment.path)?;
    let mut marked = shared.layout.nearest(segment.first, Place(gathered.after.0 + 1));
    reader.seek(marked)?;
    // Nothing behind `until` is looked at: it may be written just now.
    while gathered.after < until {
        let Next::Frame { offset, frame } = reader.next_frame()? else { return Ok(Ended::Early) };
        if offset >= marked + MARK_BYTES {
            marked = offset;
            shared.layout.mark(segment.first, frame.number, offset);
        }
        if frame.number <= gathered.after {
            continue;
        }
        if frame.number > until {
            return Ok(Ended::Early);
        }
        if !gathered.add(frame) {
            break;
        }
    }
    Ok(Ended::Done)
}

impl Gathered {
    /// Whether it still fitted.
    fn add(&mut self, frame: Frame) -> bool {
        let bytes = self.bytes.saturating_add(frame.payload.len());
        if !self.frames.is_empty() && bytes > self.max_bytes {
            self.full = true;
            return false;
        }
        self.bytes = bytes;
        self.after = frame.number;
        self.frames.push(frame);
        true
    }
}

/// Finds where a segment of an earlier run ends. What lies behind the frame that the next opening names was never acknowledged,
/// and may be torn.
fn settle(shared: &Shared, segment: &Segment, last: Place) {
    let next = shared.layout.holding(Place(last.0 + 1)).filter(|next| next.first > segment.first);
    let opening = next.and_then(|next| match SegmentReader::open(&next.path).ok()?.next_frame().ok()? {
        Next::Frame { frame, .. } => Opening::of(&frame),
        Next::Zeros { .. } | Next::EndOfFile { .. } | Next::Garbage { .. } => None,
    });
    shared.layout.settle(segment.first, opening.map(|opening| opening.after));
}

/// Says once that frames are missing in a segment; an open one is then left.
fn damaged(shared: &Shared, segment: &Segment, after: Place) {
    let reason = format!("{} is gone or damaged behind frame {}", segment.path.display(), after.0);
    if shared.layout.lose(segment.first) {
        shared
            .state
            .alarm(format!("{reason}: what follows in it is passed over; run `keyreeve audit verify`"));
        if segment.last.is_none() {
            shared.state.break_down(&format!("{reason}: run `keyreeve audit verify`"));
            shared.queue.poke();
        }
    }
}

fn unreadable(segment: &Segment, why: &str) -> JournalError {
    JournalError::Unreadable(format!("{}: {why}", segment.path.display()))
}
