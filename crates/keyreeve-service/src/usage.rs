//! Last uses that were not written yet. Noting one costs a lock of one of 64 shards and no allocation for a known key.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use keyreeve_model::arn::KeyArn;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const SHARDS: usize = 64;

/// A use of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastUse {
    pub(crate) operation: Cow<'static, str>,
    pub(crate) at: Timestamp,
    pub(crate) request_id: Uuid,
}

/// The last use of every key that was used since the last flush.
#[derive(Debug)]
pub(crate) struct UsageTracker {
    shards: Vec<Mutex<HashMap<KeyArn, LastUse>>>,
    hasher: RandomState,
}

impl UsageTracker {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    fn shard(&self, arn: &KeyArn) -> &Mutex<HashMap<KeyArn, LastUse>> {
        let index = usize::try_from(self.hasher.hash_one(arn) % SHARDS as u64).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "a remainder of SHARDS indexes SHARDS shards")]
        &self.shards[index]
    }

    /// Notes a use; a later one of the same key replaces it.
    pub(crate) fn note(&self, arn: &KeyArn, last: impl FnOnce() -> LastUse) {
        let mut shard = self.shard(arn).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shard.get_mut(arn) {
            *known = last();
        } else {
            shard.insert(arn.clone(), last());
        }
    }

    /// A use that was not flushed yet.
    pub(crate) fn recent(&self, arn: &KeyArn) -> Option<LastUse> {
        self.shard(arn).lock().unwrap_or_else(PoisonError::into_inner).get(arn).cloned()
    }

    /// Everything that was not flushed yet; to be handed back by [`Self::restore`] when it cannot be written.
    pub(crate) fn drain(&self) -> Vec<(KeyArn, LastUse)> {
        let drained = self
            .shards
            .iter()
            .flat_map(|shard| std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner)));
        drained.collect()
    }

    /// Hands a use back, unless a later one came meanwhile.
    pub(crate) fn restore(&self, arn: KeyArn, last: LastUse) {
        self.shard(&arn).lock().unwrap_or_else(PoisonError::into_inner).entry(arn).or_insert(last);
    }
}
