//! ML-DSA (FIPS 204) over an external mu: the caller hashed the message with the public key already.
//! aws-lc-rs signs messages only. AWS-LC takes mu where other keys take a digest: `EVP_PKEY_sign` in `evp.h`.

use aws_lc_sys as lc;
use std::ffi::c_int;
use std::fmt;
use std::ptr::null_mut;

use crate::evp_key::EvpKey;
use crate::{Unspecified, succeeded};

/// Length of mu in bytes (FIPS 204 §6.2): `SHAKE256(SHAKE256(pk, 64) || 0 || 0 || M, 64)` with an empty context.
pub const MU_LEN: usize = 64;

/// A parameter set of FIPS 204.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterSet {
    /// ML-DSA-44.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
}

impl ParameterSet {
    const fn nid(self) -> c_int {
        match self {
            Self::MlDsa44 => lc::NID_MLDSA44,
            Self::MlDsa65 => lc::NID_MLDSA65,
            Self::MlDsa87 => lc::NID_MLDSA87,
        }
    }
}

/// A private key that signs a mu.
pub struct SigningKey(EvpKey);

impl SigningKey {
    /// Parses PKCS#8 (RFC 9881).
    ///
    /// # Errors
    /// [`Unspecified`] when it is malformed or of another parameter set.
    pub fn from_pkcs8(set: ParameterSet, der: &[u8]) -> Result<Self, Unspecified> {
        of_set(EvpKey::from_pkcs8(der)?, set).map(Self)
    }

    /// Signs, hedged: two signatures of one mu differ.
    ///
    /// # Errors
    /// [`Unspecified`] when AWS-LC fails.
    pub fn sign(&self, mu: &[u8; MU_LEN]) -> Result<Vec<u8>, Unspecified> {
        let context = self.0.context()?;
        let mut len = 0;
        // SAFETY: the context is live; a null signature asks for its length.
        unsafe {
            succeeded(lc::EVP_PKEY_sign_init(context.as_ptr()))?;
            succeeded(lc::EVP_PKEY_sign(context.as_ptr(), null_mut(), &raw mut len, mu.as_ptr(), mu.len()))?;
        }
        let mut signature = vec![0; len];
        // SAFETY: the buffer holds the `len` bytes that AWS-LC is told of; mu is 64 bytes.
        succeeded(unsafe {
            lc::EVP_PKEY_sign(context.as_ptr(), signature.as_mut_ptr(), &raw mut len, mu.as_ptr(), mu.len())
        })?;
        signature.truncate(len);
        Ok(signature)
    }
}

/// A public key that verifies a signature of a mu.
pub struct VerifyingKey(EvpKey);

impl VerifyingKey {
    /// Parses a `SubjectPublicKeyInfo` (RFC 9881).
    ///
    /// # Errors
    /// [`Unspecified`] when it is malformed or of another parameter set.
    pub fn from_spki(set: ParameterSet, der: &[u8]) -> Result<Self, Unspecified> {
        of_set(EvpKey::from_spki(der)?, set).map(Self)
    }

    /// Verifies a signature of mu; one made over the message itself verifies as well.
    ///
    /// # Errors
    /// [`Unspecified`] for every signature that is not right, whatever its length.
    pub fn verify(&self, mu: &[u8; MU_LEN], signature: &[u8]) -> Result<(), Unspecified> {
        let context = self.0.context()?;
        // SAFETY: the context is live; AWS-LC reads the lengths that it is given and checks that of the signature.
        unsafe {
            succeeded(lc::EVP_PKEY_verify_init(context.as_ptr()))?;
            succeeded(lc::EVP_PKEY_verify(
                context.as_ptr(),
                signature.as_ptr(),
                signature.len(),
                mu.as_ptr(),
                mu.len(),
            ))
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ml_dsa_mu::SigningKey").finish_non_exhaustive()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ml_dsa_mu::VerifyingKey").finish_non_exhaustive()
    }
}

fn of_set(key: EvpKey, set: ParameterSet) -> Result<EvpKey, Unspecified> {
    if key.ml_dsa_nid() == Some(set.nid()) { Ok(key) } else { Err(Unspecified) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETS: [(ParameterSet, u8, usize); 3] = [
        (ParameterSet::MlDsa44, 17, 2420),
        (ParameterSet::MlDsa65, 18, 3309),
        (ParameterSet::MlDsa87, 19, 4627),
    ];

    /// PKCS#8 in seed form: id-ml-dsa-44/65/87 are 2.16.840.1.101.3.4.3.17/18/19 (RFC 9881 §2, §6).
    fn pkcs8(arc: u8) -> Vec<u8> {
        let mut der = b"\x30\x34\x02\x01\x00\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03".to_vec();
        der.extend([arc, 0x04, 0x22, 0x80, 0x20]);
        der.extend([0x42; 32]);
        der
    }

    #[test]
    fn a_signature_of_mu_verifies_for_that_mu_alone() {
        for (set, arc, len) in SETS {
            let key = SigningKey::from_pkcs8(set, &pkcs8(arc)).unwrap();
            let public = VerifyingKey::from_spki(set, &key.0.to_spki().unwrap()).unwrap();
            let signature = key.sign(&[7; MU_LEN]).unwrap();
            assert_eq!(signature.len(), len);
            public.verify(&[7; MU_LEN], &signature).unwrap();
            assert_eq!(public.verify(&[8; MU_LEN], &signature), Err(Unspecified));
            assert_eq!(public.verify(&[7; MU_LEN], &signature[1..]), Err(Unspecified));
            assert_eq!(public.verify(&[7; MU_LEN], &[]), Err(Unspecified));
            assert_ne!(key.sign(&[7; MU_LEN]).unwrap(), signature, "hedged");
        }
    }

    #[test]
    fn a_key_of_another_parameter_set_is_refused() {
        for (set, ..) in SETS {
            for (other, arc, _) in SETS {
                assert_eq!(SigningKey::from_pkcs8(set, &pkcs8(arc)).is_ok(), set == other);
            }
        }
    }

    #[test]
    fn bytes_after_the_key_are_refused() {
        let mut der = pkcs8(17);
        der.push(0);
        assert!(SigningKey::from_pkcs8(ParameterSet::MlDsa44, &der).is_err());
    }
}
