//! What the log did so far, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use keyreeve_model::timestamp::Timestamp;

/// Upper bounds of the buckets of [`Figures::sync_buckets`], in microseconds; the last bucket has none.
pub const SYNC_BUCKETS_US: [u64; 10] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000];

/// The most that a batch waits to grow.
const PATIENCE_MAX: Duration = Duration::from_micros(500);

/// What the log did since it was opened, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Batches written.
    pub batches: u64,
    /// Frames written.
    pub frames: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Calls of fdatasync on segments.
    pub syncs: u64,
    /// What they took together, in microseconds.
    pub sync_us: u64,
    /// How many took at most as long as [`SYNC_BUCKETS_US`] says and longer than the bucket before; the rest at the end.
    pub sync_buckets: [u64; SYNC_BUCKETS_US.len() + 1],
    /// Requests that wait for the writer.
    pub waiting: usize,
    /// Bytes that are ready beyond the open segment.
    pub reserve_bytes: u64,
    /// Segments that there are, the open one among them.
    pub segments: usize,
    /// When the open segment was begun.
    pub open_since: Timestamp,
}

/// The counters behind them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    batches: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    syncs: AtomicU64,
    sync_us: AtomicU64,
    sync_buckets: [AtomicU64; SYNC_BUCKETS_US.len() + 1],
    /// What a sync took lately.
    recent_us: AtomicU64,
    open_since_ms: AtomicU64,
}

impl Counters {
    pub(super) fn wrote(&self, frames: u64, bytes: usize) {
        self.batches.fetch_add(1, Relaxed);
        self.frames.fetch_add(frames, Relaxed);
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or_default(), Relaxed);
    }

    pub(super) fn synced(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.syncs.fetch_add(1, Relaxed);
        self.sync_us.fetch_add(us, Relaxed);
        // Only the writer stores it.
        let recent = self.recent_us.load(Relaxed);
        self.recent_us.store((recent * 7 + us) / 8, Relaxed);
        let bucket = SYNC_BUCKETS_US.partition_point(|bound| *bound < us);
        if let Some(count) = self.sync_buckets.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// How long a batch may wait to grow: a quarter of what its sync will take, so that little is lost where nobody comes.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_micros(self.recent_us.load(Relaxed) / 4).min(PATIENCE_MAX)
    }

    pub(super) fn opened(&self, time: Timestamp) {
        self.open_since_ms.store(u64::try_from(time.as_millis()).unwrap_or_default(), Relaxed);
    }

    pub(super) fn figures(&self, waiting: usize, reserve_bytes: u64, segments: usize) -> Figures {
        let open_since = i64::try_from(self.open_since_ms.load(Relaxed)).unwrap_or_default();
        Figures {
            batches: self.batches.load(Relaxed),
            frames: self.frames.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            syncs: self.syncs.load(Relaxed),
            sync_us: self.sync_us.load(Relaxed),
            sync_buckets: self.sync_buckets.each_ref().map(|count| count.load(Relaxed)),
            waiting,
            reserve_bytes,
            segments,
            open_since: Timestamp::from_millis(open_since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sync_falls_into_one_bucket() {
        let counters = Counters::default();
        [100, 101, 2_000_000].into_iter().for_each(|us| counters.synced(Duration::from_micros(us)));
        let figures = counters.figures(0, 0, 0);
        assert_eq!(figures.sync_buckets, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((figures.syncs, figures.sync_us), (3, 2_000_201));
    }
}
