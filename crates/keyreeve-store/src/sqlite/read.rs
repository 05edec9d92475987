//! The reading verbs in SQL. Each runs inside one transaction, so that all it sees is of one revision.

use bytes::Bytes;
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Error, OptionalExtension};

use super::schema::{self, POSITIONS};
use crate::feed::Batch;
use crate::path::Path;
use crate::store::{Change, CommitId, MAX_PAGE_BYTES, MAX_PAGE_ROWS, Page, Revision, Row, Snapshot};

/// A batch of changes ends with the commit that brings it to this many, so that a follower uses bounded
/// memory.
const MAX_BATCH_CHANGES: usize = 1_024;

pub(super) fn get(connection: &Connection, paths: &[Path]) -> rusqlite::Result<Snapshot> {
    let mut select = connection.prepare_cached("SELECT revision, value FROM row WHERE path = ?1")?;
    let mut rows = Vec::with_capacity(paths.len());
    for path in paths {
        let found = select.query_row([path.as_str().as_bytes()], |row| {
            Ok(Row { revision: revision(row.get(0)?)?, value: blob(row.get_ref(1)?)? })
        });
        rows.push(found.optional()?);
    }
    Ok(Snapshot { rows, revision: schema::head(connection)? })
}

pub(super) fn scan(connection: &Connection, from: &[u8], to: &[u8], limit: usize) -> rusqlite::Result<Page> {
    let limit = limit.clamp(1, MAX_PAGE_ROWS);
    let mut select = connection.prepare_cached(
        "SELECT path, revision, value FROM row WHERE path >= ?1 AND path < ?2 ORDER BY path",
    )?;
    let mut found = select.query((from, to))?;
    let mut rows = Vec::new();
    let mut bytes = 0;
    let more = loop {
        match found.next()? {
            None => break false,
            Some(_) if rows.len() == limit || bytes >= MAX_PAGE_BYTES => break true,
            Some(row) => {
                let value = blob(row.get_ref(2)?)?;
                bytes += value.len();
                rows.push((path(row.get_ref(0)?)?, Row { value, revision: revision(row.get(1)?)? }));
            }
        }
    };
    Ok(Page { rows, more, revision: schema::head(connection)? })
}

/// The paths that begin with `prefix` and come after `after`, as bytes from (inclusive) and to (exclusive).
pub(super) fn range(prefix: &str, after: Option<&Path>) -> (Vec<u8>, Vec<u8>) {
    let mut from = prefix.as_bytes().to_vec();
    if let Some(after) = after.filter(|after| after.as_str() >= prefix) {
        from = after.as_str().as_bytes().to_vec();
        // No path contains a zero byte, so nothing lies between a path and itself with one more.
        from.push(0);
    }
    let mut to = prefix.as_bytes().to_vec();
    match to.last_mut() {
        // UTF-8 has no byte 0xff, so the last one can always grow.
        Some(last) => *last = last.saturating_add(1),
        None => to.push(u8::MAX),
    }
    (from, to)
}

pub(super) fn committed(connection: &Connection, id: CommitId) -> rusqlite::Result<Option<Revision>> {
    let mut select = connection.prepare_cached("SELECT revision FROM commit_id WHERE id = ?1")?;
    select.query_row([id.as_bytes().as_slice()], |row| revision(row.get(0)?)).optional()
}

pub(super) fn changes(connection: &Connection, after: Revision) -> rusqlite::Result<Batch> {
    let head = schema::head(connection)?;
    if after > head || after.0 + 1 < schema::oldest(connection)?.0 {
        return Ok(Batch::Forgotten);
    }
    let mut select = connection.prepare_cached(
        "SELECT change.position, change.path, change.deleted, row.revision, row.value
         FROM change LEFT JOIN row ON row.path = change.path
         WHERE change.position >= ?1 ORDER BY change.position",
    )?;
    let mut found = select.query([first_position(after.0 + 1)?])?;
    let (mut changes, mut bytes, mut through) = (Vec::new(), 0, after);
    while let Some(row) = found.next()? {
        let at = revision(row.get::<_, i64>(0)? / POSITIONS)?;
        if at > through && (changes.len() >= MAX_BATCH_CHANGES || bytes >= MAX_PAGE_BYTES) {
            return Ok(Batch::Known { changes, through });
        }
        through = at;
        if let Some(change) = change(row, at)? {
            if let Change::Put { row, .. } = &change {
                bytes += row.value.len();
            }
            changes.push(change);
        }
    }
    Ok(Batch::Known { changes, through: head })
}

/// `None` for a put that a later commit replaced: the later one is in the log too.
fn change(row: &rusqlite::Row<'_>, at: Revision) -> rusqlite::Result<Option<Change>> {
    let path = path(row.get_ref(1)?)?;
    if row.get(2)? {
        return Ok(Some(Change::Delete { path, revision: at }));
    }
    let written: Option<i64> = row.get(3)?;
    match written.map(revision).transpose()? {
        Some(written) if written == at => {
            Ok(Some(Change::Put { path, row: Row { value: blob(row.get_ref(4)?)?, revision: at } }))
        }
        Some(_) | None => Ok(None),
    }
}

/// The position of a commit's first change in the log.
pub(super) fn first_position(revision: u64) -> rusqlite::Result<i64> {
    let position = i64::try_from(revision).ok().and_then(|revision| revision.checked_mul(POSITIONS));
    position.ok_or(Error::IntegralValueOutOfRange(0, i64::MAX))
}

/// SQLite's integers are signed; a negative revision is damage.
pub(super) fn revision(stored: i64) -> rusqlite::Result<Revision> {
    u64::try_from(stored).map(Revision).map_err(|_| Error::IntegralValueOutOfRange(0, stored))
}

fn blob(value: ValueRef<'_>) -> rusqlite::Result<Bytes> {
    Ok(Bytes::copy_from_slice(value.as_blob()?))
}

fn path(value: ValueRef<'_>) -> rusqlite::Result<Path> {
    let text = std::str::from_utf8(value.as_blob()?)?;
    Path::parse(text).map_err(|error| Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error)))
}
