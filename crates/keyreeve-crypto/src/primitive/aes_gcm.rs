//! AES-256-GCM with a nonce from the caller (NIST SP 800-38D).
//! Which nonce, key and associated data is the matter of the formats that use it.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::error::Unspecified;

/// Length of a key in bytes.
pub const KEY_LEN: usize = 32;
/// Length of a nonce in bytes.
pub const NONCE_LEN: usize = 12;
/// Length of a tag in bytes.
pub const TAG_LEN: usize = 16;

/// An AES-256-GCM key, its key schedule ready.
pub struct Aes256Gcm(LessSafeKey);

impl Aes256Gcm {
    /// Prepares the key.
    ///
    /// # Errors
    /// [`Unspecified`] when AWS-LC fails.
    pub fn new(key: &[u8; KEY_LEN]) -> Result<Self, Unspecified> {
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?)))
    }

    /// Encrypts in place and answers the tag. INVARIANT: a nonce is never used twice with one key.
    ///
    /// # Errors
    /// [`Unspecified`] when AWS-LC fails.
    pub fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Unspecified> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(associated), in_out)?;
        tag.as_ref().try_into().map_err(|_| Unspecified)
    }

    /// Decrypts `ciphertext` into `plaintext`, which must be as long; zeros are left there when the tag is wrong.
    ///
    /// # Errors
    /// [`Unspecified`] when anything was altered.
    pub fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_LEN],
        plaintext: &mut [u8],
    ) -> Result<(), Unspecified> {
        if ciphertext.len() != plaintext.len() {
            return Err(Unspecified);
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        Ok(self.0.open_separate_gather(nonce, Aad::from(associated), ciphertext, tag, plaintext)?)
    }
}

impl fmt::Debug for Aes256Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aes256Gcm").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_nothing_else_does() {
        let key = Aes256Gcm::new(&[1; KEY_LEN]).unwrap();
        let mut bytes = *b"attack at dawn";
        let tag = key.seal([2; NONCE_LEN], b"context", &mut bytes).unwrap();
        let open = |nonce, associated: &[u8], ciphertext: &[u8], tag: &[u8; TAG_LEN]| {
            let mut plaintext = [0xff; 14];
            key.open(nonce, associated, ciphertext, tag, &mut plaintext).map_err(|e| (e, plaintext))?;
            Ok::<_, (Unspecified, [u8; 14])>(plaintext)
        };
        assert_eq!(open([2; NONCE_LEN], b"context", &bytes, &tag), Ok(*b"attack at dawn"));
        assert_eq!(open([3; NONCE_LEN], b"context", &bytes, &tag), Err((Unspecified, [0; 14])));
        assert_eq!(open([2; NONCE_LEN], b"contexT", &bytes, &tag), Err((Unspecified, [0; 14])));
        assert_eq!(open([2; NONCE_LEN], b"context", &[0; 14], &tag), Err((Unspecified, [0; 14])));
        assert_eq!(open([2; NONCE_LEN], b"context", &bytes, &[0; TAG_LEN]), Err((Unspecified, [0; 14])));
        assert!(open([2; NONCE_LEN], b"context", &bytes[1..], &tag).is_err(), "lengths differ");
    }
}
