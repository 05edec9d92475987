//! How many of a thing there are, for quotas: counted when the first one is created after a start, then kept in step.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Counts by place.
#[derive(Debug)]
pub(super) struct Counts<K>(Mutex<HashMap<K, u64>>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq> Counts<K> {
    /// The count, if the place was counted before.
    pub(super) fn get(&self, place: &K) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(place).copied()
    }

    /// Keeps what was counted, unless another request was first.
    pub(super) fn set(&self, place: K, count: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_insert(count);
    }

    /// More or fewer, if the place was counted before.
    pub(super) fn adjust(&self, place: &K, by: i64) {
        if let Some(count) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *count = count.saturating_add_signed(by);
        }
    }

    /// The place is gone.
    pub(super) fn forget(&self, place: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
    }
}
