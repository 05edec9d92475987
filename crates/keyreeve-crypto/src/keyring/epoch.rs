//! `EpochKey`: one random key of one purpose for one span of time.

use keyreeve_model::timestamp::Timestamp;
use std::fmt;

use crate::derivation::DerivationKey;
use crate::error::Unspecified;
use crate::random;
use crate::secret::LockedSecret;

/// Bytes of an epoch key.
pub(crate) const EPOCH_KEY_LEN: usize = 32;

/// One epoch: its number, when it began, its key and the key's derivation state.
pub(crate) struct EpochKey {
    pub(crate) epoch: u32,
    pub(crate) created: Timestamp,
    secret: LockedSecret,
    derivation: DerivationKey,
}

impl EpochKey {
    /// A new random key.
    pub(crate) fn generate(epoch: u32, created: Timestamp) -> Result<Self, Unspecified> {
        let secret = LockedSecret::try_init_with(EPOCH_KEY_LEN, random::fill)?;
        Ok(Self::of(epoch, created, secret))
    }

    /// A key read back from the wrapped keyring.
    pub(crate) fn restore(
        epoch: u32,
        created: Timestamp,
        key: &[u8; EPOCH_KEY_LEN],
    ) -> Result<Self, Unspecified> {
        Ok(Self::of(epoch, created, LockedSecret::copy_of(key)?))
    }

    fn of(epoch: u32, created: Timestamp, secret: LockedSecret) -> Self {
        let derivation = DerivationKey::new(secret.expose_secret());
        Self { epoch, created, secret, derivation }
    }

    pub(crate) fn expose_secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }

    pub(crate) const fn derivation(&self) -> &DerivationKey {
        &self.derivation
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochKey")
            .field("epoch", &self.epoch)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}
