//! Which segments there are, what stands where in them, and what their files looked like.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::Identity;
use crate::chain::Place;

/// Bytes between two places that are remembered.
pub(super) const MARK_BYTES: u64 = 64 * 1024;
/// The most segments whose places are remembered.
const MARKED_SEGMENTS_MAX: usize = 64;

/// A segment of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The number of its first frame.
    pub first: Place,
    /// The number of its last frame; `None` while it is written.
    pub last: Option<Place>,
    /// Its file.
    pub path: PathBuf,
    /// Length of the file.
    pub bytes: u64,
    /// Its file is gone, or is another one: an alarm was given.
    pub lost: bool,
    pub(super) identity: Option<Identity>,
    /// `last` is what the next opening says; before, it is what the next file's name says, and may be too much.
    pub(super) settled: bool,
}

/// All segments of the log.
#[derive(Debug, Default)]
pub(super) struct Layout(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    /// Oldest first; only the last one is open.
    segments: Vec<Segment>,
    /// First frame of a segment to places in it, ascending.
    marks: HashMap<Place, Vec<(Place, u64)>>,
    /// The segments that have marks, in the order in which they got their first.
    marked: VecDeque<Place>,
}

impl Layout {
    pub(super) fn push(&self, segment: Segment) {
        self.lock().segments.push(segment);
    }

    /// The open segment ends with this frame.
    pub(super) fn close_last(&self, last: Place) {
        if let Some(open) = self.lock().segments.last_mut().filter(|segment| segment.last.is_none()) {
            open.last = Some(last);
            open.settled = true;
        }
    }

    /// The segment ends with this frame, at the latest: so the next opening says.
    pub(super) fn settle(&self, first: Place, after: Option<Place>) {
        let mut contents = self.lock();
        if let Some(segment) = contents.segments.iter_mut().find(|segment| segment.first == first) {
            segment.settled = true;
            segment.last = segment.last.map(|last| after.map_or(last, |after| last.min(after)));
        }
    }

    pub(super) fn all(&self) -> Vec<Segment> {
        self.lock().segments.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().segments.len()
    }

    /// The segment that holds this frame, or the next one that there is.
    pub(super) fn holding(&self, place: Place) -> Option<Segment> {
        let contents = self.lock();
        let at = contents.segments.partition_point(|segment| segment.last.is_some_and(|last| last < place));
        contents.segments.get(at).cloned()
    }

    /// Marks a segment lost, unless it is so already or is none of ours any more.
    pub(super) fn lose(&self, first: Place) -> bool {
        let mut contents = self.lock();
        let segment = contents.segments.iter_mut().find(|segment| segment.first == first && !segment.lost);
        segment.map(|segment| segment.lost = true).is_some()
    }

    /// Forgets the closed segments whose frames are all at or before this one.
    pub(super) fn release(&self, through: Place) -> Vec<Segment> {
        let mut contents = self.lock();
        let count =
            contents.segments.partition_point(|segment| segment.last.is_some_and(|last| last <= through));
        let released: Vec<Segment> = contents.segments.drain(..count).collect();
        for segment in &released {
            contents.marks.remove(&segment.first);
            contents.marked.retain(|first| *first != segment.first);
        }
        released
    }

    /// Remembers where a frame begins, if none is remembered nearby.
    pub(super) fn mark(&self, first: Place, place: Place, offset: u64) {
        let mut contents = self.lock();
        if !contents.marks.contains_key(&first) {
            contents.marked.push_back(first);
            if contents.marked.len() > MARKED_SEGMENTS_MAX
                && let Some(oldest) = contents.marked.pop_front()
            {
                contents.marks.remove(&oldest);
            }
        }
        let marks = contents.marks.entry(first).or_default();
        let at = marks.partition_point(|(marked, _)| *marked < place);
        let before = at.checked_sub(1).and_then(|at| marks.get(at)).map_or(0, |mark| mark.1);
        let next = marks.get(at).map_or(u64::MAX, |mark| mark.1);
        if offset >= before + MARK_BYTES && next.saturating_sub(offset) >= MARK_BYTES {
            marks.insert(at, (place, offset));
        }
    }

    /// Where to begin reading so as to find this frame of a segment soon.
    pub(super) fn nearest(&self, first: Place, place: Place) -> u64 {
        let contents = self.lock();
        let marks = contents.marks.get(&first).map(Vec::as_slice).unwrap_or_default();
        let at = marks.partition_point(|(marked, _)| *marked <= place);
        at.checked_sub(1).and_then(|at| marks.get(at)).map_or(0, |mark| mark.1)
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(first: u64, last: Option<u64>) -> Segment {
        let path = PathBuf::from(first.to_string());
        Segment {
            first: Place(first),
            last: last.map(Place),
            path,
            bytes: 0,
            lost: false,
            identity: None,
            settled: true,
        }
    }

    #[test]
    fn a_frame_is_found_behind_holes_and_purged_segments() {
        let layout = Layout::default();
        let segments = [segment(5, Some(9)), segment(12, Some(20)), segment(21, None)];
        segments.into_iter().for_each(|segment| layout.push(segment));
        for (place, first) in [(1, 5), (5, 5), (9, 5), (10, 12), (20, 12), (21, 21), (99, 21)] {
            assert_eq!(layout.holding(Place(place)).unwrap().first, Place(first), "{place}");
        }
        let released: Vec<u64> = layout.release(Place(20)).iter().map(|segment| segment.first.0).collect();
        assert_eq!(released, [5, 12]);
        assert_eq!(layout.holding(Place(1)).unwrap().first, Place(21));
    }

    #[test]
    fn marks_stand_apart_and_the_nearest_before_a_frame_is_found() {
        let layout = Layout::default();
        let first = Place(1);
        for (place, offset) in
            [(2, 100), (500, MARK_BYTES), (501, MARK_BYTES + 9), (900, 3 * MARK_BYTES), (700, 2 * MARK_BYTES)]
        {
            layout.mark(first, Place(place), offset);
        }
        for (place, offset) in [(1, 0), (499, 0), (500, 1), (699, 1), (700, 2), (900, 3), (5000, 3)] {
            assert_eq!(layout.nearest(first, Place(place)), offset * MARK_BYTES, "{place}");
        }
        assert_eq!(layout.nearest(Place(77), Place(80)), 0);
        for later in 2..=u64::try_from(MARKED_SEGMENTS_MAX).unwrap() + 1 {
            assert_eq!(layout.nearest(first, Place(700)), 2 * MARK_BYTES);
            layout.mark(Place(later * 10_000), Place(later * 10_000 + 1), MARK_BYTES);
        }
        assert_eq!(layout.nearest(first, Place(700)), 0, "the oldest marks are forgotten");
    }
}
