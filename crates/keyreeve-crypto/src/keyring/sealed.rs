//! The one format in which this service seals bytes for itself: records, credentials, tokens, wrapped key material.
//!
//! ```text
//!  0  version 0xB1 | 1  kind | 2  suite 1 | 3  format of the content | 4  epoch of the key, u32
//!  8  sequence, u64 | 16  nonce, 16 | 32  IV, 12 | 44  ciphertext | tag, 16
//! ```
//!
//! AES-256-GCM under a key derived for this one value: context = bytes 0..32, so that a header with one changed bit
//! names another key; associated data = what the value is bound to. Big-endian.

use crate::derivation::{DerivationKey, IV_LEN, TAG_LEN};
use crate::error::Unspecified;
use crate::label::{self, Label};
use crate::random;
use crate::secret::SecretBytes;

/// Bytes that a sealed value is longer than its content.
pub(crate) const OVERHEAD_LEN: usize = HEADER_LEN + TAG_LEN;

const VERSION: u8 = 0xB1;
const SUITE_KBKDF_AES_256_GCM: u8 = 1;
const NONCE_LEN: usize = 16;
/// Version to nonce: the context of the derivation.
const CONTEXT_LEN: usize = 32;
const HEADER_LEN: usize = CONTEXT_LEN + IV_LEN;

/// What was sealed; each kind has its own label, so no value of one kind opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Record,
    Credential,
    Token,
    Backup,
    Material,
    Keyring,
    Slot,
    SessionToken,
}

impl Kind {
    #[cfg(test)]
    const ALL: [Self; 8] = [
        Self::Record,
        Self::Credential,
        Self::Token,
        Self::Backup,
        Self::Material,
        Self::Keyring,
        Self::Slot,
        Self::SessionToken,
    ];

    /// The byte in the header, never reused, and the label.
    const fn row(self) -> (u8, &'static Label) {
        match self {
            Self::Record => (1, &label::RECORD),
            Self::Credential => (2, &label::CREDENTIAL),
            Self::Token => (3, &label::TOKEN),
            Self::Backup => (4, &label::BACKUP),
            Self::Material => (5, &label::MATERIAL),
            Self::Keyring => (6, &label::KEYRING),
            Self::Slot => (7, &label::SLOT),
            Self::SessionToken => (8, &label::SESSION),
        }
    }
}

/// The part of the header that the caller chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) kind: Kind,
    /// Format version of the content, for whoever parses it.
    pub(crate) format: u8,
    /// Epoch (or generation) of the key.
    pub(crate) epoch: u32,
    /// Row number of a record, 0 elsewhere.
    pub(crate) sequence: u64,
}

impl Stamp {
    /// A stamp of a kind that has neither format nor sequence.
    pub(crate) const fn plain(kind: Kind, epoch: u32) -> Self {
        Self { kind, format: 0, epoch, sequence: 0 }
    }
}

/// A parsed, not yet authenticated, sealed value.
#[derive(Debug)]
pub(crate) struct Sealed<'a> {
    pub(crate) stamp: Stamp,
    context: &'a [u8; CONTEXT_LEN],
    iv: &'a [u8; IV_LEN],
    body: &'a [u8],
}

/// Seals `content` under `key`, bound to the stamp and to `binding`.
pub(crate) fn seal(
    key: &DerivationKey,
    stamp: Stamp,
    binding: &[u8],
    content: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let (kind, label) = stamp.kind.row();
    let drawn = random::array::<{ NONCE_LEN + IV_LEN }>()?;
    let mut sealed = Vec::with_capacity(OVERHEAD_LEN + content.len());
    sealed.extend_from_slice(&[VERSION, kind, SUITE_KBKDF_AES_256_GCM, stamp.format]);
    sealed.extend_from_slice(&stamp.epoch.to_be_bytes());
    sealed.extend_from_slice(&stamp.sequence.to_be_bytes());
    sealed.extend_from_slice(&drawn);
    sealed.resize(OVERHEAD_LEN + content.len(), 0);
    let (header, body) = sealed.split_at_mut_checked(HEADER_LEN).ok_or(Unspecified)?;
    let (context, iv) = header.split_last_chunk().ok_or(Unspecified)?;
    key.derive_cipher(label, &[context])?.seal(*iv, binding, content, body)?;
    Ok(sealed)
}

