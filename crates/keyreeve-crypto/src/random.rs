//! Randomness: AWS-LC's generator, which reseeds from the kernel and notices forks and restored snapshots.
//! Every random byte of this crate comes through here.

use sm2::elliptic_curve::rand_core::{TryCryptoRng, TryRng};

use crate::error::Unspecified;
use crate::secret::SecretBytes;

/// Overwrites `bytes` with random ones.
///
/// # Errors
/// [`Unspecified`] when the generator fails.
pub fn fill(bytes: &mut [u8]) -> Result<(), Unspecified> {
    Ok(aws_lc_rs::rand::fill(bytes)?)
}

/// `N` random bytes that are no secret: nonces, salts, ids. Drawing all of a request at once is the cheapest.
///
/// # Errors
/// As [`fill`].
pub fn array<const N: usize>() -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// `len` random secret bytes.
///
/// # Errors
/// As [`fill`].
pub fn secret(len: usize) -> Result<SecretBytes, Unspecified> {
    SecretBytes::try_init_with(len, fill)
}

/// The same generator for RustCrypto's traits (SM2 only).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generator;

impl TryRng for Generator {
    type Error = Unspecified;

    fn try_next_u32(&mut self) -> Result<u32, Unspecified> {
        array().map(u32::from_ne_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, Unspecified> {
        array().map(u64::from_ne_bytes)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Unspecified> {
        fill(bytes)
    }
}

impl TryCryptoRng for Generator {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ_and_have_the_asked_length() {
        assert_ne!(array::<32>().unwrap(), array::<32>().unwrap());
        let (a, b) = (secret(100).unwrap(), secret(100).unwrap());
        assert_eq!((a.len(), b.len()), (100, 100));
        assert!(!a.ct_eq(&b));
    }
}
