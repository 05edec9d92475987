//! Rules of `get`, `commit` and `committed`.

use futures_util::future::join_all;

use super::{id, on_every_engine, path};
use crate::{Commit, CommitError, Expect, Revision};

#[test]
fn an_empty_store_is_at_revision_0_and_has_no_rows() {
    on_every_engine(async |store| {
        let snapshot = store.get(&[path("a")]).await.unwrap();
        assert_eq!((snapshot.rows, snapshot.revision), (vec![None], Revision(0)));
        let page = store.scan("", None, 10).await.unwrap();
        assert_eq!((page.rows.len(), page.more, page.revision), (0, false, Revision(0)));
        assert_eq!(store.get(&[]).await.unwrap().rows, []);
    });
}

#[test]
fn get_answers_in_the_order_asked_with_the_revision_of_each_write() {
    on_every_engine(async |store| {
        let first = store.commit(Commit::new(id(1)).put(path("a"), "1").put(path("b"), "2")).await.unwrap();
        let second = store.commit(Commit::new(id(2)).put(path("b"), "")).await.unwrap();
        assert!(second > first && first > Revision(0));
        let snapshot = store.get(&[path("b"), path("x"), path("a"), path("b")]).await.unwrap();
        let rows: Vec<_> =
            snapshot.rows.into_iter().map(|row| row.map(|row| (row.value, row.revision))).collect();
        let b = Some(("".into(), second));
        assert_eq!(rows, [b.clone(), None, Some(("1".into(), first)), b]);
        assert_eq!(snapshot.revision, second);
    });
}

#[test]
fn every_commit_moves_the_revision_even_without_operations() {
    on_every_engine(async |store| {
        let mut last = Revision(0);
        for number in 1..=3 {
            let revision = store.commit(Commit::new(id(number))).await.unwrap();
            assert!(revision > last);
            assert_eq!(store.get(&[]).await.unwrap().revision, revision);
            last = revision;
        }
    });
}

#[test]
fn a_value_keeps_all_its_bytes() {
    on_every_engine(async |store| {
        let value: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        store.commit(Commit::new(id(1)).put(path("a"), value.clone())).await.unwrap();
        let rows = store.get(&[path("a")]).await.unwrap().rows;
        assert_eq!(rows[0].as_ref().unwrap().value, value);
    });
}

#[test]
fn a_deleted_row_is_gone_and_may_come_back() {
    on_every_engine(async |store| {
        store.commit(Commit::new(id(1)).put(path("a"), "1")).await.unwrap();
        store.commit(Commit::new(id(2)).delete(path("a")).delete(path("never"))).await.unwrap();
        assert_eq!(store.get(&[path("a")]).await.unwrap().rows, [None]);
        let commit = Commit::new(id(3)).check(path("a"), Expect::Absent).put(path("a"), "2");
        let revision = store.commit(commit).await.unwrap();
        assert_eq!(store.get(&[path("a")]).await.unwrap().rows[0].as_ref().unwrap().revision, revision);
    });
}

#[test]
fn committed_tells_applied_commits_from_others() {
    on_every_engine(async |store| {
        store.commit(Commit::new(id(1))).await.unwrap();
        let conflict = Commit::new(id(2)).check(path("a"), Expect::Present);
        assert_eq!(store.commit(conflict).await, Err(CommitError::Conflict));
        let answers =
            [store.committed(id(1)).await, store.committed(id(2)).await, store.committed(id(3)).await];
        assert_eq!(answers, [Ok(true), Ok(false), Ok(false)]);
    });
}

#[test]
fn a_repeated_commit_is_applied_once_and_answered_alike() {
    on_every_engine(async |store| {
        let commit = Commit::new(id(1)).check(path("a"), Expect::Absent).put(path("a"), "1");
        let revision = store.commit(commit.clone()).await.unwrap();
        store.commit(Commit::new(id(2)).delete(path("a"))).await.unwrap();
        assert_eq!(store.commit(commit).await, Ok(revision));
        assert_eq!(store.get(&[path("a")]).await.unwrap().rows, [None]);
    });
}

#[test]
fn a_commit_that_is_never_awaited_does_not_happen() {
    on_every_engine(async |store| {
        drop(store.commit(Commit::new(id(1)).put(path("a"), "1")));
        assert_eq!(store.committed(id(1)).await, Ok(false));
        assert_eq!(store.get(&[path("a")]).await.unwrap().rows, [None]);
    });
}

#[test]
fn concurrent_increments_lose_no_update() {
    on_every_engine(async |store| {
        let increment = async |worker: u64| {
            for attempt in 0.. {
                let row = store.get(&[path("n")]).await.unwrap().rows.remove(0);
                let (expect, count) = row.map_or((Expect::Absent, 0), |row| {
                    let count: u64 = std::str::from_utf8(&row.value).unwrap().parse().unwrap();
                    (Expect::Revision(row.revision), count)
                });
                let commit = Commit::new(id(worker * 1_000 + attempt)).check(path("n"), expect);
                match store.commit(commit.put(path("n"), (count + 1).to_string())).await {
                    Ok(_) => return,
                    Err(error) => assert_eq!(error, CommitError::Conflict),
                }
            }
        };
        join_all((1..=20).map(increment)).await;
        let rows = store.get(&[path("n")]).await.unwrap().rows;
        assert_eq!(rows[0].as_ref().unwrap().value, "20");
    });
}

#[test]
fn forgetting_what_was_deleted_changes_no_row_and_no_history() {
    on_every_engine(async |store| {
        for number in 0..200_u64 {
            let place = path(&format!("row/{}", number % 40));
            let commit = Commit::new(id(number + 1));
            let commit = match number % 3 {
                0 => commit.delete(place),
                _ => commit.put(place, vec![7; 10 + 97 * (number as usize % 31)]),
            };
            store.commit(commit).await.unwrap();
        }
        let before = store.scan("", None, 1000).await.unwrap();
        let (first, second) = (store.forget_deleted().await, store.forget_deleted().await);
        assert_eq!((first, second), (Ok(()), Ok(())));
        assert_eq!(store.scan("", None, 1000).await.unwrap(), before);
        assert_eq!(store.committed(id(200)).await, Ok(true));
        store.commit(Commit::new(id(300)).put(path("later"), "1")).await.unwrap();
    });
}
