//! `KeyId`: 128 bits, printed as a dashed UUID, or as `mrk-` and 32 hex digits for a multi-Region key.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-id>

use std::fmt;

/// The id of a KMS key: 16 bytes, and whether it is multi-Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId {
    bytes: [u8; 16],
    multi_region: bool,
}

impl KeyId {
    /// An id from 128 bits; single-Region ids are UUIDs, whose version bits the caller has set.
    pub const fn new(bytes: [u8; 16], multi_region: bool) -> Self {
        Self { bytes, multi_region }
    }

    /// The 128 bits, as they stand in a ciphertext blob.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// Whether the id begins with `mrk-`.
    pub const fn is_multi_region(&self) -> bool {
        self.multi_region
    }

    /// Parses `1234abcd-12ab-34cd-56ef-1234567890ab` or `mrk-1234abcd12ab34cd56ef1234567890ab`, lower case only.
    /// A UUID without dashes is not an id (AWS answers "Invalid keyId").
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(hex) = text.strip_prefix("mrk-") {
            return Some(Self { bytes: parse_hex(hex.bytes())?, multi_region: true });
        }
        let bytes = text.as_bytes();
        let dashes_right = bytes.len() == 36
            && bytes.iter().enumerate().all(|(i, b)| matches!(i, 8 | 13 | 18 | 23) == (*b == b'-'));
        if !dashes_right {
            return None;
        }
        Some(Self { bytes: parse_hex(text.bytes().filter(|b| *b != b'-'))?, multi_region: false })
    }
}

fn parse_hex(digits: impl Iterator<Item = u8>) -> Option<[u8; 16]> {
    let mut value: u128 = 0;
    let mut count = 0_u32;
    for digit in digits {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        count += 1;
        if count > 32 {
            return None;
        }
        value = (value << 4) | u128::from(nibble);
    }
    (count == 32).then(|| value.to_be_bytes())
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.multi_region {
            return write!(f, "mrk-{:032x}", u128::from_be_bytes(self.bytes));
        }
        uuid::Uuid::from_bytes(self.bytes).fmt(f)
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a key id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_as_they_parse() {
        for text in ["1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"] {
            assert_eq!(KeyId::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "mrk-",
            "mrk-fake-key-id",
            "1234abcd12ab34cd56ef1234567890ab",
            "1234ABCD-12ab-34cd-56ef-1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890a",
            "1234abcd-12ab-34cd-56ef-1234567890abc",
            "1234abcd-12ab-34cd-56ef1-234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890ab0",
            "ключ",
        ] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
    }
}
