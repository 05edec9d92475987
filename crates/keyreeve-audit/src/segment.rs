//! Segment files: how they are named, what their first frame says, and a reader of frames that tells a clean end from
//! damage. It checks no chain: that is who reads.
//!
//! A folder holds `segment-<number of its first frame, 20 digits>.log`. Each begins with an [`Opening`]; numbers and chain
//! run on across files. Files are made at their full size and hold zeros behind the last frame.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chain::{Hash, Place, link};
use crate::frame::{FRAME_HEAD_BYTES, Frame, FrameKind, PAYLOAD_BYTES_MAX};

/// The only format there is.
pub const FORMAT: u32 = 1;
/// Read at a time.
const CHUNK_BYTES: usize = 128 * 1024;
const PREFIX: &str = "segment-";
const SUFFIX: &str = ".log";
const DIGITS: usize = 20;

/// What the first frame of a segment says, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Opening {
    /// [`FORMAT`].
    pub format: u32,
    /// Chosen by chance for the first segment, and the same in all that follow.
    pub log: Uuid,
    /// The number of this frame.
    pub first: Place,
    /// The frame that this one is chained to: `first - 1`, or less where what lay between is not part of the log: an
    /// append that failed and could not be wiped, or frames that were gone when the log was opened.
    pub after: Place,
    /// That frame's hash, in hex; zeros before the first.
    pub before: String,
    /// When the segment was begun.
    pub time: Timestamp,
}

impl Opening {
    /// The opening that a frame holds; `None` where the frame is another, or contradicts itself or its own hash.
    pub fn of(frame: &Frame) -> Option<Self> {
        if frame.kind != FrameKind::Opening {
            return None;
        }
        let opening: Self = serde_json::from_slice(&frame.payload).ok()?;
        let ordered = opening.after < opening.first && opening.first == frame.number;
        let chained = link(&opening.before_hash()?, frame.number, frame.kind, &frame.payload) == frame.hash;
        (opening.format == FORMAT && ordered && chained).then_some(opening)
    }

    /// `before` as bytes.
    pub fn before_hash(&self) -> Option<Hash> {
        let mut hash = [0; 32];
        hex::decode_to_slice(&self.before, &mut hash).ok()?;
        Some(hash)
    }

    /// Its frame.
    pub fn to_frame(&self) -> Option<Frame> {
        let payload = serde_json::to_vec(self).ok()?;
        let hash = link(&self.before_hash()?, self.first, FrameKind::Opening, &payload);
        Some(Frame { number: self.first, kind: FrameKind::Opening, hash, payload })
    }
}

/// A segment file of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentFile {
    /// The number of its first frame, by its name.
    pub first: Place,
    /// Where it lies.
    pub path: PathBuf,
}

/// The name of the segment that begins with this frame.
pub fn file_name(first: Place) -> String {
    format!("{PREFIX}{:0DIGITS$}{SUFFIX}", first.0)
}

/// The first frame of the segment of this name; `None` for another file.
pub fn first_of_name(name: &str) -> Option<Place> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok().map(Place)).flatten()
}

/// The segment files of a folder, oldest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<SegmentFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(first) = entry.file_name().to_str().and_then(first_of_name) {
            files.push(SegmentFile { first, path: entry.path() });
        }
    }
    files.sort();
    Ok(files)
}

/// What a reader found next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A frame, and where it begins.
    Frame {
        /// Bytes from the beginning of the file.
        offset: u64,
        /// The frame. Only its form was looked at.
        frame: Frame,
    },
    /// Zeros where a frame would begin: the clean end of a segment, unless [`SegmentReader::last_nonzero`] finds more.
    Zeros {
        /// Where.
        offset: u64,
    },
    /// The file ends exactly behind a frame: the clean end of a full segment.
    EndOfFile {
        /// Its length.
        offset: u64,
    },
    /// Something that is no frame: torn, cut off or altered.
    Garbage {
        /// Where it begins.
        offset: u64,
    },
}

/// Reads the frames of one file, one after another, in memory of one frame.
#[derive(Debug)]
pub struct SegmentReader {
    file: File,
    /// Where `buffer[at..]` lies in the file.
    offset: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl SegmentReader {
    /// Reads from the beginning of a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::of(File::open(path)?))
    }

    /// Reads from where an open file stands, which is taken for its beginning.
    pub const fn of(file: File) -> Self {
        Self { file, offset: 0, buffer: Vec::new(), at: 0 }
    }

