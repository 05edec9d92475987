//! `purge-….json`: the tombstone of the last purge beside the log, so that it is found without reading the log, and where
//! in the log it is looked for.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::tombstone::Tombstone;
use crate::chain::Place;
use crate::index::{RowReader, read_rows_file};

/// The file, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PurgeRecord {
    /// The newest frame before the tombstone was written.
    pub after: Place,
    /// The tombstone.
    pub tombstone: Tombstone,
}

/// The name of the record of the purge up to this frame.
pub fn purge_name(to: Place) -> String {
    format!("purge-{:020}.json", to.0)
}

/// The records of a folder, the newest last.
pub(super) fn records(folder: &Path) -> io::Result<Vec<(PathBuf, PurgeRecord)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with("purge-") || !name.ends_with(".json") {
            continue;
        }
        let record: PurgeRecord = serde_json::from_slice(&std::fs::read(&path)?).map_err(io::Error::other)?;
        found.push((path, record));
    }
    found.sort_by_key(|(_, record)| record.tombstone.to);
    Ok(found)
}

/// The tombstone of the last purge, and the last word on rows of everything purged so far; `None` when nothing was. The
/// tombstone's signature and the file's SHA-256 are for the caller to check.
///
/// # Errors
/// When a file cannot be read.
pub fn base(folder: &Path) -> io::Result<Option<(Tombstone, RowReader)>> {
    let Some((_, record)) = records(folder)?.pop() else { return Ok(None) };
    let rows = read_rows_file(&folder.join(&record.tombstone.rows_base.name))?;
    Ok(Some((record.tombstone, rows)))
}

/// Writes a file so that it is there whole and durable, or not at all.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
