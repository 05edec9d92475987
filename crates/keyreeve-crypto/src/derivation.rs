//! `DerivationKey`: a 256-bit key that only derives others, each for one label and one context.
//! NIST SP 800-108r1 §4.1: counter mode, HMAC-SHA-256, [i]32 || label || 00 || context || [L]32.

use aws_lc_rs::hmac;
use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::Unspecified;
use crate::label::Label;
use crate::primitive::aes_gcm::{Aes256Gcm, KEY_LEN, NONCE_LEN};

/// Bytes of an AES-GCM initialisation vector.
pub(crate) const IV_LEN: usize = NONCE_LEN;
pub(crate) use crate::primitive::aes_gcm::TAG_LEN;

/// One block of HMAC-SHA-256, the most that is ever derived at once.
const BLOCK_LEN: usize = 32;
/// Fixed input of at most this many bytes; every label and context of this crate fits.
const INPUT_LEN_MAX: usize = 160;

/// The keyed HMAC state, computed once (180 ns a derivation instead of 250).
pub(crate) struct DerivationKey {
    state: Box<hmac::Key>,
}

impl DerivationKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self { state: Box::new(hmac::Key::new(hmac::HMAC_SHA256, key)) }
    }

    /// Derives `derived.len()` bytes, at most 32, from the concatenated parts of the context.
    /// Parts must have fixed lengths, or be encoded injectively by the caller.
    pub(crate) fn derive(
        &self,
        label: &Label,
        context: &[&[u8]],
        derived: &mut [u8],
    ) -> Result<(), Unspecified> {
        let bits = u32::try_from(derived.len() * 8).map_err(|_| Unspecified)?;
        let mut input = FixedInput { bytes: [0; INPUT_LEN_MAX], len: 0 };
        input.push(&1_u32.to_be_bytes())?;
        input.push(label.text().as_bytes())?;
        input.push(&[0])?;
        for part in context {
            input.push(part)?;
        }
        input.push(&bits.to_be_bytes())?;
        let mut block = Zeroizing::new([0; BLOCK_LEN]);
        hmac::sign_to_buffer(&self.state, input.bytes(), block.as_mut())?;
        derived.copy_from_slice(block.get(..derived.len()).ok_or(Unspecified)?);
        Ok(())
    }

    /// An AES-256-GCM key for one message.
    pub(crate) fn derive_cipher(&self, label: &Label, context: &[&[u8]]) -> Result<OneCipher, Unspecified> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        self.derive(label, context, key.as_mut())?;
        Ok(OneCipher { key: Aes256Gcm::new(&key)? })
    }
}

impl fmt::Debug for DerivationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DerivationKey").finish_non_exhaustive()
    }
}

/// A derived AES-256-GCM key. Sealing consumes it: one key, one message.
pub(crate) struct OneCipher {
    key: Aes256Gcm,
}

impl OneCipher {
    /// Encrypts `plaintext` into `sealed`, which is longer by exactly [`TAG_LEN`] bytes.
    pub(crate) fn seal(
        self,
        iv: [u8; IV_LEN],
        associated: &[u8],
        plaintext: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), Unspecified> {
        let (ciphertext, tag) = sealed.split_at_mut_checked(plaintext.len()).ok_or(Unspecified)?;
        let tag = <&mut [u8; TAG_LEN]>::try_from(tag).map_err(|_| Unspecified)?;
        ciphertext.copy_from_slice(plaintext);
        match self.key.seal(iv, associated, ciphertext) {
            Ok(computed) => *tag = computed,
            Err(Unspecified) => {
                ciphertext.zeroize();
                return Err(Unspecified);
            }
        }
        Ok(())
    }

    /// Decrypts `sealed` (ciphertext, tag) into `plaintext`, which is shorter by exactly [`TAG_LEN`] bytes.
    pub(crate) fn open(
        self,
        iv: [u8; IV_LEN],
        associated: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), Unspecified> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Unspecified)?;
        self.key.open(iv, associated, ciphertext, tag, plaintext)
    }
}

/// The input of the derivation, assembled without an allocation. It holds nothing secret.
struct FixedInput {
    bytes: [u8; INPUT_LEN_MAX],
    len: usize,
}

impl FixedInput {
    fn push(&mut self, part: &[u8]) -> Result<(), Unspecified> {
        let end = self.len + part.len();
        self.bytes.get_mut(self.len..end).ok_or(Unspecified)?.copy_from_slice(part);
        self.len = end;
        Ok(())
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::{COMMIT, ENCRYPT};
    use crate::primitive::kbkdf;

    #[test]
    fn the_cached_state_derives_what_a_fresh_key_derives() {
        let key = DerivationKey::new(&[7; 32]);
        for len in [16, 32] {
            let (mut cached, mut fresh) = (vec![0; len], vec![0; len]);
            key.derive(&ENCRYPT, &[b"con", b"text"], &mut cached).unwrap();
            kbkdf::derive(&[7; 32], ENCRYPT.text().as_bytes(), b"context", &mut fresh).unwrap();
            assert_eq!(cached, fresh);
        }
    }

    #[test]
    fn label_context_and_length_each_change_the_result() {
        let key = DerivationKey::new(&[7; 32]);
        let derive = |label, context: &[u8], len| {
            let mut out = vec![0; len];
            key.derive(label, &[context], &mut out).unwrap();
            out
        };
        let base = derive(&ENCRYPT, b"a", 32);
        assert_ne!(base, derive(&COMMIT, b"a", 32));
        assert_ne!(base, derive(&ENCRYPT, b"b", 32));
        assert_ne!(base[..16], derive(&ENCRYPT, b"a", 16)[..]);
    }

    #[test]
    fn more_than_a_block_or_an_oversized_context_is_refused() {
        let key = DerivationKey::new(&[7; 32]);
        assert_eq!(key.derive(&ENCRYPT, &[], &mut [0; 33]), Err(Unspecified));
        assert_eq!(key.derive(&ENCRYPT, &[&[0; INPUT_LEN_MAX]], &mut [0; 32]), Err(Unspecified));
    }
}
