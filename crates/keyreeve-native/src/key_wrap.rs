//! AES key wrap with padding (RFC 5649, NIST SP 800-38F KWP): unwrapping under AES keys of all three lengths. aws-lc-rs
//! has no AES-192 here, and leaves the expanded key on the stack.
//! AWS-LC: `AES_unwrap_key_padded` in `include/openssl/aes.h`.

use aws_lc_sys as lc;
use zeroize::Zeroize as _;

use crate::{Unspecified, succeeded};

/// Bytes that a wrapped key is longer than its plaintext, padding aside.
const OVERHEAD_LEN: usize = 8;

/// The expanded key, zeroised when it goes.
struct Schedule(Box<lc::AES_KEY>);

impl Schedule {
    fn decrypting(key: &[u8]) -> Result<Self, Unspecified> {
        if !matches!(key.len(), 16 | 24 | 32) {
            return Err(Unspecified);
        }
        let bits = u32::try_from(key.len() * 8).map_err(|_| Unspecified)?;
        let mut schedule = Self(Box::new(lc::AES_KEY { rd_key: [0; 60], rounds: 0 }));
        // SAFETY: AWS-LC reads `bits / 8` bytes of the key and writes one AES_KEY; it answers 0 for success.
        let answer = unsafe { lc::AES_set_decrypt_key(key.as_ptr(), bits, &raw mut *schedule.0) };
        if answer == 0 { Ok(schedule) } else { Err(Unspecified) }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.0.rd_key.zeroize();
    }
}

/// Unwraps into `plaintext`, which is at least `wrapped.len() - 8` bytes long; answers how many it wrote.
///
/// # Errors
/// [`Unspecified`] when the key is no AES key, the lengths are wrong, or the wrapping is not that of this key.
pub fn unwrap_padded(key: &[u8], wrapped: &[u8], plaintext: &mut [u8]) -> Result<usize, Unspecified> {
    let schedule = Schedule::decrypting(key)?;
    if wrapped.len() < 2 * OVERHEAD_LEN || plaintext.len() < wrapped.len() - OVERHEAD_LEN {
        return Err(Unspecified);
    }
    let mut len = 0;
    // SAFETY: AWS-LC reads `wrapped.len()` bytes and writes at most `plaintext.len()`, of which it says how many.
    succeeded(unsafe {
        lc::AES_unwrap_key_padded(
            &raw const *schedule.0,
            plaintext.as_mut_ptr(),
            &raw mut len,
            plaintext.len(),
            wrapped.as_ptr(),
            wrapped.len(),
        )
    })?;
    if len <= plaintext.len() { Ok(len) } else { Err(Unspecified) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    fn unwrap(key: &[u8], wrapped: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut plaintext = vec![0; wrapped.len()];
        let len = unwrap_padded(key, wrapped, &mut plaintext)?;
        plaintext.truncate(len);
        Ok(plaintext)
    }

    /// RFC 5649 §6, both examples: 20 and 7 octets under a 192-bit key.
    #[test]
    fn rfc_5649_examples_come_out() {
        let key = bytes("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (plaintext, wrapped) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            assert_eq!(unwrap(&key, &bytes(wrapped)), Ok(bytes(plaintext)));
            for bit in 0..wrapped.len() * 4 {
                let mut forged = bytes(wrapped);
                forged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(unwrap(&key, &forged), Err(Unspecified), "bit {bit}");
            }
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        for key in [0, 8, 15, 17, 31, 33, 64] {
            assert_eq!(unwrap(&vec![1; key], &[0; 16]), Err(Unspecified));
        }
        for wrapped in [0, 1, 8, 15, 17, 20] {
            assert_eq!(unwrap(&[1; 32], &vec![0; wrapped]), Err(Unspecified));
        }
        assert_eq!(unwrap_padded(&[1; 32], &[0; 24], &mut [0; 15]), Err(Unspecified));
    }
}
