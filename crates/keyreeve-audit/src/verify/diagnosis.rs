//! Where the chain fails: what happened there. It looks at what stands there, and ahead at what follows.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::report::{Finding, What};
use super::walk::Walk;
use crate::chain::{Hash, Place, link};
use crate::frame::{FRAME_HEAD_BYTES, Frame, FrameKind, PAYLOAD_BYTES_MAX};
use crate::retention::Tombstone;
use crate::segment::{Next, SegmentFile, SegmentReader};

/// The most that is looked at behind bytes that are no frame: two frames of the largest size.
const WINDOW_BYTES: u64 = 2 * (FRAME_HEAD_BYTES as u64 + PAYLOAD_BYTES_MAX as u64);

/// What follows behind a frame that does not fit.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// The hash that the frame in question should be chained to.
    before: Option<Hash>,
    /// The frame that should stand there.
    pub(super) genuine: bool,
    /// One with the number after it.
    successor: bool,
    /// The frame before the one that stands there, as that one's hash says.
    found_is_genuine: bool,
    /// One that should stand there if what stands there were the one before.
    continues_found: bool,
    /// The one that stands there, once more.
    found_again: bool,
}

impl Ahead {
    /// Looks through the rest of this file and the files after it.
    pub(super) fn of(
        walk: &Walk<'_>,
        index: usize,
        reader: SegmentReader,
        found: Option<&Frame>,
    ) -> io::Result<Self> {
        let later = walk.folder.segments.get(index + 1..).unwrap_or_default();
        let before = match walk.hash {
            Some(hash) => Some(hash),
            None => purged_before(&walk.folder.segments, walk.next)?,
        };
        let mut ahead = Self { before, ..Self::default() };
        ahead.look(walk.next, found, reader)?;
        for file in later {
            if ahead.settled(walk.next, found) {
                break;
            }
            ahead.look(walk.next, found, SegmentReader::open(&file.path)?)?;
        }
        Ok(ahead)
    }

    fn settled(&self, next: Place, found: Option<&Frame>) -> bool {
        self.genuine && found.is_none_or(|found| found.number <= next || self.found_again)
    }

    fn look(&mut self, next: Place, found: Option<&Frame>, mut reader: SegmentReader) -> io::Result<()> {
        while let Next::Frame { frame, .. } = reader.next_frame()? {
            let links = |before: &Hash, frame: &Frame| {
                link(before, frame.number, frame.kind, &frame.payload) == frame.hash
            };
            self.genuine |= frame.number == next && self.before.is_some_and(|hash| links(&hash, &frame));
            self.successor |= frame.number.0 == next.0.saturating_add(1);
            if let Some(found) = found {
                self.found_is_genuine |=
                    frame.number.0.saturating_add(1) == found.number.0 && links(&frame.hash, found);
                self.continues_found |= frame.number == next && links(&found.hash, &frame);
                self.found_again |= frame.number == found.number && frame.hash == found.hash;
            }
            if self.settled(next, found) {
                break;
            }
        }
        Ok(())
    }

    /// The finding.
    pub(super) fn finding(&self, walk: &Walk<'_>, found: &Frame, file: &str) -> io::Result<Finding> {
        let next = walk.next;
        let only_number =
            self.before.is_some_and(|before| link(&before, next, found.kind, &found.payload) == found.hash);
        // Behind what a committed head speaks of, nothing says that there was a frame to alter.
        let past_all = !self.successor && walk.committed().is_some_and(|committed| next > committed);
        if self.is_the_one_before(walk, found) {
            let place = found.number;
            return Ok(Finding { place, file: file.to_owned(), what: What::Inserted });
        }
        let what = match found.number.cmp(&next) {
            _ if only_number => What::Altered,
            Ordering::Equal | Ordering::Less if self.genuine || past_all => What::Inserted,
            Ordering::Equal | Ordering::Less => What::Altered,
            Ordering::Greater if self.genuine && self.found_is_genuine && !self.found_again => {
                What::Reordered { found: found.number }
            }
            Ordering::Greater if self.genuine => What::Inserted,
            Ordering::Greater if self.successor && found.number.0 != next.0.saturating_add(1) => {
                What::Altered
            }
            Ordering::Greater => What::Removed { to: Place(found.number.0.saturating_sub(1)) },
        };
        Ok(Finding { place: next, file: file.to_owned(), what })
    }
}

