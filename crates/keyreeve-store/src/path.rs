//! A row's path: parsed once, then known to be good. Paths are ordered bytewise and mean nothing to this
//! crate.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 512;

/// The path of a row, such as `kms/us-east-1/000000000000/key/<id>`: 1 to [`MAX_PATH_BYTES`] visible ASCII
/// characters (`!` to `~`), ordered bytewise. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<str>);

/// Why a text is no [`Path`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No characters at all.
    #[error("a path cannot be empty")]
    Empty,
    /// Longer than [`MAX_PATH_BYTES`].
    #[error("a path of {length} bytes is longer than {MAX_PATH_BYTES}")]
    TooLong {
        /// The length found, in bytes.
        length: usize,
    },
    /// A space, a control character or a byte outside ASCII.
    #[error("byte {byte:#04x} at offset {offset} is not a visible ASCII character")]
    Character {
        /// Offset of the first such byte.
        offset: usize,
        /// The byte found there.
        byte: u8,
    },
}

impl Path {
    /// Parses a path.
    ///
    /// # Errors
    /// [`PathError`] names the first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong { length: text.len() });
        }
        match text.bytes().enumerate().find(|(_, byte)| !byte.is_ascii_graphic()) {
            Some((offset, byte)) => Err(PathError::Character { offset, byte }),
            None => Ok(Self(Arc::from(text))),
        }
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// `str` orders and hashes bytewise, as `Path` does, so maps by path can be asked by text.
impl Borrow<str> for Path {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Path {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Path {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Path {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_to_512_visible_ascii_characters_are_a_path() {
        let longest = "x".repeat(MAX_PATH_BYTES);
        let too_long = "x".repeat(MAX_PATH_BYTES + 1);
        let table: [(&str, Result<(), PathError>); 9] = [
            ("a", Ok(())),
            ("kms/us-east-1/000000000000/alias/~!@$", Ok(())),
            (&longest, Ok(())),
            ("", Err(PathError::Empty)),
            (&too_long, Err(PathError::TooLong { length: 513 })),
            ("a b", Err(PathError::Character { offset: 1, byte: b' ' })),
            ("a\0", Err(PathError::Character { offset: 1, byte: 0 })),
            ("a\u{7f}", Err(PathError::Character { offset: 1, byte: 0x7f })),
            ("é", Err(PathError::Character { offset: 0, byte: 0xc3 })),
        ];
        for (text, expected) in table {
            assert_eq!(Path::parse(text).map(|path| assert_eq!(path.as_str(), text)), expected, "{text:?}");
        }
    }

    #[test]
    fn paths_are_ordered_bytewise() {
        let mut paths = ["a0", "a/", "a", "B", "a/b", "a.b"].map(|text| Path::parse(text).unwrap());
        paths.sort();
        assert_eq!(paths.each_ref().map(Path::as_str), ["B", "a", "a.b", "a/", "a/b", "a0"]);
    }
}
