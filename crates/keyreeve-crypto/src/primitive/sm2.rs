//! SM2 (GB/T 32918): SM2DSA, SM2PKE and key agreement on its curve, from RustCrypto's `sm2`, which nobody has audited;
//! AWS-LC has no SM2. Offered in China Regions only. Wire forms: GM/T 0009.

use keyreeve_model::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use sm2::dsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use sm2::dsa::signature::{RandomizedSigner, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::Generate as _;
use sm2::elliptic_curve::point::AffineCoordinates;
use sm2::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use sm2::pke::{DecryptingKey, EncryptingKey, Mode};
use sm2::{ProjectivePoint, PublicKey, SecretKey};

use super::der::one_sequence;
use crate::error::Unspecified;
use crate::random::Generator;
use crate::secret::{KeyMaterial, Plaintext, SecretBytes, SharedSecret};

/// The signer's identifier where none was agreed on (GM/T 0009 §10).
const DISTID: &str = "1234567812345678";

/// Generates a key as PKCS#8 DER with the public key in it.
pub(crate) fn generate() -> Result<KeyMaterial, Unspecified> {
    let key = SecretKey::try_generate_from_rng(&mut Generator).map_err(|_| Unspecified)?;
    let document = key.to_pkcs8_der().map_err(|_| Unspecified)?;
    Ok(SecretBytes::from(document.as_bytes().to_vec()).into())
}

/// A private key, ready for all three uses. No `Debug`: that of `DecryptingKey` would show the scalar.
///
/// Neither half zeroises its scalar on drop; the caller boxes it, and the process's allocator zeroises what it frees.
pub(crate) struct Sm2Private {
    signing: SigningKey,
    decrypting: DecryptingKey,
}

impl Sm2Private {
    /// Parses PKCS#8 DER; a public key in it must be that of the scalar.
    pub(crate) fn open(pkcs8: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(pkcs8)?;
        let secret = SecretKey::from_pkcs8_der(pkcs8).map_err(|_| Unspecified)?;
        let signing = SigningKey::new(DISTID, &secret).map_err(|_| Unspecified)?;
        let decrypting = DecryptingKey::new_with_mode(secret.to_nonzero_scalar(), Mode::C1C3C2);
        Ok(Self { signing, decrypting })
    }

    /// The SPKI of its public key: named curve, uncompressed point.
    pub(crate) fn spki(&self) -> Result<Vec<u8>, Unspecified> {
        let spki = self.signing.verifying_key().to_public_key_der().map_err(|_| Unspecified)?;
        Ok(spki.into_vec())
    }

    /// Signs; DER. A digest is e = SM3(Z || M).
    pub(crate) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        check_signing(algorithm)?;
        let signature: Signature = match message_type {
            MessageType::Raw => self.signing.try_sign_with_rng(&mut Generator, message),
            MessageType::Digest => self.signing.sign_prehash_with_rng(&mut Generator, message),
            MessageType::ExternalMu => return Err(Unspecified),
        }
        .map_err(|_| Unspecified)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    /// Decrypts the ASN.1 form of C1 C3 C2.
    pub(crate) fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Plaintext, Unspecified> {
        check_encryption(algorithm)?;
        let plaintext = self.decrypting.decrypt_der(ciphertext).map_err(|_| Unspecified)?;
        Plaintext::try_from(SecretBytes::from(plaintext)).map_err(|_| Unspecified)
    }

    /// The raw x coordinate of the shared point. The peer's point was checked when its SPKI was parsed.
    pub(crate) fn agree(&self, peer_spki: &[u8]) -> Result<SharedSecret, Unspecified> {
        one_sequence(peer_spki)?;
        let peer = PublicKey::from_public_key_der(peer_spki).map_err(|_| Unspecified)?;
        let point = ProjectivePoint::from(*peer.as_affine()) * self.decrypting.as_nonzero_scalar().as_ref();
        let x = point.to_affine().x();
        Ok(SecretBytes::init_with(x.len(), |secret| secret.copy_from_slice(&x)).into())
    }
}

/// A public key that verifies and encrypts.
pub(crate) struct Sm2Public {
    verifying: VerifyingKey,
    encrypting: EncryptingKey,
}

impl Sm2Public {
    /// Parses SPKI DER; the point must be on the curve.
    pub(crate) fn open(spki: &[u8]) -> Result<Self, Unspecified> {
        one_sequence(spki)?;
        let key = PublicKey::from_public_key_der(spki).map_err(|_| Unspecified)?;
        let verifying = VerifyingKey::new(DISTID, key).map_err(|_| Unspecified)?;
        Ok(Self { verifying, encrypting: EncryptingKey::new_with_mode(key, Mode::C1C3C2) })
    }

    /// Verifies a DER signature.
    pub(crate) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unspecified> {
        check_signing(algorithm)?;
        let signature = Signature::from_der(signature).map_err(|_| Unspecified)?;
        match message_type {
            MessageType::Raw => self.verifying.verify(message, &signature),
            MessageType::Digest => self.verifying.verify_prehash(message, &signature),
            MessageType::ExternalMu => return Err(Unspecified),
        }
        .map_err(|_| Unspecified)
    }

    /// Encrypts at least one byte; the answer is `SEQUENCE { x, y, C3, C2 }`.
    pub(crate) fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        check_encryption(algorithm)?;
        self.encrypting.encrypt_der(&mut Generator, plaintext).map_err(|_| Unspecified)
    }
}

fn check_signing(algorithm: SigningAlgorithm) -> Result<(), Unspecified> {
    if algorithm == SigningAlgorithm::Sm2Dsa { Ok(()) } else { Err(Unspecified) }
}

fn check_encryption(algorithm: EncryptionAlgorithm) -> Result<(), Unspecified> {
    if algorithm == EncryptionAlgorithm::Sm2Pke { Ok(()) } else { Err(Unspecified) }
}
