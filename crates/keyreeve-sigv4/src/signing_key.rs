//! The signing key: derived from a secret for one day, Region and service, and kept in a bounded cache with its
//! HMAC state. Deriving costs four HMACs, more than all the rest of a verification.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::constant_time;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use zeroize::Zeroizing;

use crate::TERMINATOR;
use crate::secret::SecretAccessKey;
use crate::timestamp::Timestamp;

/// What a signing key is good for, borrowed.
#[derive(Clone, Copy, Hash)]
pub(crate) struct KeyScope<'s> {
    pub(crate) access_key_id: &'s str,
    pub(crate) epoch_day: i64,
    pub(crate) region: &'s str,
    pub(crate) service: &'s str,
}

/// [`KeyScope`] with its own text. INVARIANT (hash): both hash alike, so fields and their order are the same.
#[derive(PartialEq, Eq, Hash)]
struct OwnedKeyScope {
    access_key_id: Box<str>,
    epoch_day: i64,
    region: Box<str>,
    service: Box<str>,
}

impl Equivalent<OwnedKeyScope> for KeyScope<'_> {
    fn equivalent(&self, key: &OwnedKeyScope) -> bool {
        self.epoch_day == key.epoch_day
            && *self.access_key_id == *key.access_key_id
            && *self.region == *key.region
            && *self.service == *key.service
    }
}

impl From<KeyScope<'_>> for OwnedKeyScope {
    fn from(scope: KeyScope<'_>) -> Self {
        Self {
            access_key_id: scope.access_key_id.into(),
            epoch_day: scope.epoch_day,
            region: scope.region.into(),
            service: scope.service.into(),
        }
    }
}

/// A derived key. AWS-LC wipes the HMAC state when it is dropped.
pub(crate) struct SigningKey {
    key: hmac::Key,
    /// Of the secret that the key came from: a changed secret never meets an old key, even without `forget`.
    fingerprint: Zeroizing<[u8; 32]>,
}

impl SigningKey {
    /// `HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request")`.
    pub(crate) fn derive(
        secret: &SecretAccessKey,
        signed_at: Timestamp,
        region: &str,
        service: &str,
    ) -> Result<Self, Unspecified> {
        let day = signed_at.day();
        let links: [&[u8]; 4] = [&day, region.as_bytes(), service.as_bytes(), TERMINATOR.as_bytes()];
        let mut key = secret.chain_head();
        for link in links {
            key = hmac::Key::new(hmac::HMAC_SHA256, &*mac(&key, link)?);
        }
        Ok(Self { key, fingerprint: Zeroizing::new(*secret.fingerprint()) })
    }

    /// The signature of a string to sign, as 32 raw bytes.
    pub(crate) fn sign(&self, string_to_sign: &[u8]) -> Result<Zeroizing<[u8; 32]>, Unspecified> {
        mac(&self.key, string_to_sign)
    }

    fn is_of(&self, secret: &SecretAccessKey) -> bool {
        constant_time::verify_slices_are_equal(&*self.fingerprint, secret.fingerprint()).is_ok()
    }
}

/// Signing keys that have verified at least one request. Failures never enter, so that a stranger cannot push
/// the keys of real callers out.
pub(crate) struct SigningKeyCache {
    keys: Cache<OwnedKeyScope, Arc<SigningKey>>,
    newest_day: AtomicI64,
}

impl SigningKeyCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { keys: Cache::new(capacity.max(1)), newest_day: AtomicI64::new(i64::MIN) }
    }

    /// The key of `scope`, if it is kept and came from this very secret.
    pub(crate) fn get(&self, scope: &KeyScope<'_>, secret: &SecretAccessKey) -> Option<Arc<SigningKey>> {
        self.keys.get(scope).filter(|key| key.is_of(secret))
    }

    /// Keeps a key. The first one of a new day drops those older than the day before.
    pub(crate) fn insert(&self, scope: KeyScope<'_>, key: Arc<SigningKey>) {
        let today = scope.epoch_day;
        if self.newest_day.fetch_max(today, Ordering::Relaxed) < today {
            self.keys.retain(|kept, _| kept.epoch_day >= today - 1);
        }
        self.keys.insert(scope.into(), key);
    }

    /// Drops every key of an access key id.
    pub(crate) fn forget(&self, access_key_id: &str) {
        self.keys.retain(|kept, _| *kept.access_key_id != *access_key_id);
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}

