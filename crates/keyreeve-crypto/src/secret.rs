//! Types that hold secrets: boxed, zeroised on drop, redacted in `Debug`, compared in constant time, never cloned.
//! Long-lived symmetric keys live in [`LockedSecret`], on pages that are neither swapped nor dumped.

use keyreeve_model::limits::PLAINTEXT_BYTES_MAX;
use keyreeve_native::locked_memory::{self, LockedSlot};
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use crate::error::Unspecified;

/// Secret bytes of any length.
pub struct SecretBytes {
    // INVARIANT (never grows): a vector that moved to a larger allocation would leave its old bytes behind.
    bytes: Vec<u8>,
}

impl SecretBytes {
    /// Secret bytes born in their box: `len` zeros that `fill` overwrites in place.
    pub fn init_with(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut secret = Self { bytes: vec![0; len] };
        fill(&mut secret.bytes);
        secret
    }

    /// Like [`Self::init_with`], with a `fill` that may fail.
    ///
    /// # Errors
    /// Whatever `fill` answers.
    pub fn try_init_with<E>(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self { bytes: vec![0; len] };
        fill(&mut secret.bytes)?;
        Ok(secret)
    }

    /// The bytes. The name is long so that a reviewer sees every place.
    pub fn expose_secret(&self) -> &[u8] {
        &self.bytes
    }

    /// Length in bytes.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no byte.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Equality in a time that depends on the lengths alone.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }
}

/// Takes ownership of the vector's allocation: nothing is copied, and its spare capacity is zeroised too.
impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.len())
    }
}

/// `N` secret bytes in one box.
pub struct SecretArray<const N: usize> {
    bytes: Box<[u8; N]>,
}

impl<const N: usize> SecretArray<N> {
    /// A secret born in its box: zeros that `fill` overwrites in place.
    pub fn init_with(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self { bytes: Box::new([0; N]) };
        fill(&mut secret.bytes);
        secret
    }

    /// Like [`Self::init_with`], with a `fill` that may fail.
    ///
    /// # Errors
    /// Whatever `fill` answers.
    pub fn try_init_with<E>(fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self { bytes: Box::new([0; N]) };
        fill(&mut secret.bytes)?;
        Ok(secret)
    }

    /// The bytes.
    pub fn expose_secret(&self) -> &[u8; N] {
        &self.bytes
    }

    /// Equality in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.bytes.as_slice().ct_eq(other.bytes.as_slice()).into()
    }
}

impl<const N: usize> Drop for SecretArray<N> {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl<const N: usize> fmt::Debug for SecretArray<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretArray({N} bytes)")
    }
}

/// A long-lived symmetric key of at most [`locked_memory::SLOT_BYTES`] bytes, in the locked arena.
pub struct LockedSecret {
    slot: LockedSlot,
}

impl LockedSecret {
    /// A secret born in the arena: `len` zeros that `fill` overwrites in place.
    ///
    /// # Errors
    /// [`Unspecified`] when `len` exceeds a slot, when the kernel gives no memory, or from `fill`.
    pub fn try_init_with(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Unspecified>,
    ) -> Result<Self, Unspecified> {
        let mut slot = locked_memory::allocate(len).map_err(|_| Unspecified)?;
        fill(slot.bytes_mut())?;
        Ok(Self { slot })
    }

    /// Copies `bytes` into the arena; the caller's own copy stays the caller's to zeroise.
    ///
    /// # Errors
    /// As [`Self::try_init_with`].
    pub fn copy_of(bytes: &[u8]) -> Result<Self, Unspecified> {
        Self::try_init_with(bytes.len(), |slot| {
            slot.copy_from_slice(bytes);
            Ok(())
        })
    }

    /// The bytes.
    pub fn expose_secret(&self) -> &[u8] {
        self.slot.bytes()
    }

    /// Equality in a time that depends on the lengths alone.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.expose_secret().ct_eq(other.expose_secret()).into()
    }
}

impl fmt::Debug for LockedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockedSecret({} bytes)", self.expose_secret().len())
    }
}

