//! A frame: what segment files are made of. Big-endian; zeros where the next frame would begin end a segment.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of everything behind it |
//! | 8 | number |
//! | 1 | kind, never zero |
//! | 32 | hash ([`crate::chain::link`]) |
//! | n | payload |

use crate::chain::{Hash, Place};

/// Bytes before the payload.
pub const FRAME_HEAD_BYTES: usize = 4 + 8 + 1 + 32;
/// The most bytes of a payload: a record whose request was at its limit, many times over.
pub const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// The beginning of a segment.
    Opening,
    /// An [`Entry`](crate::Entry).
    Entry,
    /// A [`SignedHead`](crate::SignedHead).
    Head,
    /// That the index of a closed segment was written, with its SHA-256.
    Index,
    /// That segments were purged, and what stood in them.
    Tombstone,
}

impl FrameKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Opening, Self::Entry, Self::Head, Self::Index, Self::Tombstone];

    /// The byte in the file.
    pub const fn code(self) -> u8 {
        match self {
            Self::Opening => 1,
            Self::Entry => 2,
            Self::Head => 3,
            Self::Index => 4,
            Self::Tombstone => 5,
        }
    }

    /// The kind of this byte.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A frame as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its number.
    pub number: Place,
    /// What it holds.
    pub kind: FrameKind,
    /// Its hash, as it says.
    pub hash: Hash,
    /// The rest.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Its bytes.
    pub fn write_to(&self, bytes: &mut Vec<u8>) {
        let len = FRAME_HEAD_BYTES - 4 + self.payload.len();
        bytes.extend_from_slice(&u32::try_from(len).unwrap_or_default().to_be_bytes());
        bytes.extend_from_slice(&self.number.0.to_be_bytes());
        bytes.push(self.kind.code());
        bytes.extend_from_slice(&self.hash);
        bytes.extend_from_slice(&self.payload);
    }

    /// Reads the frame at the beginning of the bytes, and how many bytes it took; `None` when there is none.
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        let rest = rest.get(..len).filter(|_| len <= FRAME_HEAD_BYTES - 4 + PAYLOAD_BYTES_MAX)?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (kind, rest) = rest.split_first()?;
        let (hash, payload) = rest.split_first_chunk::<32>()?;
        let number = Place(u64::from_be_bytes(*number));
        let kind = FrameKind::of_code(*kind)?;
        Some((Self { number, kind, hash: *hash, payload: payload.to_vec() }, 4 + len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_a_cut_one_does_not() {
        for kind in FrameKind::ALL {
            let frame = Frame { number: Place(9), kind, hash: [7; 32], payload: b"payload".to_vec() };
            let mut bytes = Vec::new();
            frame.write_to(&mut bytes);
            assert!((0..bytes.len()).all(|cut| Frame::read(&bytes[..cut]).is_none()));
            let len = bytes.len();
            bytes.extend_from_slice(&[0; 9]);
            assert_eq!(Frame::read(&bytes), Some((frame, len)));
        }
        assert_eq!(Frame::read(&[0; 64]), None);
    }
}
