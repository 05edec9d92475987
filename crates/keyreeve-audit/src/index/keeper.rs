//! Makes the index of each closed segment in the background, and writes its SHA-256 into the log.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyreeve_crypto::digest::sha256;

use super::builder::Builder;
use super::{IndexMade, index_name};
use crate::chain::Place;
use crate::frame::FrameKind;
use crate::journal::{Journal, JournalError};
use crate::segment::{self, Next, SegmentFile, SegmentReader, file_name};

/// Between two looks for segments that were closed.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// Reads a segment from a byte on into a builder, up to what is no frame or comes after `until`; answers the byte
/// behind.
pub(super) fn read_into(builder: &mut Builder, path: &Path, from: u64, until: Place) -> io::Result<u64> {
    let mut reader = SegmentReader::open(path)?;
    reader.seek(from)?;
    loop {
        match reader.next_frame()? {
            Next::Frame { frame, offset } if frame.number <= until => builder.add(offset, &frame)?,
            Next::Frame { offset, .. }
            | Next::Zeros { offset }
            | Next::EndOfFile { offset }
            | Next::Garbage { offset } => return Ok(offset),
        }
    }
}

/// Makes the index of a closed segment, always of the same bytes for the same segment, beside its place.
fn make(file: &SegmentFile) -> io::Result<(PathBuf, IndexMade)> {
    let mut builder = Builder::default();
    read_into(&mut builder, &file.path, 0, Place(u64::MAX))?;
    let bytes = builder.finish()?;
    let path = file.path.with_file_name(format!("{}.new", index_name(file.first)));
    let mut made = std::fs::File::create(&path)?;
    made.write_all(&bytes)?;
    made.sync_all()?;
    Ok((path, IndexMade { segment: file_name(file.first), sha256: hex::encode(sha256(&bytes)) }))
}

/// Makes the index of a closed segment and puts it into its place.
///
/// # Errors
/// When the segment cannot be read or the index not be written.
pub fn build(file: &SegmentFile) -> io::Result<IndexMade> {
    let (path, made) = make(file)?;
    std::fs::rename(path, file.path.with_file_name(index_name(file.first)))?;
    Ok(made)
}

/// Makes the indexes that are missing, and writes of each into the log before it is put into its place: an index without a
/// word about it in the log does not exist.
///
/// # Errors
/// [`JournalError`].
pub async fn keep(journal: &Journal, folder: &Path) -> Result<usize, JournalError> {
    let unreadable = |error: io::Error| JournalError::Unreadable(error.to_string());
    let mut segments = segment::list(folder).map_err(unreadable)?;
    segments.pop();
    let mut count = 0;
    for file in segments {
        let place = file.path.with_file_name(index_name(file.first));
        if place.exists() {
            continue;
        }
        let made = tokio::task::spawn_blocking(move || make(&file)).await;
        let (path, made) =
            made.map_err(|error| JournalError::Unreadable(error.to_string()))?.map_err(unreadable)?;
        let payload =
            serde_json::to_vec(&made).map_err(|error| JournalError::Unwritable(error.to_string()))?;
        journal.append_frame(FrameKind::Index, payload).await?;
        let renamed = std::fs::rename(path, place);
        renamed.map_err(|error| JournalError::Unwritable(error.to_string()))?;
        count += 1;
    }
    Ok(count)
}

/// Keeps indexes, for ever.
pub async fn run(journal: Arc<Journal>, folder: PathBuf) {
    let mut seen = Place(0);
    loop {
        seen = journal.grown(seen).await;
        if let Err(error) = keep(&journal, &folder).await {
            tracing::warn!("the index of an audit segment could not be made: {error}");
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}
