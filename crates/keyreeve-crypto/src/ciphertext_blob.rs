//! The ciphertext blob of symmetric keys, version 1: derived-key AES-256-GCM with key commitment.
//!
//! ```text
//!  0  version 0xC1 | 1  suite 1 | 2  flags (bit 0: multi-Region) | 4  key id, 16 | 20  material id, first 16
//! 36  N, 16 | 52  IV, 12 | 64  commitment, 16 | 80  ciphertext | tag, 16
//! ```
//!
//! Each call derives its own key from N, so no count of calls wears a key out. Region and account are not in the
//! blob: related multi-Region keys open each other's. An independent reference is `tests/oracle/blob_ref.py`.

use keyreeve_model::key_id::KeyId;
use keyreeve_model::limits::PLAINTEXT_BYTES_MAX;
use keyreeve_model::material_id::MaterialId;
use std::fmt;
use subtle::ConstantTimeEq as _;

use crate::derivation::{DerivationKey, IV_LEN, TAG_LEN};
use crate::error::Unspecified;
use crate::label::{COMMIT, ENCRYPT, MATERIAL_ID};
use crate::random;
use crate::secret::{KeyMaterial, Plaintext, SecretBytes};

/// Bytes of a symmetric key.
pub const SYMMETRIC_KEY_LEN: usize = 32;
/// Bytes that a blob is longer than its plaintext.
pub const OVERHEAD_LEN: usize = HEADER_LEN + TAG_LEN;

/// Never 0x01 or 0x02 (AWS's own blobs), nor ASCII (`vault:v1:`, JSON).
const VERSION: u8 = 0xC1;
const SUITE_KBKDF_AES_256_GCM: u8 = 1;
const FLAG_MULTI_REGION: u16 = 1;
const NONCE_LEN: usize = 16;
const COMMITMENT_LEN: usize = 16;
const HEADER_LEN: usize = 80;
/// The header up to its IV.
const BEFORE_IV_LEN: usize = 52;

/// The bytes are not a ciphertext blob of this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ciphertext blob")]
pub struct Malformed;

/// A parsed, not yet authenticated, blob.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    key_id: KeyId,
    before_iv: &'a [u8; BEFORE_IV_LEN],
    material: &'a [u8; MaterialId::PREFIX_LEN],
    nonce: &'a [u8; NONCE_LEN],
    iv: &'a [u8; IV_LEN],
    commitment: &'a [u8; COMMITMENT_LEN],
    sealed: &'a [u8],
}

impl<'a> Header<'a> {
    /// Parses a blob: version, suite, flags and length must be exactly what this version writes.
    ///
    /// # Errors
    /// [`Malformed`]; nothing about the key is checked here.
    pub fn parse(blob: &'a [u8]) -> Result<Self, Malformed> {
        if blob.len() > OVERHEAD_LEN + PLAINTEXT_BYTES_MAX {
            return Err(Malformed);
        }
        let (before_iv, _) = blob.split_first_chunk().ok_or(Malformed)?;
        let (&[VERSION, SUITE_KBKDF_AES_256_GCM, flags_high, flags_low], rest) = take(blob)? else {
            return Err(Malformed);
        };
        let flags = u16::from_be_bytes([flags_high, flags_low]);
        if flags & !FLAG_MULTI_REGION != 0 {
            return Err(Malformed);
        }
        let (key_id, rest) = take(rest)?;
        let (material, rest) = take(rest)?;
        let (nonce, rest) = take(rest)?;
        let (iv, rest) = take(rest)?;
        let (commitment, sealed) = take(rest)?;
        if sealed.len() < TAG_LEN {
            return Err(Malformed);
        }
        let key_id = KeyId::new(*key_id, flags == FLAG_MULTI_REGION);
        Ok(Self { key_id, before_iv, material, nonce, iv, commitment, sealed })
    }

    /// The key that the blob claims to be from.
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The first 16 bytes of the id of the material that the blob claims to be from.
    pub const fn material_prefix(&self) -> &'a [u8; MaterialId::PREFIX_LEN] {
        self.material
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), Malformed> {
    bytes.split_first_chunk().ok_or(Malformed)
}

