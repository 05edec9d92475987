//! `RootKey`: the key at the top. It wraps the keyring and authenticates the slots, and does nothing else.

use std::fmt;

use crate::derivation::DerivationKey;
use crate::error::Unspecified;
use crate::random;
use crate::secret::LockedSecret;

/// Bytes of a root key.
pub(crate) const ROOT_KEY_LEN: usize = 32;

/// One generation of the root key, in the locked arena.
pub struct RootKey {
    generation: u32,
    secret: LockedSecret,
    derivation: DerivationKey,
}

impl RootKey {
    /// A new random root key.
    pub(crate) fn generate(generation: u32) -> Result<Self, Unspecified> {
        Ok(Self::of(generation, LockedSecret::try_init_with(ROOT_KEY_LEN, random::fill)?))
    }

    /// A root key that a slot held.
    pub(crate) fn restore(generation: u32, key: &[u8]) -> Result<Self, Unspecified> {
        if key.len() != ROOT_KEY_LEN {
            return Err(Unspecified);
        }
        Ok(Self::of(generation, LockedSecret::copy_of(key)?))
    }

    fn of(generation: u32, secret: LockedSecret) -> Self {
        let derivation = DerivationKey::new(secret.expose_secret());
        Self { generation, secret, derivation }
    }

    /// The generation, from 1, rising by one with each rotation.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether both are the same generation of the same key, in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.generation == other.generation && self.secret.ct_eq(&other.secret)
    }

    pub(crate) fn expose_secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }

    pub(crate) const fn derivation(&self) -> &DerivationKey {
        &self.derivation
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKey").field("generation", &self.generation).finish_non_exhaustive()
    }
}
