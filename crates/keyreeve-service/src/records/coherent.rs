//! A bounded cache that never answers with what was true before an acknowledged change.
//!
//! Each key belongs to one of 256 lanes, each with an epoch. A value is filled with the epoch that its lane had before
//! the store was read, and is answered only while the lane still has that epoch; a change moves the epoch on before it
//! is acknowledged. So a reader that raced with a change fills a value that nobody is ever given.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;

const LANES: usize = 256;

/// The cache.
pub(crate) struct Coherent<K, V> {
    cache: Cache<K, (u64, V)>,
    lanes: Box<[AtomicU64]>,
    hasher: RandomState,
    misses: AtomicU64,
}

/// The epoch of a lane before its store was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(u64);

impl<K: Hash + Eq + Clone, V: Clone> Coherent<K, V> {
    /// A cache of at most about this many entries.
    pub(crate) fn new(entries_max: usize) -> Self {
        let lanes = (0..LANES).map(|_| AtomicU64::new(0)).collect();
        Self { cache: Cache::new(entries_max), lanes, hasher: RandomState::new(), misses: AtomicU64::new(0) }
    }

    fn epoch(&self, key: &K) -> &AtomicU64 {
        let lane = usize::try_from(self.hasher.hash_one(key) % LANES as u64).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "a remainder of LANES indexes LANES lanes")]
        &self.lanes[lane]
    }

    /// The value, if it is still true.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let (filled, value) = self.cache.get(key)?;
        (filled == self.epoch(key).load(Ordering::Acquire)).then_some(value)
    }

    /// To be taken before the store is read.
    pub(crate) fn ticket(&self, key: &K) -> Ticket {
        self.misses.fetch_add(1, Ordering::Relaxed);
        Ticket(self.epoch(key).load(Ordering::Acquire))
    }

    /// Lookups that went to the store.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    /// Keeps what the store answered.
    pub(crate) fn fill(&self, key: K, ticket: Ticket, value: V) {
        self.cache.insert(key, (ticket.0, value));
    }

    /// To be called after a change is durable and before it is acknowledged.
    pub(crate) fn forget(&self, key: &K) {
        self.epoch(key).fetch_add(1, Ordering::AcqRel);
        self.cache.remove(key);
    }
}

impl<K, V> fmt::Debug for Coherent<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coherent").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_read_before_a_change_is_never_answered() {
        let cache: Coherent<&str, u32> = Coherent::new(8);
        let ticket = cache.ticket(&"k");
        cache.forget(&"k");
        cache.fill("k", ticket, 1);
        assert_eq!(cache.get(&"k"), None);
        let ticket = cache.ticket(&"k");
        cache.fill("k", ticket, 2);
        assert_eq!(cache.get(&"k"), Some(2));
        cache.forget(&"k");
        assert_eq!(cache.get(&"k"), None);
    }
}
