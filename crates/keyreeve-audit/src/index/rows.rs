//! The last word on rows of the store: sorted by path, each path as what it shares with the one before it and the rest.
//! A section of each index, and the whole of a `rows-base` file.
//!
//! | part | what |
//! |---|---|
//! | number | bytes shared with the path before |
//! | number, n | length of the rest, the rest |
//! | number | the row's number |
//! | 1 | 1 when a hash follows, 0 when the row was deleted |
//! | 32 or 0 | SHA-256 of the sealed value |

use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::path::Path;

use keyreeve_crypto::digest::sha256;

use super::varint;
use crate::chain::Hash;
use crate::entry::WrittenRow;

/// What a `rows-base` file begins with; the rows follow.
const MAGIC: &[u8; 8] = b"KRVROWS1";
/// The longest path that is read.
const PATH_BYTES_MAX: u64 = 64 * 1024;

/// Appends a row behind the one of this path.
pub(super) fn write(before: &str, path: &str, number: u64, hash: Option<&Hash>, bytes: &mut Vec<u8>) {
    let shared = before.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
    let rest = path.as_bytes().get(shared..).unwrap_or_default();
    varint::write(shared as u64, bytes);
    varint::write(rest.len() as u64, bytes);
    bytes.extend_from_slice(rest);
    varint::write(number, bytes);
    bytes.push(u8::from(hash.is_some()));
    bytes.extend_from_slice(hash.map_or(&[], |hash| hash.as_slice()));
}

/// Reads rows, sorted by path. Ends at the end of its bytes, or with an error at what makes no sense.
pub struct RowReader {
    bytes: Box<dyn Read + Send>,
    path: Vec<u8>,
    failed: bool,
}

impl std::fmt::Debug for RowReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowReader")
            .field("path", &String::from_utf8_lossy(&self.path))
            .finish_non_exhaustive()
    }
}

impl RowReader {
    pub(super) fn new(bytes: impl Read + Send + 'static) -> Self {
        Self { bytes: Box::new(BufReader::new(bytes)), path: Vec::new(), failed: false }
    }

    /// A byte; `None` at the end.
    fn byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.bytes.read(&mut byte)? == 1).then_some(byte[0]))
    }

    /// A number; `None` at the end.
    fn number(&mut self) -> io::Result<Option<u64>> {
        let mut bytes = Vec::with_capacity(varint::BYTES_MAX);
        while bytes.len() < varint::BYTES_MAX {
            let Some(byte) = self.byte()? else {
                return if bytes.is_empty() { Ok(None) } else { Err(nonsense()) };
            };
            bytes.push(byte);
            if byte & 0x80 == 0 {
                break;
            }
        }
        varint::read(&bytes).map(|(number, _)| Some(number)).ok_or_else(nonsense)
    }

    fn row(&mut self) -> io::Result<Option<WrittenRow>> {
        let Some(shared) = self.number()? else { return Ok(None) };
        let length = self.number()?.filter(|length| *length <= PATH_BYTES_MAX).ok_or_else(nonsense)?;
        let shared = usize::try_from(shared).ok().filter(|shared| *shared <= self.path.len());
        self.path.truncate(shared.ok_or_else(nonsense)?);
        let begins = self.path.len();
        (&mut self.bytes).take(length).read_to_end(&mut self.path)?;
        if (self.path.len() - begins) as u64 != length {
            return Err(nonsense());
        }
        let number = self.number()?.ok_or_else(nonsense)?;
        let hash = match self.byte()? {
            Some(0) => None,
            Some(1) => {
                let mut hash = Hash::default();
                self.bytes.read_exact(&mut hash)?;
                Some(hex::encode(hash))
            }
            _ => return Err(nonsense()),
        };
        let path = std::str::from_utf8(&self.path).map_err(|_| nonsense())?.to_owned();
        Ok(Some(WrittenRow(path, number, hash)))
    }
}

impl Iterator for RowReader {
    type Item = io::Result<WrittenRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let row = self.row().transpose();
        self.failed = matches!(row, Some(Err(_)));
        row
    }
}

