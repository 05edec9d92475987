//! The transport key of a Region: what other Regions seal secrets to. A hybrid, so that breaking one half is not enough:
//! ECDH on P-384 (NIST SP 800-56A r3) and ML-KEM-768 (FIPS 203), both secrets through HKDF-SHA-384 (RFC 5869, and
//! NIST SP 800-56C r2 §2 for the concatenation).
//!
//! ```text
//! public key   version 0xC1 | SPKI of P-384, 120 | SPKI of ML-KEM-768, 1206
//! private key  version 0xC1 | PKCS#8 of ML-KEM-768 in seed form, 86 | PKCS#8 of P-384
//! sealed       version 0xC2 | ephemeral SPKI of P-384, 120 | ML-KEM ciphertext, 1088 | ciphertext | tag, 16
//!
//! key, 32 | nonce, 12  =  HKDF-SHA-384(salt: none, secret: ECDH || ML-KEM, info: label || 00 || SHA-384(transcript))
//! transcript           =  public key || version || ephemeral SPKI || ML-KEM ciphertext
//! ```
//!
//! AES-256-GCM; associated data = what the secret is bound to. Whoever has the public key can seal: who sealed is for the
//! channel to prove (mutually authenticated TLS between Regions).

use std::fmt;

use aws_lc_rs::digest::{Context, SHA384, SHA384_OUTPUT_LEN};
use aws_lc_rs::hkdf::{HKDF_SHA384, KeyType, Salt};
use keyreeve_model::key_spec::KeySpec;
use zeroize::Zeroizing;

use crate::digest::sha256;
use crate::error::Unspecified;
use crate::label;
use crate::open_key::{OpenKey, PublicKey, generate};
use crate::primitive::aes_gcm::{Aes256Gcm, KEY_LEN, NONCE_LEN, TAG_LEN};
use crate::secret::{KeyMaterial, SecretBytes, SharedSecret, TransportSecret};

const KEY_VERSION: u8 = 0xC1;
const SEALED_VERSION: u8 = 0xC2;
const CURVE: KeySpec = KeySpec::EccNistP384;
const LATTICE: KeySpec = KeySpec::MlKem768;
const CURVE_SPKI_LEN: usize = 120;
const LATTICE_SPKI_LEN: usize = 1206;
const LATTICE_SEED_LEN: usize = 86;
const LATTICE_CIPHERTEXT_LEN: usize = 1088;
/// Version, ephemeral key and ML-KEM ciphertext.
const HEADER_LEN: usize = 1 + CURVE_SPKI_LEN + LATTICE_CIPHERTEXT_LEN;

/// Bytes that a sealed secret is longer than the secret.
pub const OVERHEAD_LEN: usize = HEADER_LEN + TAG_LEN;

/// The public half: 1,327 bytes that other Regions keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportPublicKey {
    bytes: Box<[u8]>,
}

impl TransportPublicKey {
    /// Parses a public key; both halves must be keys of their kind.
    ///
    /// # Errors
    /// [`Unspecified`] for everything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unspecified> {
        let (curve, lattice) = split_public(bytes)?;
        PublicKey::from_spki(CURVE, curve)?;
        PublicKey::from_spki(LATTICE, lattice)?;
        Ok(Self { bytes: bytes.into() })
    }

    fn of(curve: &OpenKey, lattice: &OpenKey) -> Result<Self, Unspecified> {
        let curve = curve.public_key().ok_or(Unspecified)?;
        let lattice = lattice.public_key().ok_or(Unspecified)?;
        let bytes = [&[KEY_VERSION], curve, lattice].concat();
        split_public(&bytes)?;
        Ok(Self { bytes: bytes.into() })
    }

    /// The bytes, as [`Self::parse`] takes them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the bytes, in hexadecimal: what people compare.
    pub fn fingerprint(&self) -> String {
        hex::encode(sha256(&self.bytes))
    }

    /// Seals a secret to whoever holds the private half, [`OVERHEAD_LEN`] bytes longer. `binding` says what the secret is,
    /// from whom and for whom; it opens only together with the same bytes.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn seal(&self, binding: &[u8], secret: &SecretBytes) -> Result<Vec<u8>, Unspecified> {
        let (curve, lattice) = split_public(&self.bytes)?;
        let ephemeral = OpenKey::open(CURVE, &generate(CURVE)?)?;
        let agreed = ephemeral.agree(curve)?;
        let (encapsulated, ciphertext) = PublicKey::from_spki(LATTICE, lattice)?.encapsulate()?;
        let ephemeral = ephemeral.public_key().ok_or(Unspecified)?;
        let mut sealed = Vec::with_capacity(OVERHEAD_LEN + secret.len());
        sealed.push(SEALED_VERSION);
        sealed.extend_from_slice(ephemeral);
        sealed.extend_from_slice(&ciphertext);
        let (cipher, nonce) = derive(&agreed, &encapsulated, &transcript(self, &sealed))?;
        sealed.extend_from_slice(secret.expose_secret());
        let body = sealed.get_mut(HEADER_LEN..).ok_or(Unspecified)?;
        let tag = cipher.seal(nonce, binding, body)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }
}

/// A transport key, parsed.
pub struct TransportKeyPair {
    curve: OpenKey,
    lattice: OpenKey,
    public: TransportPublicKey,
}

impl TransportKeyPair {
    /// A new private key in its storable form.
    ///
    /// # Errors
    /// [`Unspecified`] when the generator fails.
    pub fn generate() -> Result<TransportSecret, Unspecified> {
        Ok(stored(&generate(CURVE)?, &generate(LATTICE)?).into())
    }

