//! Backups: consistent while the store is served, verified, never over another file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

use super::{commit, get, open, try_open};
use crate::conformance::{block_on, id, path};
use crate::sqlite::{BackupError, VerifyError, verify};
use crate::{Commit, Revision, Store};

#[test]
fn a_backup_of_a_served_store_is_one_revision_and_opens_as_a_store() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory.path().join("store"));
    let pair = |number: u64| {
        let value = vec![number as u8; 20_000];
        Commit::new(id(number)).put(path("a"), value.clone()).put(path(&format!("b/{number}")), value)
    };
    for number in 1..=200 {
        block_on(store.commit(pair(number))).unwrap();
    }
    let backup = directory.path().join("backup");
    let (running, mut calls) = (AtomicBool::new(true), Vec::new());
    let verified = thread::scope(|scope| {
        let writes = scope.spawn(|| {
            (201..).take_while(|_| running.load(Ordering::Relaxed)).map(pair).for_each(|commit| {
                block_on(store.commit(commit)).unwrap();
            });
        });
        let verified = store.backup_to(&backup, &mut |done, total| calls.push((done, total)));
        running.store(false, Ordering::Relaxed);
        writes.join().unwrap();
        verified.unwrap()
    });
    assert!(verified.revision >= Revision(200));
    assert_eq!(verified.rows, verified.revision.0 + 1);
    assert_eq!((verified.kind.as_str(), verified.format), ("test", 1));
    assert!(calls.len() > 1 && calls.is_sorted() && calls.last().is_some_and(|(done, total)| done == total));
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    let restored = directory.path().join("restored");
    fs::create_dir(&restored).unwrap();
    fs::copy(&backup, restored.join("store.db")).unwrap();
    let restored = try_open(&restored, false).unwrap();
    let rows = block_on(restored.get(&[path("a")])).unwrap();
    assert_eq!(rows.revision, verified.revision);
    assert_eq!(rows.rows[0].as_ref().unwrap().revision, verified.revision);
    assert!(commit(&restored, 9_999_999).is_ok());
}

#[test]
fn a_backup_never_replaces_a_file_and_a_failed_one_leaves_none() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory.path().join("store"));
    let taken = directory.path().join("taken");
    fs::write(&taken, "precious").unwrap();
    let found = store.backup_to(&taken, &mut |_, _| {});
    assert_eq!(found, Err(BackupError::Exists { path: taken.clone() }));
    assert_eq!(fs::read(&taken).unwrap(), b"precious");
    let nowhere = directory.path().join("none/backup");
    assert!(matches!(store.backup_to(&nowhere, &mut |_, _| {}), Err(BackupError::Target(_))));
    let late = directory.path().join("late");
    let found = store.backup_to(&late, &mut |_, _| fs::write(&late, "precious").unwrap());
    assert_eq!(found, Err(BackupError::Exists { path: late.clone() }));
    assert_eq!(fs::read(&late).unwrap(), b"precious");
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["late", "store", "taken"]);
}

#[test]
fn verify_reads_the_backup_of_another_machine_and_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory.path().join("store"));
    commit(&store, 1).unwrap();
    let backup = directory.path().join("backup");
    store.backup_to(&backup, &mut |_, _| {}).unwrap();
    let before = fs::read(&backup).unwrap();
    fs::set_permissions(&backup, fs::Permissions::from_mode(0o400)).unwrap();
    let verified = verify(&backup).unwrap();
    assert_eq!((verified.rows, verified.revision), (1, Revision(1)));
    assert_eq!(fs::read(&backup).unwrap(), before);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    assert!(get(&store, 1).is_some());
}

#[test]
fn verify_says_what_is_wrong() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    assert!(matches!(verify(&file), Err(VerifyError::Unreadable(_))));
    fs::write(&file, "").unwrap();
    assert_eq!(verify(&file), Err(VerifyError::NotAStore { path: file.clone() }));
    let store = open(&directory.path().join("store"));
    fs::remove_file(&file).unwrap();
    store.backup_to(&file, &mut |_, _| {}).unwrap();
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch("UPDATE meta SET value = '7' WHERE name = 'format'").unwrap();
    assert_eq!(verify(&file), Err(VerifyError::NewerFormat { path: file, found: 7, supported: 1 }));
}
