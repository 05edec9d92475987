//! Purging, in an order that survives a crash anywhere.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use keyreeve_model::timestamp::Timestamp;

use super::RetentionError;
use super::plan::opening_of;
use super::record::{PurgeRecord, purge_name, records, sync_folder, write_durably};
use super::tombstone::{PurgedSegment, RowsBase, Tombstone, rows_base_name};
use crate::chain::{Hash, Place};
use crate::frame::FrameKind;
use crate::index::{IndexFile, RowReader, build, index_name, merged, read_rows_file, write_rows_file};
use crate::journal::Journal;
use crate::segment::{self, Next, SegmentFile, SegmentReader, file_name};
use crate::signing_key::SigningKey;
use crate::verify::{Keys, Signature, sha256_of};

/// Frames that are read at once when a tombstone is looked for.
const LOOK_BYTES: usize = 1 << 20;

/// What is purged.
#[derive(Debug, Clone)]
pub struct Purge {
    /// Folder of the log.
    pub folder: PathBuf,
    /// As [`super::plan`] answered them.
    pub segments: Vec<SegmentFile>,
    /// Where they, their indexes and the record are copied to first.
    pub export: Option<PathBuf>,
    /// The time.
    pub now: Timestamp,
}

/// Purges. `keys` are those that may have signed the tombstone before. Nothing happens when there is nothing to purge.
///
/// # Errors
/// [`RetentionError`]; whatever was begun is finished or taken back by [`resume`].
pub async fn purge(
    journal: &Journal,
    key: &SigningKey,
    keys: &Keys,
    purge: Purge,
) -> Result<Option<Tombstone>, RetentionError> {
    if purge.segments.is_empty() {
        return Ok(None);
    }
    // Hashing and merging read whole segments. They are done here, in between two awaits; the caller gives it a thread.
    let prepared = prepare(&purge, keys)?;
    let tombstone = prepared
        .signed(key)
        .map_err(|_| RetentionError::Unfit("the tombstone could not be signed".into()))?;
    if let Some(export) = &purge.export {
        copy_out(&purge, export)?;
    }
    let record = PurgeRecord { after: journal.durable(), tombstone };
    let bytes = serde_json::to_vec(&record).map_err(io::Error::other)?;
    let to = record.tombstone.to;
    write_durably(&purge.folder.join(purge_name(to)), &bytes)?;
    if let Some(export) = &purge.export {
        write_durably(&export.join(purge_name(to)), &bytes)?;
    }
    let payload = serde_json::to_vec(&record.tombstone).map_err(io::Error::other)?;
    journal.append_frame(FrameKind::Tombstone, payload).await?;
    delete(journal, &purge.folder, to)?;
    Ok(Some(record.tombstone))
}

/// Finishes a purge whose tombstone is in the log, and takes back one whose is not. To be called when the log was opened,
/// and after a purge that failed.
///
/// # Errors
/// [`RetentionError`].
pub fn resume(journal: &Journal, folder: &Path) -> Result<(), RetentionError> {
    let Some((path, record)) = records(folder)?.pop() else { return Ok(()) };
    let to = record.tombstone.to;
    let left = segment::list(folder)?.first().is_some_and(|file| file.first <= to);
    if !left {
        return Ok(delete(journal, folder, to)?);
    }
    let mut after = record.after;
    loop {
        let frames = journal.read(after, LOOK_BYTES)?;
        let Some(last) = frames.last() else { break };
        after = last.number;
        let tombstones = frames.iter().filter(|frame| frame.kind == FrameKind::Tombstone);
        let mut tombstones =
            tombstones.filter_map(|frame| serde_json::from_slice::<Tombstone>(&frame.payload).ok());
        if tombstones.any(|tombstone| tombstone == record.tombstone) {
            return Ok(delete(journal, folder, to)?);
        }
    }
    remove(&path)?;
    remove(&folder.join(&record.tombstone.rows_base.name))?;
    Ok(sync_folder(folder)?)
}

