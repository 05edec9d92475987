//! The segment that is written: its file, made of a spare; whether it still lies in its place; and what is done with it
//! when something failed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Shared;
use super::disk::{Disk, Identity};
use super::watch::loss;
use super::writer::Fault;
use crate::chain::Place;
use crate::frame::Frame;
use crate::segment::SegmentReader;

/// The segment that is written.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub(super) first: Place,
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) identity: Identity,
    /// Where the next frame goes.
    pub(super) end: u64,
}

impl OpenSegment {
    pub(super) fn sync(&self, shared: &Shared) -> Result<(), Fault> {
        let begun = Instant::now();
        shared.disk.sync(&self.file).map_err(|error| shared.fault("making the audit log durable", &error))?;
        shared.counters.synced(begun.elapsed());
        Ok(())
    }

    /// Whether the file still lies in its place with its size: what was written to another is not acknowledged. One `stat`
    /// a batch is cheap beside the sync; the watch looks when nothing is appended.
    pub(super) fn still_there(&self, shared: &Shared) -> Result<(), Fault> {
        if Identity::at(&self.path).is_ok_and(|there| there == self.identity) {
            return Ok(());
        }
        shared.lose(self.first, &self.path);
        Err(Fault(loss(&self.path)))
    }

    /// Copies its frames, from the open file, which may have no name any more.
    pub(super) fn rescue(&self, disk: &Disk, path: &Path) -> io::Result<()> {
        let mut bytes = vec![0; usize::try_from(self.end).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, 0)?;
        let file = disk.create(path)?;
        disk.write(&file, &bytes, 0)?;
        disk.sync_size(&file)
    }

    /// Writes zeros over what a failed write may have left behind its end.
    pub(super) fn wipe(&self, disk: &Disk) -> io::Result<()> {
        let mut reader = SegmentReader::open(&self.path)?;
        reader.seek(self.end)?;
        if let Some(last) = reader.last_nonzero()? {
            let zeros = vec![0; usize::try_from(last + 1 - self.end).unwrap_or_default()];
            disk.write(&self.file, &zeros, self.end)?;
        }
        Ok(())
    }
}

/// Writes the opening into a spare and gives it the name of a segment; answers where the opening ends.
///
/// The opening is durable before the file has its name, and the name before anything is appended: whatever bears the name
/// of a segment has an opening, and a spare holds nothing that was acknowledged.
pub(super) fn name_segment(
    shared: &Shared,
    file: &File,
    frame: &Frame,
    spare: &Path,
    path: &Path,
) -> io::Result<u64> {
    let mut bytes = Vec::new();
    frame.write_to(&mut bytes);
    shared.disk.write(file, &bytes, 0)?;
    if shared.plan.lasting {
        shared.disk.sync(file)?;
    }
    shared.disk.rename(spare, path)?;
    Ok(u64::try_from(bytes.len()).unwrap_or_default())
}
