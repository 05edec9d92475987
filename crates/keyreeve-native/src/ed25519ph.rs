//! Ed25519ph (RFC 8032 §5.1) with an empty context; aws-lc-rs has pure Ed25519 only.
//! AWS-LC: `ED25519ph_sign`, `ED25519ph_verify` in `include/openssl/curve25519.h`.

use aws_lc_sys as lc;
use std::fmt;
use std::ptr::null;
use zeroize::Zeroizing;

use crate::evp_key::EvpKey;
use crate::{Unspecified, succeeded};

/// Length of a seed in bytes (RFC 8032 calls it the private key).
pub const SEED_LEN: usize = 32;
/// Length of a public key in bytes.
pub const PUBLIC_KEY_LEN: usize = 32;
/// Length of a signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// A signing key. It derives its own public half, so that no wrong one can be paired with the seed: a signature under
/// a foreign public key gives the private key away.
pub struct SigningKey {
    /// Seed, then public key: AWS-LC's private key.
    private: Box<Zeroizing<[u8; 64]>>,
    public: [u8; PUBLIC_KEY_LEN],
}

impl SigningKey {
    /// The key of a seed.
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Self {
        let mut key = Self { private: Box::new(Zeroizing::new([0; 64])), public: [0; PUBLIC_KEY_LEN] };
        // SAFETY: AWS-LC writes 32 and 64 bytes and reads 32; the arrays have these lengths.
        unsafe {
            lc::ED25519_keypair_from_seed(key.public.as_mut_ptr(), key.private.as_mut_ptr(), seed.as_ptr());
        }
        key
    }

    /// The key in PKCS#8 DER (RFC 8410), with or without the public key, which AWS-LC then checks.
    ///
    /// # Errors
    /// [`Unspecified`] when it is malformed or of another kind.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Unspecified> {
        let seed = EvpKey::from_pkcs8(der)?.ed25519_seed()?;
        Ok(Self::from_seed(seed.as_slice().try_into().map_err(|_| Unspecified)?))
    }

    /// The public key.
    pub const fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.public
    }

    /// Signs `message`, which Ed25519ph hashes with SHA-512 first, whatever it is. Deterministic.
    ///
    /// # Errors
    /// [`Unspecified`] when AWS-LC fails.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], Unspecified> {
        let mut signature = [0; SIGNATURE_LEN];
        // SAFETY: AWS-LC writes 64 bytes, reads the 64 of the private key and `message.len()` of the message; a null
        // context of length 0 is the empty context.
        succeeded(unsafe {
            lc::ED25519ph_sign(
                signature.as_mut_ptr(),
                message.as_ptr(),
                message.len(),
                self.private.as_ptr(),
                null(),
                0,
            )
        })?;
        Ok(signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ed25519ph::SigningKey").finish_non_exhaustive()
    }
}

/// Verifies an Ed25519ph signature of `message` (not of its digest).
///
/// # Errors
/// [`Unspecified`] for every signature that is not right, whatever its length.
pub fn verify(
    public_key: &[u8; PUBLIC_KEY_LEN],
    message: &[u8],
    signature: &[u8],
) -> Result<(), Unspecified> {
    let signature: &[u8; SIGNATURE_LEN] = signature.try_into().map_err(|_| Unspecified)?;
    // SAFETY: AWS-LC reads 64 bytes of signature, 32 of public key and `message.len()` of message.
    succeeded(unsafe {
        lc::ED25519ph_verify(
            message.as_ptr(),
            message.len(),
            signature.as_ptr(),
            public_key.as_ptr(),
            null(),
            0,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.3, "TEST abc".
    const SEED: [u8; 32] = hex32(b"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42");
    const PUBLIC: [u8; 32] = hex32(b"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf");
    const SIGNATURE: [[u8; 32]; 2] = [
        hex32(b"98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"),
        hex32(b"31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"),
    ];

    const fn digit(c: u8) -> u8 {
        if c <= b'9' { c - b'0' } else { c - b'a' + 10 }
    }

    const fn hex32(text: &[u8; 64]) -> [u8; 32] {
        let mut out = [0; 32];
        let mut i = 0;
        while i < 32 {
            out[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
            i += 1;
        }
        out
    }

    #[test]
    fn the_example_of_rfc_8032_comes_out() {
        let key = SigningKey::from_seed(&SEED);
        assert_eq!(key.public_key(), &PUBLIC);
        assert_eq!(key.sign(b"abc").unwrap().as_slice(), SIGNATURE.concat());
        verify(&PUBLIC, b"abc", &SIGNATURE.concat()).unwrap();
    }

    #[test]
    fn every_changed_or_cut_signature_is_refused() {
        let good = SIGNATURE.concat();
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 1;
            assert_eq!(verify(&PUBLIC, b"abc", &bad), Err(Unspecified));
            assert_eq!(verify(&PUBLIC, b"abc", &good[..position]), Err(Unspecified));
        }
        assert_eq!(verify(&PUBLIC, b"abd", &good), Err(Unspecified));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", SigningKey::from_seed(&SEED)), "ed25519ph::SigningKey { .. }");
    }
}