/// One material of a symmetric encryption key, ready to seal and open blobs.
/// It keeps the keyed HMAC state only: the key bytes themselves are not needed again.
pub struct SymmetricKey {
    derivation: DerivationKey,
    key_id: KeyId,
    material_id: MaterialId,
}

impl SymmetricKey {
    /// The handle of 32 bytes of key material that belong to this key.
    ///
    /// # Errors
    /// [`Unspecified`] when the material is not 32 bytes.
    pub fn new(material: &KeyMaterial, key_id: KeyId) -> Result<Self, Unspecified> {
        if material.len() != SYMMETRIC_KEY_LEN {
            return Err(Unspecified);
        }
        let derivation = DerivationKey::new(material.expose_secret());
        let mut id = [0; 32];
        derivation.derive(&MATERIAL_ID, &[key_id.bytes()], &mut id)?;
        Ok(Self { derivation, key_id, material_id: MaterialId::new(id) })
    }

    /// The id of the material.
    pub const fn material_id(&self) -> &MaterialId {
        &self.material_id
    }

    /// The id of the key.
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Encrypts at most 4,096 bytes, authenticating the canonical bytes of the encryption context with them.
    ///
    /// # Errors
    /// [`Unspecified`] when the plaintext is too long or the random generator fails.
    pub fn seal(&self, plaintext: &[u8], context_canonical: &[u8]) -> Result<Vec<u8>, Unspecified> {
        // One draw for both: a second call to the generator costs more than the encryption.
        let drawn = random::array::<{ NONCE_LEN + IV_LEN }>()?;
        let (nonce, iv) = drawn.split_first_chunk().ok_or(Unspecified)?;
        self.seal_with(plaintext, context_canonical, nonce, *iv.first_chunk().ok_or(Unspecified)?)
    }

    /// Sealing with given N and IV, for known answers.
    fn seal_with(
        &self,
        plaintext: &[u8],
        context_canonical: &[u8],
        nonce: &[u8; NONCE_LEN],
        iv: [u8; IV_LEN],
    ) -> Result<Vec<u8>, Unspecified> {
        if plaintext.len() > PLAINTEXT_BYTES_MAX {
            return Err(Unspecified);
        }
        let flags = if self.key_id.is_multi_region() { FLAG_MULTI_REGION } else { 0 };
        let mut blob = Vec::with_capacity(OVERHEAD_LEN + plaintext.len());
        blob.extend_from_slice(&[VERSION, SUITE_KBKDF_AES_256_GCM]);
        blob.extend_from_slice(&flags.to_be_bytes());
        blob.extend_from_slice(self.key_id.bytes());
        blob.extend_from_slice(&self.material_id.prefix());
        blob.extend_from_slice(nonce);
        let commitment = self.commitment(nonce)?;
        let associated = associated_data(&blob, &commitment, context_canonical);
        blob.extend_from_slice(&iv);
        blob.extend_from_slice(&commitment);
        blob.resize(OVERHEAD_LEN + plaintext.len(), 0);
        let sealed = blob.get_mut(HEADER_LEN..).ok_or(Unspecified)?;
        let cipher = self.derivation.derive_cipher(&ENCRYPT, &self.derivation_context(nonce))?;
        cipher.seal(iv, &associated, plaintext, sealed)?;
        Ok(blob)
    }

    /// Decrypts a blob of this material with the same encryption context.
    ///
    /// # Errors
    /// [`Unspecified`], whatever was wrong: key, material, context or any bit of the blob.
    pub fn open(&self, blob: &[u8], context_canonical: &[u8]) -> Result<Plaintext, Unspecified> {
        let header = Header::parse(blob).map_err(|Malformed| Unspecified)?;
        self.open_parsed(&header, context_canonical)
    }

