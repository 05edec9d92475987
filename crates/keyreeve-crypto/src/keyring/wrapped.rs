//! The keyring at rest: every key of it, wrapped under the root key. It stands at one path of the store and in backups.

use keyreeve_model::timestamp::Timestamp;
use std::sync::Arc;

use super::epoch::{EPOCH_KEY_LEN, EpochKey};
use super::sealed::{self, Kind, Sealed, Stamp};
use super::{Keyring, Purpose, Ring};
use crate::error::Unspecified;
use crate::root_key::RootKey;
use crate::secret::SecretBytes;

/// The keyring as bytes that are no secret without the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKeyring(Vec<u8>);

/// Why a wrapped keyring does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrappedKeyringError {
    /// It is of another generation than the root key.
    #[error(
        "the keyring is wrapped under generation {keyring} of the root key, but generation {root} was unsealed: \
         use root.json and store of the same backup"
    )]
    OtherGeneration {
        /// Generation that the keyring names.
        keyring: u32,
        /// Generation of the root key.
        root: u32,
    },
    /// It was altered, cut, or made under another root key.
    #[error("the wrapped keyring was altered, or belongs to another deployment: restore it from a backup")]
    Altered,
}

/// Layout of the content: version, then for each key purpose u8, epoch u32, created i64 (ms), key; oldest first.
const CONTENT_VERSION: u8 = 1;
const ENTRY_LEN: usize = 1 + 4 + 8 + EPOCH_KEY_LEN;
const BINDING: &[u8] = b"keyring";

impl WrappedKeyring {
    /// Bytes that the store or a backup held.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The generation of the root key that it claims to be wrapped under.
    ///
    /// # Errors
    /// [`WrappedKeyringError::Altered`] when it is no wrapped keyring at all.
    pub fn generation(&self) -> Result<u32, WrappedKeyringError> {
        Ok(self.parse()?.stamp.epoch)
    }

    fn parse(&self) -> Result<Sealed<'_>, WrappedKeyringError> {
        Sealed::parse(&self.0, Kind::Keyring).map_err(|Unspecified| WrappedKeyringError::Altered)
    }
}

impl Keyring {
    /// Wraps every key under the root key. The caller stores the bytes, reads them back and calls
    /// [`Self::is_wrapped_in`] before it uses a key that only these bytes hold.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn wrap(&self, root: &RootKey) -> Result<WrappedKeyring, Unspecified> {
        let stamp = Stamp::plain(Kind::Keyring, root.generation());
        let content = self.content();
        Ok(WrappedKeyring(sealed::seal(root.derivation(), stamp, BINDING, content.expose_secret())?))
    }

    /// Opens a wrapped keyring.
    ///
    /// # Errors
    /// [`WrappedKeyringError`].
    pub fn unwrap(root: &RootKey, wrapped: &WrappedKeyring) -> Result<Self, WrappedKeyringError> {
        let sealed = wrapped.parse()?;
        if sealed.stamp.epoch != root.generation() {
            return Err(WrappedKeyringError::OtherGeneration {
                keyring: sealed.stamp.epoch,
                root: root.generation(),
            });
        }
        let content =
            sealed.open(root.derivation(), BINDING).map_err(|Unspecified| WrappedKeyringError::Altered)?;
        parse_content(content.expose_secret()).map_err(|Unspecified| WrappedKeyringError::Altered)
    }

    /// Whether these bytes open under the root key to exactly this keyring: the check of what was really stored.
    pub fn is_wrapped_in(&self, root: &RootKey, stored: &WrappedKeyring) -> bool {
        Self::unwrap(root, stored).is_ok_and(|keyring| keyring.content().ct_eq(&self.content()))
    }

    fn content(&self) -> SecretBytes {
        let count = self.rings.iter().flat_map(Ring::keys).count();
        // Sized exactly: a growing vector would leave copies of keys behind.
        let mut content = Vec::with_capacity(1 + count * ENTRY_LEN);
        content.push(CONTENT_VERSION);
        for ring in &self.rings {
            for key in ring.keys() {
                content.push(ring.purpose.code());
                content.extend_from_slice(&key.epoch.to_be_bytes());
                content.extend_from_slice(&key.created.as_millis().to_be_bytes());
                content.extend_from_slice(key.expose_secret());
            }
        }
        SecretBytes::from(content)
    }
}

