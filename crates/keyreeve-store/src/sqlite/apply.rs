//! One commit inside the writer's transaction: checks first, then writes, so that a conflict leaves no trace
//! and needs no savepoint.

use rusqlite::{Connection, OptionalExtension};

use super::read;
use super::schema::{self, POSITIONS};
use crate::path::Path;
use crate::store::{Check, Commit, HISTORY_COMMITS, Revision};

/// History is trimmed when the head passes a multiple of this, not on every commit.
const TRIM_EVERY: u64 = 256;

/// What became of a commit in the transaction, which is not durable yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// Its rows are written.
    Now(Revision),
    /// It was applied in an earlier transaction, or earlier in this one.
    Before(Revision),
    /// A check does not hold.
    Conflict,
}

/// Applies a commit as the one after `head`. After an error the transaction must be rolled back.
pub(super) fn apply(connection: &Connection, commit: &Commit, head: Revision) -> rusqlite::Result<Applied> {
    if let Some(revision) = read::committed(connection, commit.id)? {
        return Ok(Applied::Before(revision));
    }
    for check in &commit.checks {
        if !holds(connection, check)? {
            return Ok(Applied::Conflict);
        }
    }
    let revision = Revision(head.0 + 1);
    let first = read::first_position(revision.0)?;
    let stored = first / POSITIONS;
    let mut log = Log { connection, next: first };
    let mut put = connection.prepare_cached(
        "INSERT INTO row(path, revision, value) VALUES (?1, ?2, ?3)
         ON CONFLICT(path) DO UPDATE SET revision = excluded.revision, value = excluded.value",
    )?;
    for (path, value) in &commit.puts {
        put.execute((path.as_str().as_bytes(), stored, value.as_ref()))?;
        log.append(path, false)?;
    }
    let mut delete = connection.prepare_cached("DELETE FROM row WHERE path = ?1")?;
    for path in &commit.deletes {
        if delete.execute([path.as_str().as_bytes()])? > 0 {
            log.append(path, true)?;
        }
    }
    let mut remember = connection.prepare_cached("INSERT INTO commit_id(revision, id) VALUES (?1, ?2)")?;
    remember.execute((stored, commit.id.as_bytes().as_slice()))?;
    Ok(Applied::Now(revision))
}

fn holds(connection: &Connection, check: &Check) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT revision FROM row WHERE path = ?1")?;
    let found =
        select.query_row([check.path.as_str().as_bytes()], |row| read::revision(row.get(0)?)).optional()?;
    Ok(check.expect.holds(found))
}

struct Log<'a> {
    connection: &'a Connection,
    next: i64,
}

impl Log<'_> {
    fn append(&mut self, path: &Path, deleted: bool) -> rusqlite::Result<()> {
        let sql = "INSERT INTO change(position, path, deleted) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute((self.next, path.as_str().as_bytes(), deleted))?;
        self.next += 1;
        Ok(())
    }
}

/// Forgets the oldest history when the head moved far enough, in the same transaction.
pub(super) fn trim(connection: &Connection, before: Revision, head: Revision) -> rusqlite::Result<()> {
    let forgotten = head.0.saturating_sub(HISTORY_COMMITS);
    if before.0 / TRIM_EVERY == head.0 / TRIM_EVERY || forgotten < schema::oldest(connection)?.0 {
        return Ok(());
    }
    let end = read::first_position(forgotten + 1)?;
    connection.prepare_cached("DELETE FROM commit_id WHERE revision < ?1")?.execute([end / POSITIONS])?;
    connection.prepare_cached("DELETE FROM change WHERE position < ?1")?.execute([end])?;
    Ok(())
}
