//! `Fields`: an injective encoding of a list of byte strings, for what is authenticated together.
//! Each field is u32 big-endian length and bytes, so no two lists give the same encoding.

/// The encoding so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    bytes: Vec<u8>,
}

impl Fields {
    /// An encoding that begins with its own name, so that lists of different kinds never agree.
    pub(crate) fn of(name: &'static str) -> Self {
        Self { bytes: Vec::with_capacity(192) }.with(name.as_bytes())
    }

    /// Appends one field.
    #[must_use]
    pub(crate) fn with(mut self, field: &[u8]) -> Self {
        // No field of this crate comes near 2^32 bytes.
        let len = u32::try_from(field.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&len.to_be_bytes());
        self.bytes.extend_from_slice(field);
        self
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(fields: &[Vec<u8>]) -> Fields {
        fields.iter().fold(Fields::of("test"), |encoded, field| encoded.with(field))
    }

    proptest! {
        #[test]
        fn the_encoding_is_injective(
            a in proptest::collection::vec(proptest::collection::vec(0_u8..3, 0..4), 0..4),
            b in proptest::collection::vec(proptest::collection::vec(0_u8..3, 0..4), 0..4),
        ) {
            prop_assert_eq!(a == b, encode(&a) == encode(&b));
        }
    }
}