pub(super) fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an index or a file of rows is damaged")
}

/// Merges sorted rows: of each path the row with the highest number; of equal ones that of the later source.
pub fn merged(sources: Vec<RowReader>) -> impl Iterator<Item = io::Result<WrittenRow>> {
    let mut sources: Vec<_> = sources.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let failed = |source: &mut std::iter::Peekable<RowReader>| matches!(source.peek(), Some(Err(_)));
        if let Some(source) = sources.iter_mut().find_map(|source| failed(source).then_some(source)) {
            return source.next();
        }
        let head = |source: &mut std::iter::Peekable<RowReader>| match source.peek() {
            Some(Ok(row)) => Some(row.0.clone()),
            _ => None,
        };
        let path = sources.iter_mut().filter_map(head).min()?;
        let mut best: Option<WrittenRow> = None;
        for source in &mut sources {
            // A source that is out of order does not bring a path twice: it is taken as often as it stands there.
            while let Some(Ok(row)) = source.next_if(|row| row.as_ref().is_ok_and(|row| row.0 == path)) {
                if best.as_ref().is_none_or(|best| row.1 >= best.1) {
                    best = Some(row);
                }
            }
        }
        best.map(Ok)
    })
}

/// Writes rows, which must be sorted, into a new file, and makes it durable; answers its SHA-256, in hex.
///
/// # Errors
/// When a row could not be read, or the file not be written.
pub fn write_rows_file(
    path: &Path,
    rows: impl Iterator<Item = io::Result<WrittenRow>>,
) -> io::Result<String> {
    let (mut bytes, mut before) = (MAGIC.to_vec(), String::new());
    for row in rows {
        let WrittenRow(path, number, hash) = row?;
        let hash = hash.map(|hash| hash_of_hex(&hash).ok_or_else(nonsense)).transpose()?;
        write(&before, &path, number, hash.as_ref(), &mut bytes);
        before = path;
    }
    let mut file = File::create(path)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(hex::encode(sha256(&bytes)))
}

/// Reads such a file.
///
/// # Errors
/// When it cannot be read, or is another file.
pub fn read_rows_file(path: &Path) -> io::Result<RowReader> {
    let mut file = File::open(path)?;
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(nonsense());
    }
    Ok(RowReader::new(file))
}

pub(super) fn hash_of_hex(hex: &str) -> Option<Hash> {
    hex::decode(hex).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, number: u64, byte: Option<u8>) -> WrittenRow {
        WrittenRow(path.into(), number, byte.map(|byte| hex::encode([byte; 32])))
    }

    #[test]
    fn of_each_path_the_highest_number_is_the_last_word() {
        let folder = tempfile::tempdir().unwrap();
        let sources = [
            vec![row("a", 1, Some(1)), row("a/b", 5, Some(2)), row("c", 1, None)],
            vec![row("a/b", 4, Some(3)), row("a/bc", 1, Some(4)), row("c", 2, Some(5))],
            vec![row("a", 2, None)],
        ];
        let files = sources.iter().enumerate().map(|(at, rows)| {
            let path = folder.path().join(at.to_string());
            write_rows_file(&path, rows.iter().cloned().map(Ok)).unwrap();
            read_rows_file(&path).unwrap()
        });
        let all: Vec<_> = merged(files.collect()).collect::<io::Result<_>>().unwrap();
        let wanted =
            [row("a", 2, None), row("a/b", 5, Some(2)), row("a/bc", 1, Some(4)), row("c", 2, Some(5))];
        assert_eq!(all, wanted);
    }

    #[test]
    fn a_damaged_file_ends_with_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let rows = [row("kms/1", 1, Some(1)), row("kms/2", 2, None)];
        write_rows_file(&path, rows.iter().cloned().map(Ok)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        // Behind the first row (8 + 1 + 1 + 5 + 1 + 1 + 32 bytes) the file may end.
        for cut in (9..bytes.len()).filter(|cut| *cut != 49) {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let read: Vec<_> = read_rows_file(&path).unwrap().collect();
            assert!(read.last().unwrap().is_err(), "{cut}");
        }
    }
}
