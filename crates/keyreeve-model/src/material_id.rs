//! `MaterialId`: which key material of a KMS key (`KeyMaterialId` in the API), 64 hexadecimal digits.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html> (CurrentKeyMaterialId)

use std::fmt;

/// The id of one key material: 32 bytes derived from the material and its key id, so that related multi-Region keys
/// name the same material alike. Public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MaterialId([u8; 32]);

impl MaterialId {
    /// Bytes of the id that a ciphertext blob holds.
    pub const PREFIX_LEN: usize = 16;

    /// An id from its 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 bytes, as they stand in a ciphertext blob.
    pub fn prefix(&self) -> [u8; Self::PREFIX_LEN] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// Parses 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(bytes))
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for MaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl serde::Serialize for MaterialId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for MaterialId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a material id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "b67b8fc5fb0523e7de52e3ac85f9bc4e7a24f4f48529f4a5834b1c2cb78f31ed";

    #[test]
    fn parse_and_display_are_inverse() {
        let id = MaterialId::parse(TEXT).unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(id.prefix(), id.bytes()[..16]);
    }

    #[test]
    fn only_64_lower_case_digits_are_an_id() {
        for text in ["", &TEXT[1..], &TEXT.to_uppercase(), &format!("{TEXT}00"), &TEXT.replace('b', "g")] {
            assert_eq!(MaterialId::parse(text), None, "{text}");
        }
    }
}