    /// Goes to where a frame begins.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.buffer.clear();
        self.at = 0;
        self.offset = offset;
        Ok(())
    }

    /// Where the next frame would begin.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next frame, or the end. After an end it answers the same again.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_frame(&mut self) -> io::Result<Next> {
        let offset = self.offset;
        self.fill(4)?;
        let Some(length) = self.ahead().first_chunk::<4>() else {
            return Ok(if self.ahead().is_empty() {
                Next::EndOfFile { offset }
            } else if self.ahead().iter().all(|byte| *byte == 0) {
                Next::Zeros { offset }
            } else {
                Next::Garbage { offset }
            });
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length == 0 {
            return Ok(Next::Zeros { offset });
        }
        if !(FRAME_HEAD_BYTES - 4..=FRAME_HEAD_BYTES - 4 + PAYLOAD_BYTES_MAX).contains(&length) {
            return Ok(Next::Garbage { offset });
        }
        self.fill(4 + length)?;
        let Some((frame, taken)) = Frame::read(self.ahead()) else { return Ok(Next::Garbage { offset }) };
        self.at += taken;
        self.offset += u64::try_from(taken).unwrap_or_default();
        Ok(Next::Frame { offset, frame })
    }

    /// The offset of the last byte that is not zero from where the reader stands; `None` where all are zero. Leaves the
    /// reader where it stands.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn last_nonzero(&mut self) -> io::Result<Option<u64>> {
        let stand = self.offset;
        self.seek(stand)?;
        let mut chunk = vec![0; CHUNK_BYTES];
        let (mut offset, mut last) = (stand, None);
        loop {
            let read = self.file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            if let Some(at) = chunk.iter().take(read).rposition(|byte| *byte != 0) {
                last = Some(offset + u64::try_from(at).unwrap_or_default());
            }
            offset += u64::try_from(read).unwrap_or_default();
        }
        self.seek(stand)?;
        Ok(last)
    }

    fn ahead(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// Has this many bytes ahead, or all that there are.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        if self.ahead().len() >= wanted {
            return Ok(());
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let more = wanted.saturating_sub(self.buffer.len()).max(CHUNK_BYTES);
        (&self.file).take(u64::try_from(more).unwrap_or_default()).read_to_end(&mut self.buffer)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::chain::BEGINNING;

    #[test]
    fn only_twenty_digits_name_a_segment() {
        assert_eq!(file_name(Place(17)), "segment-00000000000000000017.log");
        assert_eq!(first_of_name(&file_name(Place(u64::MAX))), Some(Place(u64::MAX)));
        let others = [
            "segment-17.log",
            "segment-+0000000000000000017.log",
            "spare-1.log",
            "segment-99999999999999999999.log",
        ];
        for name in others {
            assert_eq!(first_of_name(name), None, "{name}");
        }
    }

    #[test]
    fn an_opening_reads_back_and_an_altered_one_does_not() {
        let opening = Opening {
            format: FORMAT,
            log: Uuid::from_u128(1),
            first: Place(5),
            after: Place(4),
            before: hex::encode(BEGINNING),
            time: Timestamp::from_millis(1),
        };
        let frame = opening.to_frame().unwrap();
        assert_eq!(Opening::of(&frame), Some(opening.clone()));
        assert_eq!(Opening::of(&Frame { number: Place(6), ..frame.clone() }), None);
        assert_eq!(Opening::of(&Frame { hash: [1; 32], ..frame }), None);
        let circular = Opening { after: Place(5), ..opening };
        assert_eq!(Opening::of(&circular.to_frame().unwrap()), None);
    }

    /// One frame of 100 kB, so that it straddles what is read at a time, and what stands behind three of them.
    #[test]
    fn the_reader_tells_a_clean_end_from_damage() {
        let frame =
            Frame { number: Place(3), kind: FrameKind::Entry, hash: [7; 32], payload: vec![9; 100_000] };
        let mut bytes = Vec::new();
        (0..3).for_each(|_| frame.write_to(&mut bytes));
        let end = u64::try_from(bytes.len()).unwrap();
        let rows: [(&[u8], Next, Option<u64>); 7] = [
            (&[], Next::EndOfFile { offset: end }, None),
            (&[0; 2], Next::Zeros { offset: end }, None),
            (&[0; 70], Next::Zeros { offset: end }, None),
            (&[0, 0, 0, 0, 0, 1, 0], Next::Zeros { offset: end }, Some(end + 5)),
            (&[0, 1], Next::Garbage { offset: end }, Some(end + 1)),
            (&[0, 0, 0, 5, 0, 0], Next::Garbage { offset: end }, Some(end + 3)),
            (&[0, 0, 1, 0, 3], Next::Garbage { offset: end }, Some(end + 4)),
        ];
        for (behind, expected, last_nonzero) in rows {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            file.write_all(behind).unwrap();
            file.rewind().unwrap();
            let mut reader = SegmentReader::of(file);
            for number in 0..3 {
                let offset = number * end / 3;
                assert_eq!(reader.next_frame().unwrap(), Next::Frame { offset, frame: frame.clone() });
            }
            assert_eq!(reader.last_nonzero().unwrap(), last_nonzero, "{behind:?}");
            for _ in 0..2 {
                assert_eq!(reader.next_frame().unwrap(), expected, "{behind:?}");
            }
        }
    }
}
