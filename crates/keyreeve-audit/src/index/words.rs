//! What the whole log says last of each row of the store.

use std::io::{self, Cursor};
use std::path::Path;

use super::builder::Builder;
use super::file::IndexFile;
use super::keeper::read_into;
use super::rows::{RowReader, merged};
use crate::chain::Place;
use crate::entry::WrittenRow;
use crate::{retention, segment};

/// The last word on every row, sorted by path, of frames up to `durable`: of closed segments from their indexes (which
/// `audit verify` holds against the log), of the others from the segments themselves.
///
/// # Errors
/// When a file cannot be read.
pub fn words(
    folder: &Path,
    durable: Place,
) -> io::Result<impl Iterator<Item = io::Result<WrittenRow>> + use<>> {
    let mut sources: Vec<RowReader> = retention::base(folder)?.map(|(_, rows)| rows).into_iter().collect();
    for file in segment::list(folder)?.into_iter().filter(|file| file.first <= durable) {
        match IndexFile::open(&file.path.with_file_name(super::index_name(file.first))) {
            Ok(index) => sources.push(index.rows()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut builder = Builder::default();
                read_into(&mut builder, &file.path, 0, durable)?;
                sources.push(RowReader::new(Cursor::new(builder.rows_section())));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(merged(sources))
}