/// Declares a secret whose type says what it is.
macro_rules! secret_kind {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        pub struct $name(SecretBytes);

        impl $name {
            /// The bytes.
            pub fn expose_secret(&self) -> &[u8] {
                self.0.expose_secret()
            }

            /// Length in bytes.
            pub const fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether there is no byte.
            pub const fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// Equality in a time that depends on the lengths alone.
            pub fn ct_eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.len())
            }
        }
    };
}

secret_kind! {
    /// Key material in its storable form: raw bytes of a symmetric or HMAC key, PKCS#8 DER of a private key.
    KeyMaterial
}

secret_kind! {
    /// What a caller encrypts or gets back: at most [`PLAINTEXT_BYTES_MAX`] bytes.
    Plaintext
}

secret_kind! {
    /// What key agreement or decapsulation yields.
    SharedSecret
}

secret_kind! {
    /// The private half of a Region's transport key, in its storable form.
    TransportSecret
}

impl From<SecretBytes> for TransportSecret {
    fn from(bytes: SecretBytes) -> Self {
        Self(bytes)
    }
}

impl From<SecretBytes> for KeyMaterial {
    fn from(bytes: SecretBytes) -> Self {
        Self(bytes)
    }
}

impl From<Plaintext> for KeyMaterial {
    fn from(plaintext: Plaintext) -> Self {
        Self(plaintext.0)
    }
}

impl From<SecretBytes> for SharedSecret {
    fn from(bytes: SecretBytes) -> Self {
        Self(bytes)
    }
}

/// The bytes are more than [`PLAINTEXT_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the plaintext is longer than {PLAINTEXT_BYTES_MAX} bytes")]
pub struct PlaintextTooLong;

impl TryFrom<SecretBytes> for Plaintext {
    type Error = PlaintextTooLong;

    fn try_from(bytes: SecretBytes) -> Result<Self, PlaintextTooLong> {
        if bytes.len() > PLAINTEXT_BYTES_MAX { Err(PlaintextTooLong) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_kind_and_the_length_only() {
        let secret = || SecretBytes::from(b"attack at dawn".to_vec());
        assert_eq!(format!("{:?}", secret()), "SecretBytes(14 bytes)");
        assert_eq!(format!("{:?}", SecretArray::<3>::init_with(|b| *b = *b"abc")), "SecretArray(3 bytes)");
        assert_eq!(format!("{:?}", LockedSecret::copy_of(b"abc").unwrap()), "LockedSecret(3 bytes)");
        assert_eq!(format!("{:?}", KeyMaterial::from(secret())), "KeyMaterial(14 bytes)");
        assert_eq!(format!("{:?}", Plaintext::try_from(secret()).unwrap()), "Plaintext(14 bytes)");
    }

    #[test]
    fn equality_sees_every_byte_and_the_length() {
        let secret = |bytes: &[u8]| SecretBytes::from(bytes.to_vec());
        assert!(secret(b"abc").ct_eq(&secret(b"abc")));
        for other in [b"abd".as_slice(), b"bbc", b"ab", b"abcd", b""] {
            assert!(!secret(b"abc").ct_eq(&secret(other)));
            assert!(!LockedSecret::copy_of(b"abc").unwrap().ct_eq(&LockedSecret::copy_of(other).unwrap()));
        }
    }

    #[test]
    fn a_vector_becomes_a_secret_without_a_copy() {
        let bytes = b"abc".to_vec();
        let address = bytes.as_ptr();
        assert_eq!(SecretBytes::from(bytes).expose_secret().as_ptr(), address);
    }

    #[test]
    fn a_plaintext_over_the_limit_is_refused() {
        let zeros = |len| SecretBytes::init_with(len, |_| ());
        assert!(Plaintext::try_from(zeros(PLAINTEXT_BYTES_MAX)).is_ok());
        assert_eq!(Plaintext::try_from(zeros(PLAINTEXT_BYTES_MAX + 1)).unwrap_err(), PlaintextTooLong);
    }

    #[test]
    fn a_secret_longer_than_a_slot_does_not_enter_the_arena() {
        assert!(LockedSecret::copy_of(&[0; locked_memory::SLOT_BYTES]).is_ok());
        assert_eq!(LockedSecret::copy_of(&[0; locked_memory::SLOT_BYTES + 1]).unwrap_err(), Unspecified);
    }
}
