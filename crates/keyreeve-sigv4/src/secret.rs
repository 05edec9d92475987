//! The secret access key: born once, zeroised on drop, never printed, compared in constant time.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};
use zeroize::Zeroizing;

/// The longest secret accepted, in bytes. AWS's own are 40; an external key store's are 43 to 64.
pub const SECRET_BYTES_MAX: usize = 128;

/// Each secret enters the key chain behind these four bytes; they are kept in front of it to save a copy.
const PREFIX: &[u8] = b"AWS4";

/// The secret half of an access key.
pub struct SecretAccessKey {
    /// `"AWS4"` followed by the secret.
    prefixed: Zeroizing<Vec<u8>>,
    /// SHA-256 of `prefixed`: lets a cached signing key be tied to the very secret that it came from.
    fingerprint: Zeroizing<[u8; 32]>,
}

/// The secret is empty or longer than [`SECRET_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret access key has 1 to {SECRET_BYTES_MAX} bytes")]
pub struct InvalidSecret;

impl SecretAccessKey {
    /// Copies `secret` into a box of its own. The caller zeroises its copy.
    ///
    /// # Errors
    /// [`InvalidSecret`] unless `secret` has 1 to [`SECRET_BYTES_MAX`] bytes.
    pub fn new(secret: &[u8]) -> Result<Self, InvalidSecret> {
        if secret.is_empty() || secret.len() > SECRET_BYTES_MAX {
            return Err(InvalidSecret);
        }
        Ok(Self::prefix(secret))
    }

    /// What stands in for the secret of an unknown access key. Knowing it gains nothing: see `Verifier::verify`.
    pub(crate) fn decoy() -> Self {
        Self::prefix(b"an unknown access key does the same work")
    }

    fn prefix(secret: &[u8]) -> Self {
        // The full capacity at once: growing would leave a copy behind in freed memory.
        let mut prefixed = Zeroizing::new(Vec::with_capacity(PREFIX.len() + secret.len()));
        prefixed.extend_from_slice(PREFIX);
        prefixed.extend_from_slice(secret);
        let mut fingerprint = Zeroizing::new([0; 32]);
        let digest = digest::digest(&digest::SHA256, &prefixed);
        for (target, byte) in fingerprint.iter_mut().zip(digest.as_ref()) {
            *target = *byte;
        }
        Self { prefixed, fingerprint }
    }

    /// The HMAC key at the head of the chain.
    pub(crate) fn chain_head(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.prefixed)
    }

    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

/// Constant time; compares fingerprints, so that the lengths of the secrets do not show either.
impl PartialEq for SecretAccessKey {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&*self.fingerprint, &*other.fingerprint).is_ok()
    }
}

impl Eq for SecretAccessKey {}

impl fmt::Debug for SecretAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretAccessKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_bounded() {
        for (length, accepted) in
            [(0, false), (1, true), (SECRET_BYTES_MAX, true), (SECRET_BYTES_MAX + 1, false)]
        {
            assert_eq!(SecretAccessKey::new(&vec![b'x'; length]).is_ok(), accepted, "{length}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let secret = SecretAccessKey::new(b"wJalrXUtnFEMI").unwrap();
        assert_eq!(format!("{secret:?}"), "SecretAccessKey(redacted)");
    }

    #[test]
    fn equality_is_by_content() {
        let secret = |text: &[u8]| SecretAccessKey::new(text).unwrap();
        assert_eq!(secret(b"one"), secret(b"one"));
        assert_ne!(secret(b"one"), secret(b"two"));
        assert_ne!(secret(b"one"), secret(b"one "));
    }
}
