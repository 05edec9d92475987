//! Damaged files: a torn log keeps a prefix of the commits, a damaged database is a clear error and never a
//! panic.

use std::fs;

use tempfile::TempDir;

use super::{commit, fill, get, open, try_open};
use crate::conformance::block_on;
use crate::sqlite::{OpenError, verify};
use crate::{CommitError, Reason, Store, StoreError};

const PAGE: usize = 4_096;

#[test]
fn a_log_that_was_cut_anywhere_keeps_a_prefix_of_the_commits() {
    const COMMITS: u64 = 12;
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    fill(&store, COMMITS);
    let [database, log] =
        ["store.db", "store.db-wal"].map(|name| fs::read(directory.path().join(name)).unwrap());
    let mut kept = 0;
    for cut in (0..=log.len()).step_by(1_373).chain([log.len()]) {
        let copy = TempDir::new().unwrap();
        fs::write(copy.path().join("store.db"), &database).unwrap();
        fs::write(copy.path().join("store.db-wal"), &log[..cut]).unwrap();
        let store = try_open(copy.path(), false).unwrap();
        let found: Vec<u64> = (1..=COMMITS).filter(|number| get(&store, *number).is_some()).collect();
        assert_eq!(found, (1..=found.len() as u64).collect::<Vec<_>>(), "cut at {cut}");
        assert!(found.len() >= kept, "cut at {cut}");
        kept = found.len();
        assert!(commit(&store, 99).is_ok());
    }
    assert_eq!(kept as u64, COMMITS);
}

fn is_damage(reason: &Reason) -> bool {
    matches!(reason, Reason::Damaged { .. } | Reason::Io { .. })
}

/// Uses a store as far as it goes. `Some` names a failure, which must be a clear one.
fn use_all(directory: &std::path::Path) -> Option<Reason> {
    let store = match try_open(directory, false) {
        Ok(store) => store,
        Err(OpenError::Unavailable(reason)) => return Some(reason),
        Err(OpenError::NotAStore { path }) => return Some(Reason::Damaged { path, code: 0 }),
        Err(error) => panic!("{error:?}"),
    };
    if let Err(StoreError::Unavailable { reason }) = block_on(store.scan("", None, 1_000)) {
        return Some(reason);
    }
    match commit(&store, 1_000) {
        Ok(_) => None,
        Err(CommitError::Unavailable { reason }) => Some(reason),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn a_damaged_page_is_a_clear_error_and_never_a_panic() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    fill(&store, 200);
    drop(store);
    let good = fs::read(directory.path().join("store.db")).unwrap();
    let pages = good.len() / PAGE;
    let mut noticed = 0;
    for page in 0..pages {
        let copy = TempDir::new().unwrap();
        let database = copy.path().join("store.db");
        let mut bad = good.clone();
        bad[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        fs::write(&database, bad).unwrap();
        assert!(verify(&database).is_err(), "page {page}");
        if let Some(reason) = use_all(copy.path()) {
            assert!(is_damage(&reason), "page {page}: {reason:?}");
            noticed += 1;
        }
    }
    assert!(noticed > pages / 2, "{noticed} of {pages}");
}

#[test]
fn a_cut_database_or_one_that_is_no_database_is_a_clear_error() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    fill(&store, 200);
    drop(store);
    let good = fs::read(directory.path().join("store.db")).unwrap();
    for bad in
        [&good[..good.len() / 2], &good[..PAGE], &good[..100], b"not a database, only a text of some length"]
    {
        let copy = TempDir::new().unwrap();
        fs::write(copy.path().join("store.db"), bad).unwrap();
        let reason = use_all(copy.path()).unwrap();
        assert!(is_damage(&reason), "{} bytes: {reason:?}", bad.len());
    }
}