    /// As [`Self::open`], of a blob that was parsed to find the key.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_parsed(
        &self,
        header: &Header<'_>,
        context_canonical: &[u8],
    ) -> Result<Plaintext, Unspecified> {
        // What the blob claims is public; the multi-Region flag is no part of the derivation.
        if header.key_id != self.key_id || *header.material != self.material_id.prefix() {
            return Err(Unspecified);
        }
        // GCM alone does not commit to a key: imported material could be chosen so that one blob opens under two.
        let commitment = self.commitment(header.nonce)?;
        if !bool::from(commitment.ct_eq(header.commitment)) {
            return Err(Unspecified);
        }
        let associated = associated_data(header.before_iv, header.commitment, context_canonical);
        let cipher = self.derivation.derive_cipher(&ENCRYPT, &self.derivation_context(header.nonce))?;
        let len = header.sealed.len().checked_sub(TAG_LEN).ok_or(Unspecified)?;
        let plaintext = SecretBytes::try_init_with(len, |buffer| {
            cipher.open(*header.iv, &associated, header.sealed, buffer)
        })?;
        Plaintext::try_from(plaintext).map_err(|_| Unspecified)
    }

    fn commitment(&self, nonce: &[u8; NONCE_LEN]) -> Result<[u8; COMMITMENT_LEN], Unspecified> {
        let mut commitment = [0; COMMITMENT_LEN];
        self.derivation.derive(&COMMIT, &self.derivation_context(nonce), &mut commitment)?;
        Ok(commitment)
    }

    /// N || key id || material id (16) || suite, all of fixed length.
    fn derivation_context<'a>(&'a self, nonce: &'a [u8; NONCE_LEN]) -> [&'a [u8]; 4] {
        let material = self.material_id.bytes().first_chunk::<{ MaterialId::PREFIX_LEN }>();
        [nonce, self.key_id.bytes(), material.map_or(&[], |prefix| prefix), &[SUITE_KBKDF_AES_256_GCM]]
    }
}

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SymmetricKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The header without its IV, then the context. GCM authenticates the IV itself, and a FIPS module or an HSM may
/// then choose it.
fn associated_data(before_iv: &[u8], commitment: &[u8; COMMITMENT_LEN], context_canonical: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(before_iv.len() + COMMITMENT_LEN + context_canonical.len());
    bytes.extend_from_slice(before_iv);
    bytes.extend_from_slice(commitment);
    bytes.extend_from_slice(context_canonical);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONTEXT: &[u8] = b"\0\0\0\x02\0\0\0\x01a\0\0\0\x011\0\0\0\x01b\0\0\0\x012";
    /// Made by `tests/oracle/blob_ref.py` with another library.
    const VECTOR: &str = "c10100001234abcd12ab34cd56ef1234567890abb67b8fc5fb0523e7de52e3ac85f9bc4e\
        404142434445464748494a4b4c4d4e4f606162636465666768696a6b093cc74406d9ff87dc54631651fa8bb5\
        60a08af4a492c3147fd513dce39afa33c31ca645ab";
    const VECTOR_MATERIAL_ID: &str = "b67b8fc5fb0523e7de52e3ac85f9bc4e7a24f4f48529f4a5834b1c2cb78f31ed";

    fn material(first: u8) -> KeyMaterial {
        KeyMaterial::from(SecretBytes::from((first..first + 32).collect::<Vec<u8>>()))
    }

    fn key_id(text: &str) -> KeyId {
        KeyId::parse(text).unwrap()
    }

    fn vector_key() -> SymmetricKey {
        SymmetricKey::new(&material(0), key_id("1234abcd-12ab-34cd-56ef-1234567890ab")).unwrap()
    }

    #[test]
    fn the_blob_of_the_reference_is_made_and_opened() {
        let key = vector_key();
        assert_eq!(key.material_id().to_string(), VECTOR_MATERIAL_ID);
        let nonce: Vec<u8> = (0x40..0x50).collect();
        let iv: Vec<u8> = (0x60..0x6c).collect();
        let blob = key
            .seal_with(b"hello", CONTEXT, nonce[..].try_into().unwrap(), iv[..].try_into().unwrap())
            .unwrap();
        assert_eq!(hex::encode(&blob), VECTOR);
        assert_eq!(key.open(&blob, CONTEXT).unwrap().expose_secret(), b"hello");
    }

    #[test]
    fn every_flipped_bit_and_every_other_length_is_refused() {
        let key = vector_key();
        let blob = hex::decode(VECTOR).unwrap();
        for bit in 0..blob.len() * 8 {
            let mut forged = blob.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&forged, CONTEXT).unwrap_err(), Unspecified, "bit {bit}");
        }
        for len in 0..blob.len() {
            assert_eq!(key.open(&blob[..len], CONTEXT).unwrap_err(), Unspecified, "length {len}");
        }
        assert!(key.open(&[&blob[..], &[0]].concat(), CONTEXT).is_err());
    }

    #[test]
    fn another_context_key_id_or_material_is_refused() {
        let blob = hex::decode(VECTOR).unwrap();
        assert!(vector_key().open(&blob, b"\0\0\0\0").is_err());
        for (first, id) in [
            (1, "1234abcd-12ab-34cd-56ef-1234567890ab"),
            (0, "1234abcd-12ab-34cd-56ef-1234567890ac"),
            (0, "mrk-1234abcd12ab34cd56ef1234567890ab"),
        ] {
            let key = SymmetricKey::new(&material(first), key_id(id)).unwrap();
            assert_eq!(key.open(&blob, CONTEXT).unwrap_err(), Unspecified, "{first} {id}");
        }
    }

    #[test]
    fn a_blob_whose_tag_is_right_and_commitment_wrong_is_refused() {
        let key = vector_key();
        let honest = hex::decode(VECTOR).unwrap();
        let header = Header::parse(&honest).unwrap();
        let forge = |commitment: [u8; COMMITMENT_LEN]| {
            let mut blob = honest.clone();
            blob[64..HEADER_LEN].copy_from_slice(&commitment);
            let associated = associated_data(&blob[..BEFORE_IV_LEN], &commitment, CONTEXT);
            let cipher =
                key.derivation.derive_cipher(&ENCRYPT, &key.derivation_context(header.nonce)).unwrap();
            cipher.seal(*header.iv, &associated, b"hello", &mut blob[HEADER_LEN..]).unwrap();
            key.open(&blob, CONTEXT)
        };
        assert_eq!(forge(*header.commitment).unwrap().expose_secret(), b"hello");
        assert_eq!(forge([0; COMMITMENT_LEN]).unwrap_err(), Unspecified);
    }

    #[test]
    fn the_header_tells_key_and_material() {
        let key = SymmetricKey::new(&material(0), key_id("mrk-1234abcd12ab34cd56ef1234567890ab")).unwrap();
        let blob = key.seal(b"", b"").unwrap();
        let header = Header::parse(&blob).unwrap();
        assert_eq!(header.key_id(), key.key_id());
        assert_eq!(*header.material_prefix(), key.material_id().prefix());
        assert_eq!(key.open_parsed(&header, b"").unwrap().len(), 0);
    }

    #[test]
    fn only_the_version_suite_and_flags_of_this_service_parse() {
        let blob = hex::decode(VECTOR).unwrap();
        for (at, byte) in
            [(0, 0x01), (0, 0x02), (0, b'{'), (0, b'v'), (1, 0), (1, 2), (2, 1), (3, 2), (3, 0x80)]
        {
            let mut other = blob.clone();
            other[at] = byte;
            assert_eq!(Header::parse(&other).unwrap_err(), Malformed, "byte {at} = {byte:#x}");
        }
        assert!(Header::parse(&vec![0xC1; OVERHEAD_LEN + PLAINTEXT_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn lengths_are_bounded() {
        let key = vector_key();
        assert_eq!(
            key.seal(&[0; PLAINTEXT_BYTES_MAX], b"").unwrap().len(),
            PLAINTEXT_BYTES_MAX + OVERHEAD_LEN
        );
        assert_eq!(key.seal(&[0; PLAINTEXT_BYTES_MAX + 1], b"").unwrap_err(), Unspecified);
        for len in [0, 16, 31, 33] {
            let material = KeyMaterial::from(SecretBytes::init_with(len, |_| ()));
            assert!(SymmetricKey::new(&material, key_id("1234abcd-12ab-34cd-56ef-1234567890ab")).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_no_two_blobs_are_equal(
            plaintext in proptest::collection::vec(any::<u8>(), 0..300),
            context in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let key = vector_key();
            let blob = key.seal(&plaintext, &context).unwrap();
            prop_assert_ne!(&blob, &key.seal(&plaintext, &context).unwrap());
            let opened = key.open(&blob, &context).unwrap();
            prop_assert_eq!(opened.expose_secret(), &plaintext[..]);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(vector_key().open(&bytes, b"").is_err());
            let framed = [&[VERSION, SUITE_KBKDF_AES_256_GCM, 0, 0][..], &bytes].concat();
            prop_assert!(vector_key().open(&framed, b"").is_err());
        }
    }
}
