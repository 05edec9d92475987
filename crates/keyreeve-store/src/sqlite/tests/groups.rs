//! Group commit: commits that wait together share a transaction, and nothing else.

use std::sync::mpsc::channel;

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use tempfile::TempDir;

use super::{Job, commit, get, open, sql};
use crate::conformance::{block_on, id, path};
use crate::sqlite::SqliteStore;
use crate::{Commit, CommitError, Expect, Reason, Revision, Store};

/// Commits all at once, so that the writer finds them as one group.
fn together(store: &SqliteStore, commits: Vec<Commit>) -> Vec<Result<Revision, CommitError>> {
    let (release, wait) = channel::<()>();
    store.send(Job::Test(Box::new(move |_| wait.recv().unwrap()))).unwrap();
    let commits = join_all(commits.into_iter().map(|commit| store.commit(commit)));
    block_on(join(commits, async { release.send(()).unwrap() })).0
}

#[test]
fn a_conflict_does_not_hurt_its_neighbours_and_a_commit_sees_those_before_it() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let answers = together(
        &store,
        vec![
            Commit::new(id(1)).put(path("a"), "1"),
            Commit::new(id(2)).check(path("a"), Expect::Absent).put(path("lost"), "1"),
            Commit::new(id(3)).check(path("a"), Expect::Revision(Revision(1))).put(path("b"), "1"),
            Commit::new(id(1)).put(path("a"), "1"),
        ],
    );
    assert_eq!(answers, [Ok(Revision(1)), Err(CommitError::Conflict), Ok(Revision(2)), Ok(Revision(1))]);
    let rows = block_on(store.get(&["a", "lost", "b"].map(path))).unwrap().rows;
    assert_eq!(rows.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn a_commit_that_fills_the_disk_does_not_hurt_its_neighbours() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let large = |number: u64| Commit::new(id(number)).put(path(&format!("large/{number}")), vec![1; 250_000]);
    block_on(store.commit(large(1))).unwrap();
    sql(&store, "PRAGMA max_page_count = 1");
    let delete = Commit::new(id(3)).delete(path("large/1"));
    let answers = together(&store, vec![large(2), delete, large(4), large(5)]);
    let full = || {
        Err(CommitError::Unavailable { reason: Reason::DiskFull { path: directory.path().join("store.db") } })
    };
    assert_eq!(answers, [full(), Ok(Revision(2)), Ok(Revision(3)), full()]);
    assert_eq!(
        [2, 3, 4, 5].map(|number| block_on(store.committed(id(number))).unwrap()),
        [false, true, true, false]
    );
}

#[test]
fn a_commit_whose_caller_left_is_settled_by_committed() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let (release, wait) = channel::<()>();
    store.send(Job::Test(Box::new(move |_| wait.recv().unwrap()))).unwrap();
    block_on(async {
        let mut commit = store.commit(Commit::new(id(1)).put(path("1"), "1"));
        assert_eq!((&mut commit).now_or_never(), None);
        drop(commit);
        // Asked while the commit still waits: the answer must not be "no" and then become "yes".
        let (known, ()) = join(store.committed(id(1)), async { release.send(()).unwrap() }).await;
        assert_eq!(known, Ok(true));
    });
    assert!(get(&store, 1).is_some());
}

#[test]
fn dropping_the_store_finishes_what_was_handed_over() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let (release, wait) = channel::<()>();
    store.send(Job::Test(Box::new(move |_| wait.recv().unwrap()))).unwrap();
    block_on(async {
        let mut commit = store.commit(Commit::new(id(1)).put(path("1"), "1"));
        assert_eq!((&mut commit).now_or_never(), None);
    });
    release.send(()).unwrap();
    drop(store);
    let store = open(directory.path());
    assert!(get(&store, 1).is_some());
    assert_eq!(commit(&store, 2), Ok(Revision(2)));
}
