//! Rules of limits: at the limit a commit succeeds, one past it nothing happens.

use super::{id, on_every_engine, path};
use crate::{
    Commit, CommitError, Excess, Expect, MAX_COMMIT_BYTES, MAX_GET_PATHS, MAX_OPERATIONS, MAX_PATH_BYTES,
    MAX_VALUE_BYTES, Path, StoreError,
};

/// A third each of checks, puts and deletes.
fn with_operations(count: usize) -> Commit {
    (0..count).fold(Commit::new(id(1)), |commit, number| match number % 3 {
        0 => commit.check(path(&format!("check/{number}")), Expect::Absent),
        1 => commit.put(path(&format!("put/{number}")), "1"),
        _ => commit.delete(path(&format!("delete/{number}"))),
    })
}

/// Two puts that together have so many bytes.
fn with_bytes(count: usize) -> Commit {
    let rest = count - MAX_VALUE_BYTES - 2;
    Commit::new(id(1))
        .put(path("a"), vec![1; MAX_VALUE_BYTES])
        .put(path("b"), vec![2; rest - 4])
        .delete(path("gone"))
}

#[test]
fn a_commit_over_a_limit_is_refused_and_one_at_the_limit_is_not() {
    let value = |bytes: usize| Commit::new(id(1)).put(path("a"), vec![0; bytes]);
    let table = [
        (with_operations(MAX_OPERATIONS), None),
        (with_operations(MAX_OPERATIONS + 1), Some(Excess::Operations(97))),
        (value(MAX_VALUE_BYTES), None),
        (value(MAX_VALUE_BYTES + 1), Some(Excess::ValueBytes(262_145))),
        (with_bytes(MAX_COMMIT_BYTES), None),
        (with_bytes(MAX_COMMIT_BYTES + 1), Some(Excess::CommitBytes(524_289))),
    ];
    for (commit, excess) in table {
        on_every_engine(async |store| {
            let outcome = store.commit(commit.clone()).await;
            assert_eq!(outcome.clone().err(), excess.map(|excess| CommitError::TooLarge { excess }));
            assert_eq!(store.committed(id(1)).await, Ok(excess.is_none()));
            let page = store.scan("", None, 1).await.unwrap();
            assert_eq!(page.rows.is_empty(), excess.is_some());
        });
    }
}

#[test]
fn a_commit_that_writes_a_row_twice_is_refused() {
    let twice = [
        Commit::new(id(1)).put(path("a"), "1").put(path("b"), "1").put(path("a"), "1"),
        Commit::new(id(1)).put(path("a"), "1").delete(path("a")),
        Commit::new(id(1)).delete(path("a")).delete(path("a")),
    ];
    for commit in twice {
        on_every_engine(async |store| {
            let outcome = store.commit(commit.clone()).await;
            assert_eq!(outcome, Err(CommitError::WrittenTwice { path: path("a") }));
            assert_eq!(store.committed(id(1)).await, Ok(false));
        });
    }
}

#[test]
fn one_get_asks_for_a_bounded_number_of_paths() {
    on_every_engine(async |store| {
        let paths: Vec<Path> = (0..=MAX_GET_PATHS).map(|number| path(&number.to_string())).collect();
        assert_eq!(store.get(&paths[1..]).await.unwrap().rows.len(), MAX_GET_PATHS);
        assert_eq!(store.get(&paths).await, Err(StoreError::TooManyPaths { count: 97 }));
    });
}

#[test]
fn the_longest_path_is_a_row_like_any_other() {
    on_every_engine(async |store| {
        let longest = path(&"~".repeat(MAX_PATH_BYTES));
        store.commit(Commit::new(id(1)).put(longest.clone(), "1")).await.unwrap();
        assert_eq!(store.scan("~~~", None, 1).await.unwrap().rows[0].0, longest);
        assert_eq!(store.scan("", Some(&longest), 1).await.unwrap().rows, []);
    });
}
