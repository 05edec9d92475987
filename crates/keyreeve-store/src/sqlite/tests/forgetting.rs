//! What rows held that are gone is in none of the files, and nobody waits while it is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use futures_util::FutureExt;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{commit, fill, get, on_writer, open};
use crate::conformance::{block_on, id, path};
use crate::sqlite::SqliteStore;
use crate::{Commit, Store};

/// A value that can be told from every other in each eight bytes of it.
fn value(number: u32, len: usize) -> Vec<u8> {
    let [a, b, c, d] = number.to_be_bytes();
    [0xd5, 0xe1, a, b, c, d, 0xe1, 0xd5].into_iter().cycle().take(len).collect()
}

/// The numbers of the values of which at least fifteen bytes lie somewhere in the files of a store.
fn found(directory: &Path) -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let marked = bytes.windows(8).filter(|at| at[..2] == [0xd5, 0xe1] && at[6..] == [0xe1, 0xd5]);
        numbers.extend(marked.map(|at| u32::from_be_bytes(at[2..6].try_into().unwrap())));
    }
    numbers
}

struct Churn {
    seed: u64,
    number: u32,
    rows: u64,
    alive: BTreeMap<u64, u32>,
}

impl Churn {
    fn next(&mut self, limit: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % limit
    }

    /// Puts, replaces and deletes rows of every size.
    fn run(&mut self, store: &SqliteStore, commits: u32) {
        const SIZES: [usize; 8] = [30, 60, 200, 300, 800, 1_500, 3_000, 9_000];
        for _ in 0..commits {
            let mut commit = Commit::new(id(u64::from(self.number) + 1));
            let mut taken = BTreeSet::new();
            for _ in 0..30 {
                let row = self.next(self.rows);
                if !taken.insert(row) {
                    continue;
                }
                self.number += 1;
                let place = path(&format!("churn/{row:05}"));
                if self.next(4) == 0 {
                    self.alive.remove(&row);
                    commit = commit.delete(place);
                } else {
                    let size = SIZES[self.next(8) as usize];
                    commit = commit.put(place, value(self.number, size));
                    self.alive.insert(row, self.number);
                }
            }
            block_on(store.commit(commit)).unwrap();
        }
    }

    /// The values that lie in the files and should not.
    fn residues(&self, directory: &Path) -> usize {
        let alive: BTreeSet<u32> = self.alive.values().copied().collect();
        let found = found(directory);
        assert!(found.is_superset(&alive));
        found.difference(&alive).count()
    }
}

#[test]
fn values_of_deleted_and_replaced_rows_are_in_no_file_afterwards() {
    let mut left_by_secure_delete = 0;
    for seed in 1..=2 {
        let directory = TempDir::new().unwrap();
        let store = open(directory.path());
        let mut churn = Churn { seed, number: 0, rows: 500, alive: BTreeMap::new() };
        churn.run(&store, 120);
        // Not so before: the log holds most of them, and the pages of the database some.
        assert!(churn.residues(directory.path()) > 100);
        on_writer(&store, |writer| super::super::writer::move_all(writer.link.ready().unwrap()).unwrap());
        left_by_secure_delete += churn.residues(directory.path());
        block_on(store.forget_deleted()).unwrap();
        assert_eq!(churn.residues(directory.path()), 0, "seed {seed}");
        // Again, on pages that were cleaned.
        churn.run(&store, 20);
        block_on(store.forget_deleted()).unwrap();
        assert_eq!(churn.residues(directory.path()), 0, "seed {seed}");
        for (row, number) in churn.alive.clone() {
            let row =
                block_on(store.get(&[path(&format!("churn/{row:05}"))])).unwrap().rows.remove(0).unwrap();
            assert_eq!(row.value, value(number, row.value.len()));
        }
        drop(store);
        assert_eq!(
            super::super::verify(&directory.path().join("store.db")).unwrap().rows,
            churn.alive.len() as u64
        );
        assert_eq!(churn.residues(directory.path()), 0);
    }
    assert!(left_by_secure_delete > 0, "secure_delete alone would do");
}

#[test]
fn a_page_whose_row_goes_before_it_is_cleaned_is_looked_at_again() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    // Few enough pages for one turn.
    let mut churn = Churn { seed: 3, number: 0, rows: 100, alive: BTreeMap::new() };
    churn.run(&store, 60);
    on_writer(&store, |writer| {
        super::super::writer::move_all(writer.link.ready().unwrap()).unwrap();
        writer.fault.rows_vanish = true;
    });
    block_on(store.forget_deleted()).unwrap();
    assert!(on_writer(&store, |writer| !writer.fault.rows_vanish));
    let rows = churn.alive.len();
    churn.alive.retain(|row, _| {
        let place = [path(&format!("churn/{row:05}"))];
        block_on(store.get(&place)).unwrap().rows.remove(0).is_some()
    });
    assert!(churn.alive.len() < rows);
    assert_eq!(churn.residues(directory.path()), 0);
}

#[test]
fn a_reader_of_what_was_deleted_holds_it_up_and_nobody_else() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    fill(&store, 50);
    let reader = Connection::open(directory.path().join("store.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM row").unwrap();
    block_on(store.commit(Commit::new(id(90)).put(path("7"), value(7, 100)))).unwrap();
    block_on(store.commit(Commit::new(id(91)).delete(path("7")))).unwrap();
    let mut forgotten = store.forget_deleted();
    assert!(block_on(async { (&mut forgotten).now_or_never() }).is_none());
    for number in 100..130 {
        commit(&store, number).unwrap();
        assert!(get(&store, number).is_some());
    }
    assert!(block_on(async { (&mut forgotten).now_or_never() }).is_none());
    assert!(found(directory.path()).contains(&7));
    reader.execute_batch("COMMIT").unwrap();
    block_on(forgotten).unwrap();
    assert!(!found(directory.path()).contains(&7));
}

#[test]
fn a_request_that_nobody_waits_for_and_one_that_comes_meanwhile_are_done_too() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    fill(&store, 300);
    block_on(async { store.forget_deleted().now_or_never() });
    block_on(store.commit(Commit::new(id(900)).put(path("late"), value(8, 500)))).unwrap();
    block_on(store.commit(Commit::new(id(901)).delete(path("late")))).unwrap();
    block_on(store.forget_deleted()).unwrap();
    assert_eq!(found(directory.path()), BTreeSet::new());
}

#[test]
fn a_commit_that_fails_while_a_page_is_cleaned_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let mut churn = Churn { seed: 1, number: 0, rows: 500, alive: BTreeMap::new() };
    churn.run(&store, 120);
    on_writer(&store, |writer| {
        super::super::writer::move_all(writer.link.ready().unwrap()).unwrap();
        writer.fault.after_commit = true;
    });
    block_on(store.forget_deleted()).unwrap();
    assert_eq!(churn.residues(directory.path()), 0);
    commit(&store, 4_000_000_000).unwrap();
    assert!(get(&store, 4_000_000_000).is_some());
}