impl<'a> Sealed<'a> {
    /// Parses a value of this kind; version, kind and suite must be exactly what this version writes.
    pub(crate) fn parse(bytes: &'a [u8], kind: Kind) -> Result<Self, Unspecified> {
        let (context, rest) = bytes.split_first_chunk::<CONTEXT_LEN>().ok_or(Unspecified)?;
        let (iv, body) = rest.split_first_chunk().ok_or(Unspecified)?;
        let (&[VERSION, code, SUITE_KBKDF_AES_256_GCM, format], rest) = take(context)? else {
            return Err(Unspecified);
        };
        if code != kind.row().0 || body.len() < TAG_LEN {
            return Err(Unspecified);
        }
        let (epoch, rest) = take(rest)?;
        let (sequence, _nonce) = take(rest)?;
        let (epoch, sequence) = (u32::from_be_bytes(*epoch), u64::from_be_bytes(*sequence));
        Ok(Self { stamp: Stamp { kind, format, epoch, sequence }, context, iv, body })
    }

    /// Authenticates and decrypts.
    pub(crate) fn open(&self, key: &DerivationKey, binding: &[u8]) -> Result<SecretBytes, Unspecified> {
        let cipher = key.derive_cipher(self.stamp.kind.row().1, &[self.context])?;
        let len = self.body.len().checked_sub(TAG_LEN).ok_or(Unspecified)?;
        SecretBytes::try_init_with(len, |content| cipher.open(*self.iv, binding, self.body, content))
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), Unspecified> {
    bytes.split_first_chunk().ok_or(Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> DerivationKey {
        DerivationKey::new(&[3; 32])
    }

    fn open(bytes: &[u8], kind: Kind, binding: &[u8]) -> Result<SecretBytes, Unspecified> {
        Sealed::parse(bytes, kind)?.open(&key(), binding)
    }

    #[test]
    fn every_flipped_bit_and_every_other_length_is_refused() {
        let stamp = Stamp { kind: Kind::Record, format: 3, epoch: 7, sequence: 9 };
        let sealed = seal(&key(), stamp, b"kms/a", b"content").unwrap();
        assert_eq!(Sealed::parse(&sealed, Kind::Record).unwrap().stamp, stamp);
        assert_eq!(open(&sealed, Kind::Record, b"kms/a").unwrap().expose_secret(), b"content");
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&forged, Kind::Record, b"kms/a").is_err(), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(open(&sealed[..len], Kind::Record, b"kms/a").is_err(), "length {len}");
        }
        assert!(open(&[&sealed[..], &[0]].concat(), Kind::Record, b"kms/a").is_err());
    }

    #[test]
    fn no_kind_opens_as_another_even_when_its_code_is_rewritten() {
        for from in Kind::ALL {
            for to in Kind::ALL {
                let mut sealed = seal(&key(), Stamp::plain(from, 1), b"", b"content").unwrap();
                assert_eq!(open(&sealed, to, b"").is_ok(), from == to, "{from:?} as {to:?}");
                sealed[1] = to.row().0;
                assert_eq!(open(&sealed, to, b"").is_ok(), from == to, "{from:?} rewritten to {to:?}");
            }
        }
    }

    #[test]
    fn another_binding_or_key_is_refused() {
        let sealed = seal(&key(), Stamp::plain(Kind::Record, 1), b"kms/a", b"content").unwrap();
        assert!(open(&sealed, Kind::Record, b"kms/b").is_err());
        assert!(open(&sealed, Kind::Record, b"").is_err());
        let other = DerivationKey::new(&[4; 32]);
        assert!(Sealed::parse(&sealed, Kind::Record).unwrap().open(&other, b"kms/a").is_err());
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(
            content in proptest::collection::vec(any::<u8>(), 0..300),
            binding in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let sealed = seal(&key(), Stamp::plain(Kind::Token, 1), &binding, &content).unwrap();
            prop_assert_eq!(sealed.len(), content.len() + OVERHEAD_LEN);
            let opened = open(&sealed, Kind::Token, &binding).unwrap();
            prop_assert_eq!(opened.expose_secret(), &content[..]);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(open(&bytes, Kind::Record, b"").is_err());
            let framed = [&[VERSION, 1, SUITE_KBKDF_AES_256_GCM, 0][..], &bytes].concat();
            prop_assert!(open(&framed, Kind::Record, b"").is_err());
        }
    }
}
