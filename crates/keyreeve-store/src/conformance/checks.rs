//! Rules of checks: what each demands, and that a commit whose check fails leaves no trace.

use super::{id, on_every_engine, path};
use crate::{Commit, CommitError, Expect, Revision};

#[test]
fn each_expectation_holds_exactly_where_it_should() {
    on_every_engine(async |store| {
        let old = store.commit(Commit::new(id(1)).put(path("row"), "1")).await.unwrap();
        let new = store.commit(Commit::new(id(2)).put(path("row"), "2")).await.unwrap();
        let table = [
            ("row", Expect::Absent, false),
            ("row", Expect::Present, true),
            ("row", Expect::Revision(new), true),
            ("row", Expect::Revision(old), false),
            ("row", Expect::Revision(Revision(new.0 + 1)), false),
            ("none", Expect::Absent, true),
            ("none", Expect::Present, false),
            ("none", Expect::Revision(new), false),
            ("none", Expect::Revision(Revision(0)), false),
            ("ro", Expect::Absent, true),
        ];
        for (number, (row, expect, holds)) in (10..).zip(table) {
            let outcome = store.commit(Commit::new(id(number)).check(path(row), expect)).await;
            assert_eq!(outcome.is_ok(), holds, "{row} {expect:?}");
            assert!(holds || outcome == Err(CommitError::Conflict));
        }
    });
}

#[test]
fn one_failed_check_undoes_the_whole_commit() {
    on_every_engine(async |store| {
        store.commit(Commit::new(id(1)).put(path("a"), "1").put(path("b"), "1")).await.unwrap();
        let before = store.scan("", None, 10).await.unwrap();
        let commit = Commit::new(id(2))
            .check(path("a"), Expect::Present)
            .check(path("c"), Expect::Present)
            .check(path("b"), Expect::Present)
            .put(path("a"), "2")
            .put(path("c"), "2")
            .delete(path("b"));
        assert_eq!(store.commit(commit).await, Err(CommitError::Conflict));
        assert_eq!(store.scan("", None, 10).await.unwrap(), before);
        assert_eq!(store.committed(id(2)).await, Ok(false));
    });
}

#[test]
fn checks_see_the_rows_before_the_commit() {
    on_every_engine(async |store| {
        let commit = Commit::new(id(1)).check(path("a"), Expect::Absent).put(path("a"), "1");
        let revision = store.commit(commit).await.unwrap();
        let commit = Commit::new(id(2)).check(path("a"), Expect::Revision(revision)).delete(path("a"));
        store.commit(commit.check(path("a"), Expect::Present)).await.unwrap();
        assert_eq!(store.get(&[path("a")]).await.unwrap().rows, [None]);
    });
}
