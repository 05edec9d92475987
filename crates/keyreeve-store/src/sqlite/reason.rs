//! What a failure of SQLite or of the file system means to an operator: one table.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_CORRUPT;

use crate::error::Reason;

type Meaning = fn(PathBuf, i32) -> Reason;

/// Primary result codes with a meaning of their own; all others are [`Reason::Io`].
const MEANINGS: &[(ErrorCode, Meaning)] = &[
    (ErrorCode::DiskFull, |path, _| Reason::DiskFull { path }),
    (ErrorCode::ReadOnly, |path, _| Reason::ReadOnly { path }),
    (ErrorCode::PermissionDenied, |path, _| Reason::ReadOnly { path }),
    (ErrorCode::DatabaseBusy, |path, _| Reason::Busy { path }),
    (ErrorCode::DatabaseLocked, |path, _| Reason::Busy { path }),
    (ErrorCode::DatabaseCorrupt, |path, code| Reason::Damaged { path, code }),
    (ErrorCode::NotADatabase, |path, code| Reason::Damaged { path, code }),
    // A type that the tables do not allow, or a row that breaks a constraint, is no work of ours.
    (ErrorCode::TypeMismatch, |path, code| Reason::Damaged { path, code }),
    (ErrorCode::ConstraintViolation, |path, code| Reason::Damaged { path, code }),
];

/// Reads a failure of SQLite on `database`.
pub(super) fn sqlite(error: &rusqlite::Error, database: &Path) -> Reason {
    let path = database.to_owned();
    let Some(failure) = error.sqlite_error() else {
        // rusqlite could not read a column as what it must be.
        return Reason::Damaged { path, code: SQLITE_CORRUPT };
    };
    let meaning = MEANINGS.iter().find(|(code, _)| *code == failure.code);
    match meaning {
        Some((_, meaning)) => meaning(path, failure.extended_code),
        None if !database.exists() => Reason::Vanished { path },
        None => Reason::Io { path, code: failure.extended_code },
    }
}

/// Kinds of system errors with a meaning of their own; all others are [`Reason::Io`].
const SYSTEM: &[(io::ErrorKind, Meaning)] = &[
    (io::ErrorKind::StorageFull, |path, _| Reason::DiskFull { path }),
    (io::ErrorKind::QuotaExceeded, |path, _| Reason::DiskFull { path }),
    (io::ErrorKind::ReadOnlyFilesystem, |path, _| Reason::ReadOnly { path }),
    (io::ErrorKind::PermissionDenied, |path, _| Reason::ReadOnly { path }),
    (io::ErrorKind::NotFound, |path, _| Reason::Vanished { path }),
];

/// Reads a failure of the file system on `path`.
pub(super) fn system(error: &io::Error, path: &Path) -> Reason {
    let code = error.raw_os_error().unwrap_or_default();
    let meaning = SYSTEM.iter().find(|(kind, _)| *kind == error.kind());
    meaning.map_or_else(
        || Reason::Io { path: path.to_owned(), code },
        |(_, meaning)| meaning(path.to_owned(), code),
    )
}
