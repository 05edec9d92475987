//! Last uses that were not written yet. Noting one costs a lock of one of 64 shards and no allocation for a known key.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const SHARDS: usize = 64;

/// A use of a KMS key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastUse {
    pub(crate) operation: Cow<'static, str>,
    pub(crate) at: Timestamp,
    pub(crate) request_id: Uuid,
    /// Of its CloudTrail record; what was stored before there were records has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<Uuid>,
}

/// The last use of every key that was used since the last flush: KMS keys by ARN, access keys by id.
#[derive(Debug)]
pub(crate) struct UsageTracker<K, U> {
    shards: Vec<Mutex<HashMap<K, U>>>,
    hasher: RandomState,
}

impl<K: Hash + Eq, U: Clone> UsageTracker<K, U> {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &Mutex<HashMap<K, U>>
    where
        K: Borrow<Q>,
    {
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "a remainder of SHARDS indexes SHARDS shards")]
        &self.shards[index]
    }

    /// Notes a use; a later one of the same key replaces it.
    pub(crate) fn note<Q: Hash + Eq + ToOwned<Owned = K> + ?Sized>(&self, key: &Q, last: impl FnOnce() -> U)
    where
        K: Borrow<Q>,
    {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shard.get_mut(key) {
            *known = last();
        } else {
            shard.insert(key.to_owned(), last());
        }
    }

    /// A use that was not flushed yet.
    pub(crate) fn recent<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<U>
    where
        K: Borrow<Q>,
    {
        self.shard(key).lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Everything that was not flushed yet; to be handed back by [`Self::restore`] when it cannot be written.
    pub(crate) fn drain(&self) -> Vec<(K, U)> {
        let drained = self
            .shards
            .iter()
            .flat_map(|shard| std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner)));
        drained.collect()
    }

    /// Hands a use back, unless a later one came meanwhile.
    pub(crate) fn restore(&self, key: K, last: U) {
        self.shard(&key).lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(last);
    }
}
