//! Reads the frames of a folder across its segments, as far as they go now, and later further. It checks no chain.

use std::io;
use std::path::PathBuf;

use crate::chain::Place;
use crate::frame::Frame;
use crate::segment::{self, Next, SegmentFile, SegmentReader};

/// Reads one frame after another.
#[derive(Debug)]
pub struct Reading {
    folder: PathBuf,
    /// The segment that is read.
    open: Option<(Place, SegmentReader)>,
}

impl Reading {
    /// From the first segment of a folder on.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, open: None }
    }

    /// The next frame; `None` where the log ends now. Asked again, it goes on with what was appended since.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.here()? {
                return Ok(Some(frame));
            }
            // Once there is a segment after this one nothing is appended to this one any more; something may have been,
            // between the look above and this.
            let Some(file) = self.following()? else { return Ok(None) };
            if let Some(frame) = self.here()? {
                return Ok(Some(frame));
            }
            self.open = Some((file.first, SegmentReader::open(&file.path)?));
        }
    }

    fn here(&mut self) -> io::Result<Option<Frame>> {
        let Some((_, reader)) = &mut self.open else { return Ok(None) };
        let offset = reader.offset();
        if let Next::Frame { frame, .. } = reader.next_frame()? {
            return Ok(Some(frame));
        }
        // What was read ahead is forgotten: there may be more by the next time.
        reader.seek(offset)?;
        Ok(None)
    }

    fn following(&self) -> io::Result<Option<SegmentFile>> {
        let after = self.open.as_ref().map(|(first, _)| *first);
        let mut segments = segment::list(&self.folder)?.into_iter();
        Ok(segments.find(|file| after.is_none_or(|after| file.first > after)))
    }
}
