//! What a stream counts of itself; read when the metrics are.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use keyreeve_audit::Place;
use keyreeve_model::timestamp::Timestamp;

/// The counts of one stream.
#[derive(Debug)]
pub(crate) struct FeedCounts {
    name: String,
    place: AtomicU64,
    sent: AtomicU64,
    rejected: AtomicU64,
    failures: AtomicU64,
    /// 0 is never.
    failed_at: AtomicI64,
    /// When the oldest record happened that was tried and not taken yet; 0 is none.
    waiting_since: AtomicI64,
}

impl FeedCounts {
    pub(super) fn new(name: String, start: Place) -> Arc<Self> {
        Arc::new(Self {
            name,
            place: AtomicU64::new(start.0),
            sent: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            failed_at: AtomicI64::new(0),
            waiting_since: AtomicI64::new(0),
        })
    }

    /// `stream-otlp`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Up to which frame all was taken.
    pub(crate) fn place(&self) -> Place {
        Place(self.place.load(Relaxed))
    }

    /// Records that were taken.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Records that the receiver refused for good.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    /// Attempts that failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// When the last attempt failed that did.
    pub(crate) fn failed_at(&self) -> Option<Timestamp> {
        Some(self.failed_at.load(Relaxed)).filter(|millis| *millis != 0).map(Timestamp::from_millis)
    }

    /// How old the oldest record is that was tried and not taken yet.
    pub(crate) fn waiting_since(&self) -> Option<Timestamp> {
        Some(self.waiting_since.load(Relaxed)).filter(|millis| *millis != 0).map(Timestamp::from_millis)
    }

    /// Whether something was tried and not taken yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting_since().is_some()
    }

    pub(super) fn reached(&self, place: Place) {
        self.place.store(place.0, Relaxed);
    }

    pub(super) fn took(&self, taken: usize, rejected: usize) {
        self.sent.fetch_add(u64::try_from(taken.saturating_sub(rejected)).unwrap_or_default(), Relaxed);
        self.rejected.fetch_add(u64::try_from(rejected).unwrap_or_default(), Relaxed);
    }

    pub(super) fn waits(&self, since: Option<Timestamp>) {
        self.waiting_since.store(since.map_or(0, Timestamp::as_millis), Relaxed);
    }

    pub(super) fn failed(&self, now: Timestamp) {
        self.failures.fetch_add(1, Relaxed);
        self.failed_at.store(now.as_millis(), Relaxed);
    }
}
