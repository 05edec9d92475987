//! Which segments may go.

use std::io;
use std::path::Path;
use std::time::Duration;

use keyreeve_model::timestamp::Timestamp;

use crate::chain::Place;
use crate::index::index_name;
use crate::segment::{self, Next, Opening, SegmentFile, SegmentReader};

/// How long and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Segments that were closed longer ago than this go.
    pub age: Option<Duration>,
    /// The oldest go until segments and indexes have at most so many bytes.
    pub total_bytes: Option<u64>,
    /// Whatever comes after this frame stays: it is not delivered yet.
    pub delivered: Place,
}

/// The segments to purge, oldest first: none of them the open one.
///
/// # Errors
/// When the folder cannot be read.
pub fn plan(folder: &Path, now: Timestamp, policy: &Policy) -> io::Result<Vec<SegmentFile>> {
    let segments = segment::list(folder)?;
    let sizes: Vec<u64> = segments.iter().map(size).collect();
    let mut total: u64 = sizes.iter().sum();
    let mut planned = Vec::new();
    for ((file, following), size) in segments.iter().zip(segments.iter().skip(1)).zip(sizes) {
        // What follows a segment was begun when the segment was closed, and its number is past the last in it.
        let Some(opening) = opening_of(following)? else { break };
        let delivered = opening.after <= policy.delivered;
        let oversized = policy.total_bytes.is_some_and(|most| total > most);
        let closed_since = now.as_millis().saturating_sub(opening.time.as_millis());
        let too_old = policy
            .age
            .is_some_and(|age| u128::try_from(closed_since).is_ok_and(|since| since > age.as_millis()));
        if !delivered || !(oversized || too_old) {
            break;
        }
        total = total.saturating_sub(size);
        planned.push(file.clone());
    }
    Ok(planned)
}

fn size(file: &SegmentFile) -> u64 {
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    bytes(&file.path) + bytes(&file.path.with_file_name(index_name(file.first)))
}

pub(super) fn opening_of(file: &SegmentFile) -> io::Result<Option<Opening>> {
    match SegmentReader::open(&file.path)?.next_frame()? {
        Next::Frame { frame, .. } => Ok(Opening::of(&frame).filter(|opening| opening.first == file.first)),
        Next::Zeros { .. } | Next::EndOfFile { .. } | Next::Garbage { .. } => Ok(None),
    }
}
