//! ML-KEM (FIPS 203) keys in seed form, 64 bytes d || z: generation, PKCS#8 and SPKI (RFC 9935), expansion.
//! aws-lc-rs knows the expanded form only; it encapsulates and decapsulates with what [`expand`] gives.

use aws_lc_sys as lc;
use std::ffi::c_int;
use std::fmt;
use zeroize::Zeroizing;

use crate::Unspecified;
use crate::evp_key::EvpKey;

/// Length of a seed in bytes.
pub const SEED_LEN: usize = 64;

/// A parameter set of FIPS 203.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterSet {
    /// ML-KEM-512.
    MlKem512,
    /// ML-KEM-768.
    MlKem768,
    /// ML-KEM-1024.
    MlKem1024,
}

impl ParameterSet {
    const fn nid(self) -> c_int {
        match self {
            Self::MlKem512 => lc::NID_MLKEM512,
            Self::MlKem768 => lc::NID_MLKEM768,
            Self::MlKem1024 => lc::NID_MLKEM1024,
        }
    }
}

/// The parts of an expanded key.
pub struct ExpandedKey {
    /// Encapsulation key, as FIPS 203 encodes it.
    pub encapsulation_key: Vec<u8>,
    /// Decapsulation key, as FIPS 203 encodes it.
    pub decapsulation_key: Zeroizing<Vec<u8>>,
    /// The encapsulation key as SPKI DER (RFC 9935).
    pub spki: Vec<u8>,
}

impl fmt::Debug for ExpandedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ml_kem_seed::ExpandedKey").finish_non_exhaustive()
    }
}

/// Makes a key from a fresh seed; answers PKCS#8 DER in seed form, 86 bytes for every parameter set.
///
/// # Errors
/// [`Unspecified`] when AWS-LC fails.
pub fn generate_pkcs8(set: ParameterSet) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    EvpKey::generate_kem(set.nid())?.to_pkcs8()
}

/// Expands a key from PKCS#8 DER in seed form.
///
/// # Errors
/// [`Unspecified`] when it is malformed, in another form, or of another parameter set.
pub fn expand(set: ParameterSet, pkcs8: &[u8]) -> Result<ExpandedKey, Unspecified> {
    let key = EvpKey::from_pkcs8(pkcs8)?;
    if key.ml_kem_nid() != Some(set.nid()) || key.seed()?.len() != SEED_LEN {
        return Err(Unspecified);
    }
    Ok(ExpandedKey {
        encapsulation_key: key.raw_public()?,
        decapsulation_key: key.raw_private()?,
        spki: key.to_spki()?,
    })
}

/// The raw encapsulation key of an SPKI (RFC 9935).
///
/// # Errors
/// [`Unspecified`] when it is malformed or of another parameter set.
pub fn encapsulation_key(set: ParameterSet, spki: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let key = EvpKey::from_spki(spki)?;
    if key.ml_kem_nid() == Some(set.nid()) { key.raw_public() } else { Err(Unspecified) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths in bytes of encapsulation and decapsulation keys: FIPS 203 table 3.
    const SETS: [(ParameterSet, usize, usize); 3] = [
        (ParameterSet::MlKem512, 800, 1632),
        (ParameterSet::MlKem768, 1184, 2400),
        (ParameterSet::MlKem1024, 1568, 3168),
    ];

    #[test]
    fn a_generated_key_is_86_bytes_and_expands_to_the_standard_lengths() {
        for (set, public, private) in SETS {
            let pkcs8 = generate_pkcs8(set).unwrap();
            assert_eq!(pkcs8.len(), 86);
            let key = expand(set, &pkcs8).unwrap();
            assert_eq!((key.encapsulation_key.len(), key.decapsulation_key.len()), (public, private));
            assert_eq!(encapsulation_key(set, &key.spki).unwrap(), key.encapsulation_key);
            assert_ne!(generate_pkcs8(set).unwrap().as_slice(), pkcs8.as_slice());
        }
    }

    #[test]
    fn a_key_of_another_parameter_set_is_refused() {
        for (set, ..) in SETS {
            let pkcs8 = generate_pkcs8(set).unwrap();
            let spki = expand(set, &pkcs8).unwrap().spki;
            for (other, ..) in SETS {
                assert_eq!(expand(other, &pkcs8).is_ok(), set == other);
                assert_eq!(encapsulation_key(other, &spki).is_ok(), set == other);
            }
        }
    }

    #[test]
    fn the_expanded_form_is_refused() {
        let expanded =
            expand(ParameterSet::MlKem512, &generate_pkcs8(ParameterSet::MlKem512).unwrap()).unwrap();
        let mut der =
            b"\x30\x82\x06\x78\x02\x01\x00\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x04\x01".to_vec();
        der.extend(b"\x04\x82\x06\x64\x04\x82\x06\x60");
        der.extend(expanded.decapsulation_key.iter());
        assert!(EvpKey::from_pkcs8(&der).is_ok(), "the encoding itself is right");
        assert!(expand(ParameterSet::MlKem512, &der).is_err());
    }
}
