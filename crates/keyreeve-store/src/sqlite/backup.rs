//! Copies of a store: writing one while the store is served, and telling whether a file is a good one.
//! SQLite: <https://www.sqlite.org/c3ref/backup_finish.html>.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, Progress, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::link::{self, Opened, Role};
use super::schema::{self, FORMAT, LabelError};
use super::{reason, site};
use crate::error::Reason;
use crate::store::Revision;

/// Pages copied between two calls of `progress`: 1 MiB.
const STEP_PAGES: i32 = 256;
/// The name of an unfinished backup ends so.
const UNFINISHED: &str = "unfinished";

/// Why there is no backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// Something lies at the target already.
    #[error("{} exists: a backup never replaces a file", .path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Source(Reason),
    /// The backup cannot be written.
    #[error("the backup cannot be written: {0}")]
    Target(Reason),
    /// What was written does not verify.
    #[error("the backup was written and is not good: {0}")]
    Verify(#[from] VerifyError),
}

/// Why a file is no good copy of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be read, or is no database.
    #[error(transparent)]
    Unreadable(#[from] Reason),
    /// It is a database of something else.
    #[error("{} is not a store of Keyreeve", .path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A later version wrote it.
    #[error("{} has format {found}, and this version reads up to {supported}", .path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
    /// SQLite's integrity check found faults.
    #[error("{} is damaged: {first}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The first fault, in SQLite's words.
        first: String,
    },
}

/// What a good copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The format of its tables.
    pub format: u32,
    /// What the store is for, as given when it was made.
    pub kind: String,
    /// The newest commit in it.
    pub revision: Revision,
    /// How many rows it has.
    pub rows: u64,
}

/// Checks a backup, or the database of a store, without changing it: SQLite's integrity check over every
/// page, then the format. Takes as long as reading the file.
///
/// # Errors
/// [`VerifyError`] says what is wrong.
pub fn verify(path: &Path) -> Result<Verified, VerifyError> {
    let failed = |error: rusqlite::Error| VerifyError::Unreadable(reason::sqlite(&error, path));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    check(&connection, path)
}

fn check(connection: &Connection, path: &Path) -> Result<Verified, VerifyError> {
    let failed = |error: rusqlite::Error| VerifyError::Unreadable(reason::sqlite(&error, path));
    let owned = || path.to_owned();
    let label = schema::label(connection).map_err(|error| match error {
        LabelError::Blank | LabelError::Foreign => VerifyError::NotAStore { path: owned() },
        LabelError::Newer { found } => VerifyError::NewerFormat { path: owned(), found, supported: FORMAT },
        LabelError::Sqlite(error) => failed(error),
    })?;
    let first: String =
        connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0)).map_err(failed)?;
    if first != "ok" {
        return Err(VerifyError::Malformed { path: owned(), first });
    }
    let rows =
        connection.query_row("SELECT count(*) FROM row", (), |row| row.get::<_, i64>(0)).map_err(failed)?;
    let revision = schema::head(connection).map_err(failed)?;
    Ok(Verified { format: label.format, kind: label.kind, revision, rows: rows.unsigned_abs() })
}

/// Writes a backup under another name, verifies it, makes it durable and gives it its name last.
pub(super) fn write(
    opened: &Opened,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, BackupError> {
    if target.exists() {
        return Err(BackupError::Exists { path: target.to_owned() });
    }
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    let unfinished = PathBuf::from(name);
    site::create_file(&unfinished).map_err(|error| target_failed(&error, &unfinished))?;
    let verified = copy(opened, &unfinished, progress)
        .and_then(|verified| publish(&unfinished, target).map(|()| verified));
    // Already gone after success.
    drop(fs::remove_file(&unfinished));
    verified
}

fn target_failed(error: &io::Error, path: &Path) -> BackupError {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return BackupError::Exists { path: path.to_owned() };
    }
    BackupError::Target(reason::system(error, path))
}

fn copy(opened: &Opened, path: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, BackupError> {
    let database = opened.site.database();
    let source_failed = |error: rusqlite::Error| BackupError::Source(reason::sqlite(&error, database));
    let target_failed = |error: rusqlite::Error| BackupError::Target(reason::sqlite(&error, path));
    opened.site.identities().map_err(BackupError::Source)?;
    let source = link::open(database).map_err(source_failed)?;
    link::assume(&source, Role::Reader).map_err(source_failed)?;
    // A backup starts over whenever its source changes, unless it reads inside a transaction: then it is a
    // snapshot.
    source.execute_batch("BEGIN").map_err(source_failed)?;
    schema::head(&source).map_err(source_failed)?;
    let mut target = Connection::open(path).map_err(target_failed)?;
    // Nothing relies on the copy before it is whole and synced.
    target.pragma_update(None::<&str>, "synchronous", "OFF").map_err(target_failed)?;
    pages(&source, &mut target, progress).map_err(target_failed)?;
    // One file, readable without any beside it; the engine turns the log on again when it opens the copy.
    target
        .pragma_update_and_check(None::<&str>, "journal_mode", "delete", |_| Ok(()))
        .map_err(target_failed)?;
    Ok(check(&target, path)?)
}

fn pages(
    source: &Connection,
    target: &mut Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<()> {
    let backup = Backup::new(source, target)?;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let Progress { remaining, pagecount } = backup.progress();
        let total = u64::from(pagecount.unsigned_abs());
        progress(total.saturating_sub(u64::from(remaining.unsigned_abs())), total);
        if step == StepResult::Done {
            return Ok(());
        }
    }
}

fn publish(unfinished: &Path, target: &Path) -> Result<(), BackupError> {
    let failed = |error: io::Error| target_failed(&error, target);
    File::open(unfinished).and_then(|file| file.sync_all()).map_err(failed)?;
    // A link, unlike a rename, fails when the name was taken meanwhile.
    fs::hard_link(unfinished, target).map_err(failed)?;
    fs::remove_file(unfinished).map_err(failed)?;
    let directory = target.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    site::sync_directory(directory).map_err(failed)
}