/// Every purpose has at least one key, epochs rise, nothing is left over.
fn parse_content(content: &[u8]) -> Result<Keyring, Unspecified> {
    let (&[CONTENT_VERSION], entries) = content.split_first_chunk().ok_or(Unspecified)? else {
        return Err(Unspecified);
    };
    let (entries, []) = entries.as_chunks::<ENTRY_LEN>() else { return Err(Unspecified) };
    let mut entries = entries.iter().peekable();
    let mut ring = |purpose: Purpose| -> Result<Ring, Unspecified> {
        let mut retired = Vec::new();
        let mut active: Option<Arc<EpochKey>> = None;
        while let Some(entry) = entries.next_if(|entry| entry.first() == Some(&purpose.code())) {
            let key = parse_entry(entry)?;
            if let Some(older) = active.replace(Arc::new(key)) {
                retired.push(older);
            }
        }
        let active = active.ok_or(Unspecified)?;
        let rising = retired.iter().chain([&active]).is_sorted_by(|older, newer| older.epoch < newer.epoch);
        if rising { Ok(Ring { purpose, active, retired }) } else { Err(Unspecified) }
    };
    let [a, b, c, d, e] = Purpose::ALL;
    let rings = [ring(a)?, ring(b)?, ring(c)?, ring(d)?, ring(e)?];
    if entries.next().is_some() { Err(Unspecified) } else { Ok(Keyring { rings }) }
}

fn parse_entry(entry: &[u8; ENTRY_LEN]) -> Result<EpochKey, Unspecified> {
    let (_purpose, rest) = entry.split_first().ok_or(Unspecified)?;
    let (epoch, rest) = rest.split_first_chunk().ok_or(Unspecified)?;
    let (created, key) = rest.split_first_chunk().ok_or(Unspecified)?;
    let created = Timestamp::from_millis(i64::from_be_bytes(*created));
    EpochKey::restore(u32::from_be_bytes(*epoch), created, key.first_chunk().ok_or(Unspecified)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn keyring() -> Keyring {
        let keyring = Keyring::generate(NOW).unwrap().rotated(Purpose::Domain, NOW).unwrap();
        let keyring = keyring.rotated(Purpose::Domain, NOW).unwrap().rotated(Purpose::Record, NOW).unwrap();
        keyring.without_epoch(Purpose::Domain, 2).unwrap()
    }

    #[test]
    fn a_keyring_survives_wrapping_with_epochs_times_and_keys() {
        let root = RootKey::generate(4).unwrap();
        let before = keyring();
        let sealed = before.seal_record("kms/a", 1, 1, b"value").unwrap();
        let wrapped = before.wrap(&root).unwrap();
        assert_eq!(wrapped.generation(), Ok(4));
        assert!(before.is_wrapped_in(&root, &wrapped));
        let after = Keyring::unwrap(&root, &WrappedKeyring::from_bytes(wrapped.as_bytes().to_vec())).unwrap();
        for purpose in Purpose::ALL {
            assert!(before.epochs(purpose).eq(after.epochs(purpose)), "{purpose:?}");
        }
        assert_eq!(after.open_record("kms/a", &sealed).unwrap().value.expose_secret(), b"value");
    }

    #[test]
    fn another_root_key_generation_or_keyring_is_refused() {
        let (first, second) = (RootKey::generate(1).unwrap(), RootKey::generate(2).unwrap());
        let keyring = keyring();
        let wrapped = keyring.wrap(&first).unwrap();
        let other_generation = WrappedKeyringError::OtherGeneration { keyring: 1, root: 2 };
        assert_eq!(Keyring::unwrap(&second, &wrapped).unwrap_err(), other_generation);
        let namesake = RootKey::generate(1).unwrap();
        assert_eq!(Keyring::unwrap(&namesake, &wrapped).unwrap_err(), WrappedKeyringError::Altered);
        assert!(!keyring.rotated(Purpose::Token, NOW).unwrap().is_wrapped_in(&first, &wrapped));
    }

    #[test]
    fn every_flipped_bit_and_every_other_length_is_refused() {
        let root = RootKey::generate(1).unwrap();
        let wrapped = Keyring::generate(NOW).unwrap().wrap(&root).unwrap().0;
        for bit in 0..wrapped.len() * 8 {
            let mut forged = wrapped.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(Keyring::unwrap(&root, &WrappedKeyring(forged)).is_err(), "bit {bit}");
        }
        for len in 0..wrapped.len() {
            assert!(
                Keyring::unwrap(&root, &WrappedKeyring(wrapped[..len].to_vec())).is_err(),
                "length {len}"
            );
        }
    }

    #[test]
    fn only_complete_ordered_content_parses() {
        let content = keyring().content();
        let content = content.expose_secret();
        assert!(parse_content(content).is_ok());
        let entry = |index: usize| 1 + index * ENTRY_LEN..1 + (index + 1) * ENTRY_LEN;
        let mut twice = content.to_vec();
        twice.copy_within(entry(0), entry(1).start);
        let swapped =
            [&content[..1], &content[entry(1)], &content[entry(0)], &content[entry(2).start..]].concat();
        let version = [&[2], &content[1..]].concat();
        let cases = [
            twice,
            swapped,
            version,
            content[..entry(5).start].to_vec(),
            [content, &content[entry(5)]].concat(),
        ];
        for (case, bytes) in cases.iter().enumerate() {
            assert_eq!(parse_content(bytes).unwrap_err(), Unspecified, "case {case}");
        }
    }

    proptest! {
        #[test]
        fn no_content_panics(bytes in proptest::collection::vec(0_u8..8, 0..300)) {
            prop_assert!(parse_content(&bytes).is_err());
        }
    }
}