/// Reads what is to be purged, and writes the rows that outlive it.
fn prepare(purge: &Purge, keys: &Keys) -> Result<Tombstone, RetentionError> {
    let unfit = |reason: &str| RetentionError::Unfit(reason.to_owned());
    let all = segment::list(&purge.folder)?;
    let count = purge.segments.len();
    if all.get(..count) != Some(purge.segments.as_slice()) {
        return Err(unfit("they are not the oldest of the log"));
    }
    let following = all.get(count).ok_or_else(|| unfit("the open segment cannot be purged"))?;
    let opening = opening_of(following)?.ok_or_else(|| unfit("the segment after them has no opening"))?;
    let Some(oldest) = purge.segments.first() else { return Err(unfit("there is none")) };
    let mut rows = before(purge, oldest, keys)?;
    let (mut purged, mut entries, mut last) = (Vec::new(), 0, None);
    for file in &purge.segments {
        let index = file.path.with_file_name(index_name(file.first));
        if !index.exists() {
            build(file)?;
        }
        rows.push(IndexFile::open(&index)?.rows()?);
        let tail = tail_of(file, opening.after)?;
        entries += tail.1;
        last = tail.0.or(last);
        purged.push(PurgedSegment {
            name: file_name(file.first),
            bytes: std::fs::metadata(&file.path)?.len(),
            sha256: sha256_of(&file.path)?,
        });
    }
    if last.map(|(place, hash)| (place, hex::encode(hash))) != Some((opening.after, opening.before.clone())) {
        return Err(unfit("the segment after them does not continue them"));
    }
    let name = rows_base_name(opening.after);
    let sha256 = write_rows_file(&purge.folder.join(&name), merged(rows))?;
    Ok(Tombstone {
        from: oldest.first,
        to: opening.after,
        before: opening.before,
        segments: purged,
        entries,
        rows_base: RowsBase { name, sha256 },
        time: purge.now,
        fingerprint: String::new(),
        signature: String::new(),
    })
}

/// The rows of what was purged before, when they are those that were signed then.
fn before(purge: &Purge, oldest: &SegmentFile, keys: &Keys) -> Result<Vec<RowReader>, RetentionError> {
    let unfit = |reason: &str| RetentionError::Unfit(reason.to_owned());
    let opening = opening_of(oldest)?.ok_or_else(|| unfit("the oldest segment has no opening"))?;
    if opening.after == Place(0) {
        return Ok(Vec::new());
    }
    let record = records(&purge.folder)?.pop().map(|(_, record)| record.tombstone);
    let record = record.filter(|last| last.to == opening.after && last.before == opening.before);
    let last = record.ok_or_else(|| unfit("the record of the purge before is missing"))?;
    let signature = keys.check(&last.fingerprint, &last.to_sign(), &last.signature);
    let path = purge.folder.join(&last.rows_base.name);
    if signature != Signature::Right || sha256_of(&path)? != last.rows_base.sha256 {
        return Err(unfit("the record of the purge before was altered"));
    }
    Ok(vec![read_rows_file(&path)?])
}

/// The last frame of a segment that belongs to the log, and how many entries there are.
fn tail_of(file: &SegmentFile, until: Place) -> io::Result<(Option<(Place, Hash)>, u64)> {
    let mut reader = SegmentReader::open(&file.path)?;
    let (mut last, mut entries) = (None, 0);
    while let Next::Frame { frame, .. } = reader.next_frame()? {
        if frame.number > until {
            break;
        }
        entries += u64::from(frame.kind == FrameKind::Entry);
        last = Some((frame.number, frame.hash));
    }
    Ok((last, entries))
}

fn copy_out(purge: &Purge, export: &Path) -> io::Result<()> {
    std::fs::create_dir_all(export)?;
    for file in &purge.segments {
        let index = file.path.with_file_name(index_name(file.first));
        for path in [&file.path, &index] {
            let Some(name) = path.file_name() else { continue };
            let (to, new) = (export.join(name), export.join(name).with_extension("new"));
            std::fs::copy(path, &new)?;
            File::open(&new)?.sync_all()?;
            std::fs::rename(new, to)?;
        }
    }
    sync_folder(export)
}

/// Deletes what a durable tombstone stands for: the oldest first, so that what is left always begins after what is gone.
fn delete(journal: &Journal, folder: &Path, to: Place) -> io::Result<()> {
    journal.release(to);
    for file in segment::list(folder)?.into_iter().take_while(|file| file.first <= to) {
        remove(&file.path)?;
        remove(&file.path.with_file_name(index_name(file.first)))?;
    }
    for (path, record) in records(folder)? {
        if record.tombstone.to < to {
            remove(&path)?;
            remove(&folder.join(&record.tombstone.rows_base.name))?;
        }
    }
    sync_folder(folder)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
