//! ML-DSA-44, -65 and -87 (FIPS 204): pure, hedged, empty context, over a message or over an external mu.
//! Keys: RFC 9881; private keys are kept in seed form, 54 bytes of PKCS#8.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    self as lc, KeyPair as _, ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm,
    PqdsaVerificationAlgorithm,
};
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;
use keyreeve_native::ml_dsa_mu::{self, MU_LEN, ParameterSet};

use super::der::one_sequence;
use crate::error::Unspecified;
use crate::secret::{KeyMaterial, SecretBytes};

/// Length of PKCS#8 DER in seed form; the expanded forms are thousands of bytes.
const PKCS8_LEN: usize = 54;

/// Facts about one parameter set.
struct Row {
    spec: KeySpec,
    signing: &'static PqdsaSigningAlgorithm,
    verification: &'static PqdsaVerificationAlgorithm,
    mu: ParameterSet,
}

static ROWS: [Row; 3] = [
    Row {
        spec: KeySpec::MlDsa44,
        signing: &lc::ML_DSA_44_SIGNING,
        verification: &lc::ML_DSA_44,
        mu: ParameterSet::MlDsa44,
    },
    Row {
        spec: KeySpec::MlDsa65,
        signing: &lc::ML_DSA_65_SIGNING,
        verification: &lc::ML_DSA_65,
        mu: ParameterSet::MlDsa65,
    },
    Row {
        spec: KeySpec::MlDsa87,
        signing: &lc::ML_DSA_87_SIGNING,
        verification: &lc::ML_DSA_87,
        mu: ParameterSet::MlDsa87,
    },
];

fn row_of(spec: KeySpec) -> Result<&'static Row, Unspecified> {
    ROWS.iter().find(|row| row.spec == spec).ok_or(Unspecified)
}

/// What is signed.
enum Input<'a> {
    Message(&'a [u8]),
    Mu(&'a [u8; MU_LEN]),
}

fn input(
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
) -> Result<Input<'_>, Unspecified> {
    if algorithm != SigningAlgorithm::MlDsaShake256 {
        return Err(Unspecified);
    }
    match message_type {
        MessageType::Raw => Ok(Input::Message(message)),
        MessageType::ExternalMu => Ok(Input::Mu(message.try_into().map_err(|_| Unspecified)?)),
        MessageType::Digest => Err(Unspecified),
    }
}

/// Generates a key as PKCS#8 DER in seed form.
pub(crate) fn generate(spec: KeySpec) -> Result<KeyMaterial, Unspecified> {
    let document = PqdsaKeyPair::generate(row_of(spec)?.signing)?.to_pkcs8v1()?;
    Ok(SecretBytes::from(document.as_ref().to_vec()).into())
}

/// A private key, parsed for messages and for mu.
pub(crate) struct MlDsaPrivate {
    message: PqdsaKeyPair,
    mu: ml_dsa_mu::SigningKey,
}

impl MlDsaPrivate {
    /// Parses PKCS#8 DER in seed form.
    pub(crate) fn open(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(pkcs8)?;
        if pkcs8.len() != PKCS8_LEN {
            return Err(Unspecified);
        }
        let row = row_of(spec)?;
        let message = PqdsaKeyPair::from_pkcs8(row.signing, pkcs8).map_err(|_| Unspecified)?;
        Ok(Self { message, mu: ml_dsa_mu::SigningKey::from_pkcs8(row.mu, pkcs8)? })
    }

    /// The SPKI of its public key.
    pub(crate) fn spki(&self) -> Result<Vec<u8>, Unspecified> {
        let spki: PublicKeyX509Der<'_> = self.message.public_key().as_der()?;
        Ok(spki.as_ref().to_vec())
    }

    /// Signs; two signatures of one message differ.
    pub(crate) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        match input(algorithm, message_type, message)? {
            Input::Message(message) => {
                let mut signature = vec![0; self.message.algorithm().signature_len()];
                let len = self.message.sign(message, &mut signature)?;
                signature.truncate(len);
                Ok(signature)
            }
            Input::Mu(mu) => Ok(self.mu.sign(mu)?),
        }
    }
}

/// A public key that verifies.
pub(crate) struct MlDsaPublic {
    message: ParsedPublicKey,
    mu: ml_dsa_mu::VerifyingKey,
}

impl MlDsaPublic {
    /// Parses SPKI DER.
    pub(crate) fn open(spec: KeySpec, spki: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(spki)?;
        let row = row_of(spec)?;
        let message = ParsedPublicKey::new(row.verification, spki).map_err(|_| Unspecified)?;
        Ok(Self { message, mu: ml_dsa_mu::VerifyingKey::from_spki(row.mu, spki)? })
    }

    /// Verifies; signatures over a message and over its mu are interchangeable.
    pub(crate) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unspecified> {
        match input(algorithm, message_type, message)? {
            Input::Message(message) => Ok(self.message.verify_sig(message, signature)?),
            Input::Mu(mu) => Ok(self.mu.verify(mu, signature)?),
        }
    }
}
