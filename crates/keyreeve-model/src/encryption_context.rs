//! The encryption context: a map of strings that is authenticated with a symmetric ciphertext.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#encrypt_context>

use std::collections::BTreeMap;

/// A sorted map of names to values; exact and case-sensitive, order-insensitive. Empty equals absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncryptionContext {
    entries: BTreeMap<String, String>,
}

/// The context is larger than [`crate::limits::ENCRYPTION_CONTEXT_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the encryption context is too large")]
pub struct ContextTooLarge;

impl EncryptionContext {
    /// A context from its entries.
    ///
    /// # Errors
    /// [`ContextTooLarge`] when the canonical bytes exceed the limit.
    pub fn new(entries: BTreeMap<String, String>) -> Result<Self, ContextTooLarge> {
        let context = Self { entries };
        if context.canonical_len() > crate::limits::ENCRYPTION_CONTEXT_BYTES_MAX {
            return Err(ContextTooLarge);
        }
        Ok(context)
    }

    /// The entries, sorted by name.
    pub const fn entries(&self) -> &BTreeMap<String, String> {
        &self.entries
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn canonical_len(&self) -> usize {
        4 + self.entries.iter().map(|(name, value)| 8 + name.len() + value.len()).sum::<usize>()
    }

    /// The bytes that are authenticated: u32be count, then for each entry in the order of its name's UTF-8 bytes
    /// u32be length, name, u32be length, value. Injective; no Unicode normalisation, as on AWS.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.canonical_len());
        bytes.extend_from_slice(&u32_len(self.entries.len()));
        for (name, value) in &self.entries {
            for part in [name, value] {
                bytes.extend_from_slice(&u32_len(part.len()));
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        bytes
    }
}

impl serde::Serialize for EncryptionContext {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for EncryptionContext {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(BTreeMap::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Lengths are bounded by the limit that `new` holds, far below 2^32.
fn u32_len(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        EncryptionContext::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
            .unwrap()
    }

    #[test]
    fn canonical_bytes_are_length_prefixed_and_sorted() {
        assert_eq!(context(&[]).canonical_bytes(), [0, 0, 0, 0]);
        assert_eq!(
            context(&[("b", "2"), ("a", "1")]).canonical_bytes(),
            b"\0\0\0\x02\0\0\0\x01a\0\0\0\x011\0\0\0\x01b\0\0\0\x012"
        );
    }

    #[test]
    fn a_context_over_the_limit_is_refused() {
        let entries =
            BTreeMap::from([("k".to_owned(), "v".repeat(crate::limits::ENCRYPTION_CONTEXT_BYTES_MAX))]);
        assert_eq!(EncryptionContext::new(entries), Err(ContextTooLarge));
    }

    proptest! {
        #[test]
        fn canonical_bytes_are_injective(
            a in proptest::collection::btree_map("[ab:=,]{0,3}", "[ab:=,]{0,3}", 0..4),
            b in proptest::collection::btree_map("[ab:=,]{0,3}", "[ab:=,]{0,3}", 0..4),
        ) {
            let (a, b) = (EncryptionContext::new(a).unwrap(), EncryptionContext::new(b).unwrap());
            prop_assert_eq!(a == b, a.canonical_bytes() == b.canonical_bytes());
        }
    }
}
