//! The keyring: the level between the root key and everything sealed. One ring a purpose, one key an epoch.
//!
//! A keyring is a value: rotating makes a new one that shares the keys. The caller commits its wrapped bytes to the
//! store first and only then lets requests use it, so that nothing is ever sealed under a key that a crash forgets.

mod epoch;
mod record;
pub(crate) mod sealed;
mod token;
mod wrapped;

use keyreeve_model::timestamp::Timestamp;
use std::sync::Arc;

pub use record::{OpenedRecord, epoch_of_record};
pub use token::epoch_of_credential;
pub use wrapped::{WrappedKeyring, WrappedKeyringError};

use crate::derivation::DerivationKey;
use crate::error::Unspecified;
use epoch::EpochKey;
use sealed::{Kind, Sealed, Stamp};

/// What the keys of one ring are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Stored records.
    Record,
    /// Stored credentials: secret access keys.
    Credential,
    /// Tokens handed to clients: pagination markers, grant, import and session tokens.
    Token,
    /// Backups.
    Backup,
    /// The domain keys: key material of KMS keys.
    Domain,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 5] = [Self::Record, Self::Credential, Self::Token, Self::Backup, Self::Domain];

    /// The byte in the wrapped keyring, never reused.
    const fn code(self) -> u8 {
        match self {
            Self::Record => 1,
            Self::Credential => 2,
            Self::Token => 3,
            Self::Backup => 4,
            Self::Domain => 5,
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Record => Kind::Record,
            Self::Credential => Kind::Credential,
            Self::Token => Kind::Token,
            Self::Backup => Kind::Backup,
            Self::Domain => Kind::Material,
        }
    }
}

/// An epoch of one ring, without its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Its number, from 1, rising.
    pub number: u32,
    /// When its key was made.
    pub created: Timestamp,
    /// Whether new values are sealed under it; exactly one epoch of a ring is active.
    pub active: bool,
}

/// Why an epoch is not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetireError {
    /// New values are sealed under it.
    #[error("epoch {0} is active: rotate the ring first")]
    Active(u32),
    /// The ring has no such epoch.
    #[error("there is no epoch {0}")]
    Absent(u32),
}

/// Every purpose key of one deployment, by epoch.
#[derive(Debug)]
pub struct Keyring {
    /// In the order of [`Purpose::ALL`].
    rings: [Ring; Purpose::ALL.len()],
}

/// The epochs of one purpose.
#[derive(Debug, Clone)]
struct Ring {
    purpose: Purpose,
    active: Arc<EpochKey>,
    /// Oldest first, all older than the active one.
    retired: Vec<Arc<EpochKey>>,
}

impl Ring {
    fn generate(purpose: Purpose, now: Timestamp) -> Result<Self, Unspecified> {
        Ok(Self { purpose, active: Arc::new(EpochKey::generate(1, now)?), retired: Vec::new() })
    }

    /// Oldest first.
    fn keys(&self) -> impl Iterator<Item = &Arc<EpochKey>> {
        self.retired.iter().chain([&self.active])
    }

    fn key(&self, epoch: u32) -> Option<&EpochKey> {
        if self.active.epoch == epoch {
            return Some(&self.active);
        }
        self.retired.iter().find(|key| key.epoch == epoch).map(|key| &**key)
    }

    fn rotated(&self, now: Timestamp) -> Result<Self, Unspecified> {
        let next = self.active.epoch.checked_add(1).ok_or(Unspecified)?;
        let active = Arc::new(EpochKey::generate(next, now)?);
        Ok(Self { purpose: self.purpose, active, retired: self.keys().cloned().collect() })
    }
}

impl Keyring {
    /// The first keyring of a deployment: a random key for each purpose, epoch 1.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator or the locked arena fails.
    pub fn generate(now: Timestamp) -> Result<Self, Unspecified> {
        let ring = |purpose| Ring::generate(purpose, now);
        let [a, b, c, d, e] = Purpose::ALL;
        Ok(Self { rings: [ring(a)?, ring(b)?, ring(c)?, ring(d)?, ring(e)?] })
    }

    /// The same keyring with a new active epoch in one ring; what was sealed under older epochs still opens.
    ///
    /// # Errors
    /// As [`Self::generate`].
    pub fn rotated(&self, purpose: Purpose, now: Timestamp) -> Result<Self, Unspecified> {
        let next = self.ring(purpose).rotated(now)?;
        Ok(self.with_ring(next))
    }

    /// The same keyring with a new active epoch in every ring.
    ///
    /// # Errors
    /// As [`Self::generate`].
    pub fn rotated_throughout(&self, now: Timestamp) -> Result<Self, Unspecified> {
        let [a, b, c, d, e] = self.rings.each_ref().map(|ring| ring.rotated(now));
        Ok(Self { rings: [a?, b?, c?, d?, e?] })
    }

    /// The same keyring without one old epoch: whatever is still sealed under it is gone for good, once the
    /// wrapped bytes of the older keyring are gone too.
    ///
    /// # Errors
    /// [`RetireError`].
    pub fn without_epoch(&self, purpose: Purpose, epoch: u32) -> Result<Self, RetireError> {
        let ring = self.ring(purpose);
        if ring.active.epoch == epoch {
            return Err(RetireError::Active(epoch));
        }
        ring.key(epoch).ok_or(RetireError::Absent(epoch))?;
        let retired = ring.retired.iter().filter(|key| key.epoch != epoch).cloned().collect();
        Ok(self.with_ring(Ring { retired, ..ring.clone() }))
    }