/// Every HMAC of this crate is computed here.
fn mac(key: &hmac::Key, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, Unspecified> {
    #[cfg(test)]
    work::count();
    let mut tag = Zeroizing::new([0; 32]);
    hmac::sign_to_buffer(key, message, tag.as_mut_slice())?;
    Ok(tag)
}

/// Counts HMACs per thread, so that a test can hold two paths to the same work without a stopwatch.
#[cfg(test)]
pub(crate) mod work {
    use std::cell::Cell;

    thread_local!(static MACS: Cell<u32> = const { Cell::new(0) });

    pub(crate) fn count() {
        MACS.set(MACS.get() + 1);
    }

    /// How many HMACs `job` computed.
    pub(crate) fn macs_of<T>(job: impl FnOnce() -> T) -> (T, u32) {
        let before = MACS.get();
        let result = job();
        (result, MACS.get() - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(access_key_id: &str, epoch_day: i64) -> KeyScope<'_> {
        KeyScope { access_key_id, epoch_day, region: "us-east-1", service: "kms" }
    }

    fn key_of(secret: &SecretAccessKey) -> Arc<SigningKey> {
        Arc::new(SigningKey::derive(secret, Timestamp::from_epoch_s(0), "us-east-1", "kms").unwrap())
    }

    /// The worked example of AWS's guide for the signing key of 2015-08-30, us-east-1, iam.
    #[test]
    fn derivation_matches_the_published_example() {
        let secret = SecretAccessKey::new(b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap();
        let at = Timestamp::parse_basic(b"20150830T123600Z").unwrap();
        let key = SigningKey::derive(&secret, at, "us-east-1", "iam").unwrap();
        let string_to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                              f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        assert_eq!(
            hex::encode(*key.sign(string_to_sign.as_bytes()).unwrap()),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn a_kept_key_serves_only_the_secret_it_came_from() {
        let (old, new) = (SecretAccessKey::new(b"old").unwrap(), SecretAccessKey::new(b"new").unwrap());
        let cache = SigningKeyCache::new(8);
        cache.insert(scope("A", 10), key_of(&old));
        assert!(cache.get(&scope("A", 10), &old).is_some());
        assert!(cache.get(&scope("A", 10), &new).is_none());
    }

    #[test]
    fn every_part_of_the_scope_separates_keys() {
        let secret = SecretAccessKey::new(b"one").unwrap();
        let cache = SigningKeyCache::new(8);
        cache.insert(scope("A", 10), key_of(&secret));
        for other in [
            scope("B", 10),
            scope("A", 11),
            KeyScope { region: "eu-west-1", ..scope("A", 10) },
            KeyScope { service: "sts", ..scope("A", 10) },
        ] {
            assert!(cache.get(&other, &secret).is_none());
        }
    }

    #[test]
    fn forget_drops_every_key_of_the_access_key_and_no_other() {
        let secret = SecretAccessKey::new(b"one").unwrap();
        let cache = SigningKeyCache::new(8);
        for (id, day) in [("A", 10), ("A", 11), ("B", 11)] {
            cache.insert(scope(id, day), key_of(&secret));
        }
        cache.forget("A");
        assert!(cache.get(&scope("A", 10), &secret).is_none());
        assert!(cache.get(&scope("A", 11), &secret).is_none());
        assert!(cache.get(&scope("B", 11), &secret).is_some());
    }

    #[test]
    fn keys_older_than_yesterday_go_when_a_new_day_comes() {
        let secret = SecretAccessKey::new(b"one").unwrap();
        let cache = SigningKeyCache::new(8);
        for day in [10, 11, 12] {
            cache.insert(scope("A", day), key_of(&secret));
        }
        let kept: Vec<bool> = [10, 11, 12].map(|day| cache.get(&scope("A", day), &secret).is_some()).into();
        assert_eq!(kept, [false, true, true]);
    }

    #[test]
    fn the_cache_is_bounded() {
        let secret = SecretAccessKey::new(b"one").unwrap();
        let cache = SigningKeyCache::new(16);
        let key = key_of(&secret);
        for id in 0..1000 {
            cache.insert(scope(&format!("AKID{id}"), 10), Arc::clone(&key));
        }
        assert!(cache.len() <= 64, "{}", cache.len());
    }
}
