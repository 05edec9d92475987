//! ML-KEM-512, -768 and -1024 (FIPS 203). Keys: RFC 9935; private keys are kept in seed form, 86 bytes of PKCS#8.
//! A forged ciphertext of the right length decapsulates to another secret (implicit rejection), never to an error.

use aws_lc_rs::kem::{Algorithm, AlgorithmId, Ciphertext, DecapsulationKey, EncapsulationKey};
use aws_lc_rs::kem::{ML_KEM_512, ML_KEM_768, ML_KEM_1024};
use keyreeve_model::key_spec::KeySpec;
use keyreeve_native::ml_kem_seed::{self, ParameterSet};

use super::der::one_sequence;
use crate::error::Unspecified;
use crate::secret::{KeyMaterial, SecretBytes, SharedSecret};

/// Facts about one parameter set.
struct Row {
    spec: KeySpec,
    algorithm: &'static Algorithm<AlgorithmId>,
    seed: ParameterSet,
}

static ROWS: [Row; 3] = [
    Row { spec: KeySpec::MlKem512, algorithm: &ML_KEM_512, seed: ParameterSet::MlKem512 },
    Row { spec: KeySpec::MlKem768, algorithm: &ML_KEM_768, seed: ParameterSet::MlKem768 },
    Row { spec: KeySpec::MlKem1024, algorithm: &ML_KEM_1024, seed: ParameterSet::MlKem1024 },
];

fn row_of(spec: KeySpec) -> Result<&'static Row, Unspecified> {
    ROWS.iter().find(|row| row.spec == spec).ok_or(Unspecified)
}

/// Generates a key as PKCS#8 DER in seed form.
pub(crate) fn generate(spec: KeySpec) -> Result<KeyMaterial, Unspecified> {
    let mut pkcs8 = ml_kem_seed::generate_pkcs8(row_of(spec)?.seed)?;
    Ok(SecretBytes::from(std::mem::take(&mut *pkcs8)).into())
}

/// A private key that decapsulates.
pub(crate) struct MlKemPrivate {
    key: DecapsulationKey,
    spki: Vec<u8>,
}

impl MlKemPrivate {
    /// Parses PKCS#8 DER in seed form.
    pub(crate) fn open(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(pkcs8)?;
        let row = row_of(spec)?;
        let expanded = ml_kem_seed::expand(row.seed, pkcs8)?;
        let key =
            DecapsulationKey::new(row.algorithm, &expanded.decapsulation_key).map_err(|_| Unspecified)?;
        Ok(Self { key, spki: expanded.spki })
    }

    /// The SPKI of its public key.
    pub(crate) fn spki(&self) -> Vec<u8> {
        self.spki.clone()
    }

    /// The 32-byte secret of a ciphertext; only one of the wrong length is refused.
    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> Result<SharedSecret, Unspecified> {
        Ok(shared(&self.key.decapsulate(Ciphertext::from(ciphertext))?))
    }
}

/// A public key that encapsulates.
pub(crate) struct MlKemPublic(EncapsulationKey);

impl MlKemPublic {
    /// Parses SPKI DER; its coefficients must be reduced (FIPS 203 §7.2).
    pub(crate) fn open(spec: KeySpec, spki: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(spki)?;
        let row = row_of(spec)?;
        let raw = ml_kem_seed::encapsulation_key(row.seed, spki)?;
        Ok(Self(EncapsulationKey::new(row.algorithm, &raw).map_err(|_| Unspecified)?))
    }

    /// A fresh 32-byte secret and the ciphertext that carries it.
    pub(crate) fn encapsulate(&self) -> Result<(SharedSecret, Vec<u8>), Unspecified> {
        let (ciphertext, secret) = self.0.encapsulate()?;
        Ok((shared(&secret), ciphertext.as_ref().to_vec()))
    }
}

fn shared(secret: &aws_lc_rs::kem::SharedSecret) -> SharedSecret {
    let bytes = secret.as_ref();
    SecretBytes::init_with(bytes.len(), |copy| copy.copy_from_slice(bytes)).into()
}
