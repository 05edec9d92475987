//! The tables of a SQLite store, format 1, and the format row that every later version must understand.
//! Facts about SQLite: <https://www.sqlite.org/lang.html>.

use rusqlite::{Connection, OptionalExtension};

use super::read;
use crate::store::Revision;

/// The format that this version writes. A higher one is refused.
pub(super) const FORMAT: u32 = 1;

/// `row` has a rowid beside its unique path: values are too long for a WITHOUT ROWID tree. `commit_id` and
/// `change` hold the newest history; a change's position is its revision times [`POSITIONS`] plus its number
/// in the commit.
const TABLES: &str = "
    CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE row(id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, revision INTEGER NOT NULL,
        value BLOB NOT NULL) STRICT;
    CREATE TABLE commit_id(revision INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT;
    CREATE TABLE change(position INTEGER PRIMARY KEY, path BLOB NOT NULL, deleted INTEGER NOT NULL) STRICT;
    INSERT INTO meta VALUES ('store', lower(hex(randomblob(16)))), ('settled', '0');";

/// Positions a commit in the change log: more than the operations that a commit may have.
pub(super) const POSITIONS: i64 = 128;

/// What a store says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) format: u32,
    pub(super) kind: String,
    /// Random, drawn when the store was created: tells it from every other store, though not from its copies.
    pub(super) store: String,
}

/// Why a database has no usable label.
#[derive(Debug)]
pub(super) enum LabelError {
    /// No tables at all: a store that was never finished being created, or an empty file.
    Blank,
    /// A database of something else.
    Foreign,
    /// Written by a later version.
    Newer {
        found: u32,
    },
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for LabelError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Makes an empty store of a blank database, in one transaction.
pub(super) fn create(connection: &Connection, kind: &str) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction
        .execute("INSERT INTO meta VALUES ('format', ?1), ('kind', ?2)", (FORMAT.to_string(), kind))?;
    transaction.commit()
}

/// Reads the label; the format comes first, as nothing else is known of a newer store.
pub(super) fn label(connection: &Connection) -> Result<Label, LabelError> {
    let count = |sql| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
    if count("SELECT count(*) FROM sqlite_schema")? == 0 {
        return Err(LabelError::Blank);
    }
    if count("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta'")? == 0 {
        return Err(LabelError::Foreign);
    }
    let value = |name| meta(connection, name)?.ok_or(LabelError::Foreign);
    let format = value("format")?.parse().map_err(|_| LabelError::Foreign)?;
    match format {
        0 => Err(LabelError::Foreign),
        1..=FORMAT => Ok(Label { format, kind: value("kind")?, store: value("store")? }),
        found => Err(LabelError::Newer { found }),
    }
}

fn meta(connection: &Connection, name: &str) -> Result<Option<String>, LabelError> {
    let found = connection.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0));
    Ok(found.optional()?)
}

/// The revision of the newest commit. Its id is never forgotten, so no row of its own is needed.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Revision> {
    revision(connection, "SELECT coalesce(max(revision), 0) FROM commit_id")
}

/// The oldest revision whose id and changes are remembered; 1 in an empty store.
pub(super) fn oldest(connection: &Connection) -> rusqlite::Result<Revision> {
    revision(connection, "SELECT coalesce(min(revision), 1) FROM commit_id")
}

fn revision(connection: &Connection, sql: &str) -> rusqlite::Result<Revision> {
    connection.prepare_cached(sql)?.query_row((), |row| read::revision(row.get(0)?))
}
