//! What opens and what does not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::{commit, get, open, try_open};
use crate::{OpenError, OpenOptions, Reason, SqliteStore};

fn error(directory: &Path, create: bool) -> OpenError {
    try_open(directory, create).unwrap_err()
}

#[test]
fn a_store_opens_again_with_everything_in_it() {
    let directory = TempDir::new().unwrap();
    for number in 1..=3 {
        let store = open(directory.path());
        let revision = commit(&store, number).unwrap();
        assert_eq!(revision.0, number);
        assert!((1..=number).all(|number| get(&store, number).unwrap().value == number.to_string()));
    }
}

#[test]
fn only_the_owner_can_read_a_store() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("deep/store");
    let store = open(&directory);
    commit(&store, 1).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["LOCK", "store.db", "store.db-shm", "store.db-wal"]);
    assert!(files.iter().all(|file| mode(file) == 0o600));
}

#[test]
fn a_missing_store_is_made_only_when_asked() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("store");
    assert_eq!(error(&directory, false), OpenError::Missing { path: directory.clone() });
    assert!(!directory.exists());
    fs::create_dir(&directory).unwrap();
    assert_eq!(error(&directory, false), OpenError::Missing { path: directory.clone() });
    drop(open(&directory));
    assert!(try_open(&directory, false).is_ok());
}

#[test]
fn a_store_whose_making_was_cut_short_is_made_again() {
    let directory = TempDir::new().unwrap();
    let database = directory.path().join("store.db");
    fs::write(&database, "").unwrap();
    assert_eq!(error(directory.path(), false), OpenError::NotAStore { path: database });
    assert!(commit(&open(directory.path()), 1).is_ok());
}

#[test]
fn a_second_handle_is_refused_until_the_first_is_gone() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    let expected = OpenError::InUse { path: directory.path().to_owned(), pid: Some(std::process::id()) };
    assert_eq!(error(directory.path(), true), expected);
    assert!(commit(&first, 1).is_ok());
    drop(first);
    assert!(try_open(directory.path(), false).is_ok());
}

#[test]
fn a_store_of_another_kind_is_refused() {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()));
    let options = OpenOptions { path: directory.path().to_owned(), create: true, kind: "serve".to_owned() };
    let found = SqliteStore::open(options).unwrap_err();
    let (found_kind, wanted) = ("test".to_owned(), "serve".to_owned());
    assert_eq!(found, OpenError::OtherKind { path: directory.path().to_owned(), found: found_kind, wanted });
}

/// Refusals that must not touch the file: they come from a database that a later version, or another program,
/// owns.
#[test]
fn a_newer_format_or_a_foreign_database_is_refused_and_left_alone() {
    let table = [
        "UPDATE meta SET value = '2' WHERE name = 'format'",
        "UPDATE meta SET value = '0' WHERE name = 'format'",
        "UPDATE meta SET value = 'new' WHERE name = 'format'",
        "DELETE FROM meta WHERE name = 'kind'",
        "DROP TABLE meta",
    ];
    for (row, change) in table.into_iter().enumerate() {
        let directory = TempDir::new().unwrap();
        drop(open(directory.path()));
        let database = directory.path().join("store.db");
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.execute_batch(change).unwrap();
        connection.execute_batch("PRAGMA journal_mode = delete").unwrap();
        drop(connection);
        let before = fs::read(&database).unwrap();
        let expected = match row {
            0 => OpenError::NewerFormat { path: database.clone(), found: 2, supported: 1 },
            _ => OpenError::NotAStore { path: database.clone() },
        };
        assert_eq!(error(directory.path(), true), expected, "{change}");
        assert_eq!(fs::read(&database).unwrap(), before, "{change}");
    }
}

#[test]
fn a_directory_that_is_a_file_is_a_clear_error() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("store");
    fs::write(&file, "").unwrap();
    assert!(matches!(error(&file, true), OpenError::Unavailable(Reason::Io { .. })));
}