    /// Parses a private key.
    ///
    /// # Errors
    /// [`Unspecified`] when a half is no key of its kind.
    pub fn parse(secret: &TransportSecret) -> Result<Self, Unspecified> {
        let (&[KEY_VERSION], rest) = secret.expose_secret().split_first_chunk().ok_or(Unspecified)? else {
            return Err(Unspecified);
        };
        let (lattice, curve) = rest.split_at_checked(LATTICE_SEED_LEN).ok_or(Unspecified)?;
        let open = |spec, bytes: &[u8]| {
            let copy = SecretBytes::init_with(bytes.len(), |copy| copy.copy_from_slice(bytes));
            OpenKey::open(spec, &KeyMaterial::from(copy))
        };
        let (curve, lattice) = (open(CURVE, curve)?, open(LATTICE, lattice)?);
        let public = TransportPublicKey::of(&curve, &lattice)?;
        Ok(Self { curve, lattice, public })
    }

    /// The public half.
    pub const fn public(&self) -> &TransportPublicKey {
        &self.public
    }

    /// Opens what was sealed to this key with the same binding.
    ///
    /// # Errors
    /// [`Unspecified`] for everything else.
    pub fn open(&self, binding: &[u8], sealed: &[u8]) -> Result<SecretBytes, Unspecified> {
        let (header, body) = sealed.split_at_checked(HEADER_LEN).ok_or(Unspecified)?;
        let (&[SEALED_VERSION], keys) = header.split_first_chunk().ok_or(Unspecified)? else {
            return Err(Unspecified);
        };
        let (ephemeral, ciphertext) = keys.split_at_checked(CURVE_SPKI_LEN).ok_or(Unspecified)?;
        let agreed = self.curve.agree(ephemeral)?;
        let encapsulated = self.lattice.decapsulate(ciphertext)?;
        let (cipher, nonce) = derive(&agreed, &encapsulated, &transcript(&self.public, header))?;
        let (ciphertext, tag) = body.split_last_chunk::<TAG_LEN>().ok_or(Unspecified)?;
        SecretBytes::try_init_with(ciphertext.len(), |secret| {
            cipher.open(nonce, binding, ciphertext, tag, secret)
        })
    }
}

impl fmt::Debug for TransportKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransportKeyPair({})", self.public.fingerprint())
    }
}

fn split_public(bytes: &[u8]) -> Result<(&[u8], &[u8]), Unspecified> {
    let (&[KEY_VERSION], rest) = bytes.split_first_chunk().ok_or(Unspecified)? else {
        return Err(Unspecified);
    };
    let halves = rest.split_at_checked(CURVE_SPKI_LEN).ok_or(Unspecified)?;
    if halves.1.len() == LATTICE_SPKI_LEN { Ok(halves) } else { Err(Unspecified) }
}

fn stored(curve: &KeyMaterial, lattice: &KeyMaterial) -> SecretBytes {
    // Sized exactly: a growing vector would leave copies of keys behind.
    let mut bytes = Vec::with_capacity(1 + lattice.len() + curve.len());
    bytes.push(KEY_VERSION);
    bytes.extend_from_slice(lattice.expose_secret());
    bytes.extend_from_slice(curve.expose_secret());
    SecretBytes::from(bytes)
}

fn transcript(public: &TransportPublicKey, header: &[u8]) -> [u8; SHA384_OUTPUT_LEN] {
    let mut context = Context::new(&SHA384);
    // Every part has one length, so that the concatenation is injective.
    context.update(&public.bytes);
    context.update(header);
    let mut digest = [0; SHA384_OUTPUT_LEN];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

/// Length of what is derived.
struct KeyAndNonce;

impl KeyType for KeyAndNonce {
    fn len(&self) -> usize {
        KEY_LEN + NONCE_LEN
    }
}

/// One cipher for one message.
fn derive(
    agreed: &SharedSecret,
    encapsulated: &SharedSecret,
    transcript: &[u8],
) -> Result<(Aes256Gcm, [u8; NONCE_LEN]), Unspecified> {
    let okm = derive_bytes(agreed, encapsulated, transcript)?;
    let (key, nonce) = okm.split_first_chunk::<KEY_LEN>().ok_or(Unspecified)?;
    Ok((Aes256Gcm::new(key)?, *nonce.first_chunk().ok_or(Unspecified)?))
}

fn derive_bytes(
    agreed: &SharedSecret,
    encapsulated: &SharedSecret,
    transcript: &[u8],
) -> Result<Zeroizing<[u8; KEY_LEN + NONCE_LEN]>, Unspecified> {
    let secret = SecretBytes::try_init_with(agreed.len() + encapsulated.len(), |both| {
        let (first, second) = both.split_at_mut_checked(agreed.len()).ok_or(Unspecified)?;
        first.copy_from_slice(agreed.expose_secret());
        second.copy_from_slice(encapsulated.expose_secret());
        Ok::<(), Unspecified>(())
    })?;
    let extracted = Salt::new(HKDF_SHA384, &[]).extract(secret.expose_secret());
    let info = [label::TRANSPORT.text().as_bytes(), &[0], transcript];
    let mut okm = Zeroizing::new([0; KEY_LEN + NONCE_LEN]);
    extracted.expand(&info, KeyAndNonce)?.fill(okm.as_mut())?;
    Ok(okm)
}

#[cfg(test)]
mod tests;
