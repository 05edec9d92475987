//! The sorted attribute index of each closed segment, and looking events up through it. What an index says is never
//! believed: every event that it points at is read and compared again.

mod attributes;
mod builder;
mod file;
mod keeper;
pub mod lookup;
mod rows;
#[cfg(test)]
mod tests;
mod varint;
mod words;

use serde::{Deserialize, Serialize};

use crate::chain::Place;

pub use attributes::{Attribute, EventAttributes};
pub use builder::Builder;
pub use file::IndexFile;
pub use keeper::{build, keep, run};
pub use rows::{RowReader, merged, read_rows_file, write_rows_file};
pub use words::words;

/// Payload of a [`FrameKind::Index`](crate::FrameKind::Index) frame, as JSON: the index of a closed segment was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexMade {
    /// The segment's name.
    pub segment: String,
    /// SHA-256 of the index file, in hex.
    pub sha256: String,
}

/// The name of the index of the segment that begins with this frame.
pub fn index_name(first: Place) -> String {
    crate::segment::file_name(first).replace(".log", ".index")
}
