//! Last uses that were not written yet. Noting one costs a lock of one of 64 shards, and beside the use itself no
//! allocation for a known key.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use keyreeve_model::material_id::MaterialId;
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

/// A use of one material of a key for decryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MaterialUse {
    pub(crate) at: Timestamp,
    /// Of its CloudTrail record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<Uuid>,
}

/// One use of a KMS key, with the material that decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyUse {
    pub(crate) last: LastUse,
    pub(crate) decrypted_with: Option<MaterialId>,
}

/// What is known of the uses of a KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyUses {
    pub(crate) last: LastUse,
    /// The last use of each material for decryption: one or two as a rule.
    pub(crate) decrypted: Vec<(MaterialId, MaterialUse)>,
}

/// What is kept of the uses of one thing.
pub(crate) trait Uses: Clone + PartialEq {
    /// One use.
    type Use;

    /// After one use.
    fn first(used: Self::Use) -> Self;

    /// After another one.
    fn add(&mut self, used: Self::Use);
}

impl Uses for KeyUses {
    type Use = KeyUse;

    fn first(used: KeyUse) -> Self {
        let decrypted = used.material_use().into_iter().collect();
        Self { last: used.last, decrypted }
    }

    /// The log may tell of it late: then it is what was known that stays.
    fn add(&mut self, used: KeyUse) {
        if let Some((material, last)) = used.material_use() {
            match self.decrypted.iter_mut().find(|(known, _)| *known == material) {
                Some((_, known)) if known.at <= last.at => *known = last,
                Some(_) => {}
                None => self.decrypted.push((material, last)),
            }
        }
        if self.last.at <= used.last.at {
            self.last = used.last;
        }
    }
}

impl KeyUse {
    fn material_use(&self) -> Option<(MaterialId, MaterialUse)> {
        Some((self.decrypted_with?, MaterialUse { at: self.last.at, event_id: self.last.event_id }))
    }
}

/// The last use of every key that was used since the last flush: KMS keys by ARN, access keys by id.
#[derive(Debug)]
pub(crate) struct UsageTracker<K, U> {
    shards: Vec<Mutex<HashMap<K, U>>>,
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone, U: Uses> UsageTracker<K, U> {
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

    /// Notes a use.
    pub(crate) fn note<Q: Hash + Eq + ToOwned<Owned = K> + ?Sized>(&self, key: &Q, used: U::Use)
    where
        K: Borrow<Q>,
    {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shard.get_mut(key) {
            known.add(used);
        } else {
            shard.insert(key.to_owned(), U::first(used));
        }
    }

    /// What was not flushed yet of one key.
    pub(crate) fn recent<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<U>
    where
        K: Borrow<Q>,
    {
        self.shard(key).lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Keys with uses that were not flushed yet.
    pub(crate) fn len(&self) -> usize {
        let of = |shard: &Mutex<HashMap<K, U>>| shard.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.shards.iter().map(of).sum()
    }

    /// Everything that was not flushed yet. It stays until [`Self::flushed`], so that it is known meanwhile.
    pub(crate) fn unflushed(&self) -> Vec<(K, U)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.iter().map(|(key, uses)| (key.clone(), uses.clone())));
        }
        all
    }

    /// These uses are stored; what was used again meanwhile stays.
    pub(crate) fn flushed(&self, stored: &[(K, U)]) {
        for (key, uses) in stored {
            let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
            if shard.get(key) == Some(uses) {
                shard.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(millis: i64, material: Option<u8>) -> KeyUse {
        let id = Uuid::from_u128(u128::try_from(millis).unwrap());
        let at = Timestamp::from_millis(millis);
        let last = LastUse { operation: "Decrypt".into(), at, request_id: id, event_id: Some(id) };
        KeyUse { last, decrypted_with: material.map(|byte| MaterialId::new([byte; 32])) }
    }

    #[test]
    fn the_later_use_stays_whatever_the_order_of_noting() {
        let uses = [used(1, Some(1)), used(2, Some(2)), used(3, None), used(2, Some(1)), used(1, Some(2))];
        let mut backwards = uses.to_vec();
        backwards.reverse();
        for order in [uses.to_vec(), backwards] {
            let tracker = UsageTracker::<String, KeyUses>::new();
            order.into_iter().for_each(|used| tracker.note("key", used));
            let known = tracker.recent("key").unwrap();
            assert_eq!(known.last, used(3, None).last);
            for material in [1, 2] {
                let id = MaterialId::new([material; 32]);
                let (_, last) = known.decrypted.iter().find(|(known, _)| *known == id).unwrap();
                assert_eq!(last.at.as_millis(), 2);
            }
        }
    }

    #[test]
    fn what_was_used_again_while_it_was_flushed_stays() {
        let tracker = UsageTracker::<String, KeyUses>::new();
        tracker.note("one", used(1, None));
        tracker.note("other", used(1, None));
        let stored = tracker.unflushed();
        assert_eq!((stored.len(), tracker.len()), (2, 2));
        tracker.note("one", used(2, None));
        tracker.flushed(&stored);
        assert_eq!(
            (tracker.recent("one").is_some(), tracker.recent("other"), tracker.len()),
            (true, None, 1)
        );
    }
}
