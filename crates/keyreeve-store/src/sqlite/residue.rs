//! What a page of the database still holds of rows that are gone. `secure_delete` overwrites a row where it lies when it is
//! deleted; but when SQLite moves rows between pages it leaves their bytes behind in the space that is free now, and
//! never looks at them again. Layout of a page: <https://www.sqlite.org/fileformat2.html#b_tree_pages>.

/// A leaf of a table's tree.
const TABLE_LEAF: u8 = 0x0d;
/// Bytes before the places of the cells.
const HEADER: usize = 8;
/// Columns of `row`: id (its own key, so stored as NULL), path, revision, value.
const NULL: u64 = 0;
/// The record types of blobs are even and begin here: this is the empty one.
const BLOB: u64 = 12;
/// The highest record type of a whole number.
const INTEGER_LAST: u64 = 9;

/// A page of `row` with something left behind, and one of the rows on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Residue {
    /// The row's id.
    pub(super) id: i64,
    /// A value of this many bytes, in place of the row's, leaves no byte of the page free.
    pub(super) filling: usize,
}

/// What is left behind on a page, if it is a leaf of `row`.
pub(super) fn residue(page: &[u8]) -> Option<Residue> {
    if page.first() != Some(&TABLE_LEAF) {
        return None;
    }
    let cells = usize::from(short(page, 3)?);
    let places = HEADER + 2 * cells;
    let content = match usize::from(short(page, 5)?) {
        0 => page.len(),
        content => content,
    };
    if page.get(places..content)?.iter().all(|byte| *byte == 0) {
        return None;
    }
    let free = content - places + free_blocks(page)? + usize::from(*page.get(7)?);
    let places = (0..cells).map(|cell| short(page, HEADER + 2 * cell).map(usize::from));
    let rows: Option<Vec<Cell>> = places.map(|place| Cell::read(page, place?)).collect();
    // One that lies on this page alone; else the one of which the most does.
    let row = rows?.into_iter().max_by_key(|cell| (cell.here == cell.whole, cell.here))?;
    let room = row.here + free;
    let filling = (0..=room).rev().find(|len| row.with_value(*len).is_some_and(|cell| cell <= room))?;
    Some(Residue { id: row.id, filling })
}

/// Bytes of the chain of free blocks.
fn free_blocks(page: &[u8]) -> Option<usize> {
    let (mut bytes, mut at) = (0, usize::from(short(page, 1)?));
    while at != 0 {
        let next = usize::from(short(page, at)?);
        bytes += usize::from(short(page, at + 2)?);
        // They are in the order of their places: anything else is damage, and would never end.
        if next != 0 && next <= at {
            return None;
        }
        at = next;
    }
    Some(bytes)
}

/// One row of `row`, as it lies on a page.
#[derive(Debug, Clone, Copy)]
struct Cell {
    id: i64,
    /// Bytes on this page.
    here: usize,
    /// Bytes if it were on this page alone.
    whole: usize,
    path: usize,
    revision: usize,
    page: usize,
}

impl Cell {
    fn read(page: &[u8], at: usize) -> Option<Self> {
        let (payload, after) = varint(page, at)?;
        let (id, record) = varint(page, after)?;
        let payload = usize::try_from(payload).ok()?;
        let (_header, first) = varint(page, record)?;
        let (null, second) = varint(page, first)?;
        let (path, third) = varint(page, second)?;
        let (revision, fourth) = varint(page, third)?;
        let (value, end) = varint(page, fourth)?;
        let header = end - record;
        let is_blob = |kind: u64| kind >= BLOB && kind.is_multiple_of(2);
        if null != NULL || !is_blob(path) || revision > INTEGER_LAST || !is_blob(value) {
            return None;
        }
        let blob = |kind: u64| usize::try_from((kind - BLOB) / 2).ok();
        let cell = Self {
            id: i64::from_ne_bytes(id.to_ne_bytes()),
            here: record - at + here(page.len(), payload),
            whole: record - at + payload,
            path: blob(path)?,
            revision: integer_len(revision),
            page: page.len(),
        };
        // A table with other columns may look alike: not to the byte.
        (header + cell.path + cell.revision + blob(value)? == payload).then_some(cell)
    }

    /// Bytes of the same row with a value of this length; `None` when it would not lie on one page.
    fn with_value(&self, len: usize) -> Option<usize> {
        let kind = |blob: usize| varint_len(2 * blob as u64 + BLOB);
        // The header's own length, the NULL and the whole number take a byte each.
        let payload = 3 + kind(self.path) + kind(len) + self.path + self.revision + len;
        let cell =
            varint_len(payload as u64) + varint_len(u64::from_ne_bytes(self.id.to_ne_bytes())) + payload;
        (payload <= local_max(self.page)).then_some(cell)
    }
}

/// Bytes of a record that stay on a page of this size, with the number of the next page where some do not.
fn here(page: usize, payload: usize) -> usize {
    if payload <= local_max(page) {
        return payload;
    }
    let least = (page - 12) * 32 / 255 - 23;
    let kept = least + (payload - least) % (page - 4);
    4 + if kept <= local_max(page) { kept } else { least }
}

const fn local_max(page: usize) -> usize {
    page - 35
}

/// Bytes of a whole number of this record type.
const fn integer_len(kind: u64) -> usize {
    match kind {
        1..=4 => kind as usize,
        5 => 6,
        6 | 7 => 8,
        _ => 0,
    }
}

fn short(page: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*page.get(at..)?.first_chunk()?))
}

/// A number of SQLite's, and where the next thing begins: seven bits a byte, the highest bit says that more follow;
/// a ninth byte counts whole.
fn varint(page: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0;
    for place in at..at + 8 {
        let byte = *page.get(place)?;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((number, place + 1));
        }
    }
    Some((number << 8 | u64::from(*page.get(at + 8)?), at + 9))
}

const fn varint_len(number: u64) -> usize {
    let bits = 64 - number.leading_zeros() as usize;
    match bits {
        0 => 1,
        1..=56 => bits.div_ceil(7),
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_sqlite_writes_them() {
        let cases: &[(&[u8], u64)] = &[
            (&[0], 0),
            (&[0x7f], 127),
            (&[0x81, 0], 128),
            (&[0xff, 0x7f], 16_383),
            (&[0x81, 0x80, 0], 16_384),
            (&[0xff; 9], u64::MAX),
        ];
        for (bytes, number) in cases {
            assert_eq!(varint(bytes, 0), Some((*number, bytes.len())));
            assert_eq!(varint_len(*number), bytes.len(), "{number}");
        }
        assert_eq!(varint(&[0x81], 0), None);
    }

    #[test]
    fn no_page_panics() {
        let mut state = 7_u64;
        for _ in 0..2_000 {
            let mut page: Vec<u8> = (0..512)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8 & (state >> 40) as u8
                })
                .collect();
            page[0] = TABLE_LEAF;
            // What it says of nonsense is of no use: it must say it.
            let _nonsense = residue(&page);
        }
    }
}