    /// The epochs of one ring, oldest first.
    pub fn epochs(&self, purpose: Purpose) -> impl Iterator<Item = Epoch> {
        let ring = self.ring(purpose);
        let active = ring.active.epoch;
        ring.keys().map(move |key| Epoch {
            number: key.epoch,
            created: key.created,
            active: key.epoch == active,
        })
    }

    /// The active epoch of one ring.
    pub fn active_epoch(&self, purpose: Purpose) -> Epoch {
        let key = &self.ring(purpose).active;
        Epoch { number: key.epoch, created: key.created, active: true }
    }

    const fn ring(&self, purpose: Purpose) -> &Ring {
        let [record, credential, token, backup, domain] = &self.rings;
        match purpose {
            Purpose::Record => record,
            Purpose::Credential => credential,
            Purpose::Token => token,
            Purpose::Backup => backup,
            Purpose::Domain => domain,
        }
    }

    fn with_ring(&self, replacement: Ring) -> Self {
        let rings = Purpose::ALL.map(|purpose| self.ring(purpose).clone());
        Self {
            rings: rings
                .map(|ring| if ring.purpose == replacement.purpose { replacement.clone() } else { ring }),
        }
    }

    /// Seals under the active epoch of the ring.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        format: u8,
        sequence: u64,
        binding: &[u8],
        content: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let key = &self.ring(purpose).active;
        let stamp = Stamp { kind: purpose.kind(), format, epoch: key.epoch, sequence };
        sealed::seal(key.derivation(), stamp, binding, content)
    }

    /// The derivation key of the epoch that a sealed value names.
    pub(crate) fn key_of(
        &self,
        purpose: Purpose,
        sealed: &Sealed<'_>,
    ) -> Result<&DerivationKey, Unspecified> {
        self.ring(purpose).key(sealed.stamp.epoch).map(EpochKey::derivation).ok_or(Unspecified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const LATER: Timestamp = Timestamp::from_millis(1_790_086_400_000);

    #[test]
    fn a_ring_starts_with_one_active_epoch_and_rotation_adds_one() {
        let keyring = Keyring::generate(NOW).unwrap();
        for purpose in Purpose::ALL {
            assert_eq!(keyring.ring(purpose).purpose, purpose);
            let first = Epoch { number: 1, created: NOW, active: true };
            assert_eq!(keyring.epochs(purpose).collect::<Vec<_>>(), [first]);
        }
        let rotated = keyring.rotated(Purpose::Domain, LATER).unwrap();
        let retired = Epoch { number: 1, created: NOW, active: false };
        let active = Epoch { number: 2, created: LATER, active: true };
        assert_eq!(rotated.epochs(Purpose::Domain).collect::<Vec<_>>(), [retired, active]);
        assert_eq!(rotated.active_epoch(Purpose::Record).number, 1);
    }

    #[test]
    fn no_two_rings_and_no_two_epochs_share_a_key() {
        let keyring = Keyring::generate(NOW).unwrap().rotated(Purpose::Domain, LATER).unwrap();
        let keys: Vec<_> =
            keyring.rings.iter().flat_map(Ring::keys).map(|key| key.expose_secret().to_vec()).collect();
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!((keys.len(), distinct.len()), (6, 6));
        assert!(keys.iter().all(|key| key.iter().any(|byte| *byte != 0)));
    }

    #[test]
    fn old_values_open_until_their_epoch_is_removed() {
        let first = Keyring::generate(NOW).unwrap();
        let sealed = first.seal_record("kms/a", 1, 1, b"value").unwrap();
        let second = first.rotated(Purpose::Record, LATER).unwrap();
        assert_eq!(second.open_record("kms/a", &sealed).unwrap().value.expose_secret(), b"value");
        let newer = second.seal_record("kms/a", 1, 2, b"newer").unwrap();
        assert_eq!(first.open_record("kms/a", &newer).unwrap_err(), Unspecified);
        let third = second.without_epoch(Purpose::Record, 1).unwrap();
        assert_eq!(third.open_record("kms/a", &sealed).unwrap_err(), Unspecified);
        assert!(third.open_record("kms/a", &newer).is_ok());
    }

    #[test]
    fn the_active_epoch_and_an_absent_one_are_not_removed() {
        let keyring = Keyring::generate(NOW).unwrap();
        assert_eq!(keyring.without_epoch(Purpose::Domain, 1).unwrap_err(), RetireError::Active(1));
        assert_eq!(keyring.without_epoch(Purpose::Domain, 2).unwrap_err(), RetireError::Absent(2));
    }

    #[test]
    fn debug_shows_no_key() {
        let keyring = Keyring::generate(NOW).unwrap();
        let shown = format!("{keyring:?}");
        for key in keyring.rings.iter().flat_map(Ring::keys) {
            assert!(!shown.contains(&hex::encode(key.expose_secret())));
            assert!(!shown.contains(&format!("{:?}", key.expose_secret())));
        }
    }
}