impl Ahead {
    /// Whether what stands here is the true frame before this place, and what was taken for it was put in with a hash
    /// that fits.
    fn is_the_one_before(&self, walk: &Walk<'_>, found: &Frame) -> bool {
        let fits = |earlier: Hash| link(&earlier, found.number, found.kind, &found.payload) == found.hash;
        found.number.0.saturating_add(1) == walk.next.0
            && walk.hash != Some(found.hash)
            && self.continues_found
            && walk.earlier.is_some_and(fits)
    }
}

/// What a tombstone says of the frame before this one.
fn purged_before(segments: &[SegmentFile], next: Place) -> io::Result<Option<Hash>> {
    for file in segments {
        let mut reader = SegmentReader::open(&file.path)?;
        while let Next::Frame { frame, .. } = reader.next_frame()? {
            if frame.kind != FrameKind::Tombstone {
                continue;
            }
            let tombstone = serde_json::from_slice::<Tombstone>(&frame.payload).ok();
            let fitting = tombstone.filter(|tombstone| tombstone.to.0.saturating_add(1) == next.0);
            if let Some(tombstone) = fitting {
                return Ok(hex::decode(&tombstone.before).ok().and_then(|hash| hash.try_into().ok()));
            }
        }
    }
    Ok(None)
}

/// The bytes behind the last frame that could be read.
#[derive(Debug)]
pub(super) struct Behind {
    bytes: Vec<u8>,
    /// They reach to the end of the file.
    whole: bool,
}

impl Behind {
    pub(super) fn read(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(WINDOW_BYTES).read_to_end(&mut bytes)?;
        let whole = u64::try_from(bytes.len()).is_ok_and(|read| read < WINDOW_BYTES);
        Ok(Self { bytes, whole })
    }

    /// What happened; `None` when the file was merely cut within a frame, by a crash or by somebody: what is missing
    /// then tells which.
    pub(super) fn finding(&self, walk: &Walk<'_>, at_beginning: bool, file: &str) -> Option<Finding> {
        let next = walk.next;
        let past_all = walk.committed().is_some_and(|committed| next > committed);
        let what = if self.finds(next, walk.hash) {
            What::Inserted
        } else if self.finds(Place(next.0.saturating_add(1)), None) {
            What::Altered
        } else if self.is_cut(next, walk.hash) {
            return None;
        } else if at_beginning && !self.is_numbered(next) {
            What::FileGarbage
        } else if past_all {
            What::Inserted
        } else {
            What::Altered
        };
        Some(Finding { place: next, file: file.to_owned(), what })
    }

    /// Whether a frame of that number begins somewhere; with a hash, one that is chained to it.
    fn finds(&self, number: Place, before: Option<Hash>) -> bool {
        let pattern = number.0.to_be_bytes();
        let starts = self.bytes.windows(8).enumerate().filter(|(_, window)| *window == pattern);
        starts.filter_map(|(at, _)| self.bytes.get(at.checked_sub(4)?..)).any(|bytes| {
            Frame::read(bytes).is_some_and(|(frame, _)| {
                before.is_none_or(|before| {
                    link(&before, frame.number, frame.kind, &frame.payload) == frame.hash
                })
            })
        })
    }

    /// Whether the number stands where it should, as far as there are bytes.
    fn is_numbered(&self, number: Place) -> bool {
        let rest = self.bytes.get(4..).unwrap_or_default();
        rest.iter().zip(number.0.to_be_bytes()).all(|(byte, wanted)| *byte == wanted)
    }

    /// Whether these are the first bytes of the frame that belongs here, and the rest is gone.
    fn is_cut(&self, next: Place, before: Option<Hash>) -> bool {
        if !self.whole || !self.is_numbered(next) {
            return false;
        }
        let Some((length, rest)) = self.bytes.split_first_chunk::<4>() else { return true };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let plausible = (FRAME_HEAD_BYTES - 4..=FRAME_HEAD_BYTES - 4 + PAYLOAD_BYTES_MAX).contains(&length);
        if !plausible || length <= rest.len() {
            return false;
        }
        let Some((kind, rest)) = rest.get(8..).and_then(<[u8]>::split_first) else { return true };
        let Some(kind) = FrameKind::of_code(*kind) else { return false };
        let Some((hash, payload)) = rest.split_first_chunk::<32>() else { return true };
        // A frame that is all there, but says that it is longer, was not cut: its length was altered.
        let end = payload.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let all = [Some(payload), payload.get(..end)].into_iter().flatten();
        let complete = |before: Hash| all.clone().any(|payload| link(&before, next, kind, payload) == *hash);
        !before.is_some_and(complete)
    }
}
