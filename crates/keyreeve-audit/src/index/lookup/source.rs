//! What one segment is searched through: its index file, or an index in memory.

use std::io;
use std::path::Path;
use std::sync::Arc;

use keyreeve_model::timestamp::Timestamp;

use crate::chain::Place;
use crate::index::attributes::Term;
use crate::index::builder::Builder;
use crate::index::file::IndexFile;
use crate::index::index_name;
use crate::index::keeper::read_into;
use crate::index::rows::nonsense;
use crate::segment::SegmentFile;

/// An index in memory, and how far it goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    builder: Builder,
    read: u64,
}

impl Memory {
    /// Reads what was appended since.
    pub(super) fn follow(&mut self, path: &Path, durable: Place) -> io::Result<()> {
        self.read = read_into(&mut self.builder, path, self.read, durable)?;
        Ok(())
    }
}

#[derive(Debug)]
pub(super) enum Source {
    File(Box<IndexFile>),
    Memory(Arc<Memory>),
}

impl Source {
    /// Through the index beside the segment; `None` when there is none, or none that can be read.
    pub(super) fn of_index(file: &SegmentFile) -> Option<Self> {
        let index = IndexFile::open(&file.path.with_file_name(index_name(file.first))).ok()?;
        (index.first == file.first).then(|| Self::File(Box::new(index)))
    }

    /// Times of the oldest and the newest event.
    pub(super) fn span(&self) -> (Timestamp, Timestamp) {
        match self {
            Self::File(index) => (index.oldest, index.newest),
            Self::Memory(memory) => {
                let (oldest, newest) = memory.builder.span();
                (Timestamp::from_millis(oldest), Timestamp::from_millis(newest))
            }
        }
    }

    /// Where an event's frame begins, and about when it was.
    pub(super) fn event(&self, ordinal: u32) -> io::Result<(u32, i64)> {
        match self {
            Self::File(index) => index.event(ordinal),
            Self::Memory(memory) => memory.builder.event(ordinal).ok_or_else(nonsense),
        }
    }

    /// Ordinals of a term, newest first.
    pub(super) fn ordinals(&self, term: Term) -> io::Result<Box<dyn Iterator<Item = io::Result<u32>> + '_>> {
        Ok(match self {
            Self::File(index) => Box::new(index.ordinals(term)?),
            Self::Memory(memory) => {
                Box::new(memory.builder.ordinals(term).iter().rev().map(|ordinal| Ok(*ordinal)))
            }
        })
    }

    /// The oldest event of a term.
    pub(super) fn oldest_ordinal(&self, term: Term) -> io::Result<Option<u32>> {
        self.ordinals(term)?.last().transpose()
    }
}
