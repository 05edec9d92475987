//! Rules of `changes`: order, completeness, liveness, and when a follower must start over.

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::BoxStream;

use super::{id, on_every_engine, path};
use crate::{Change, ChangeItem, Commit, HISTORY_COMMITS, Revision, Store};

/// Changes as (path, value or none, revision), up to the progress to that revision.
async fn until(
    stream: &mut BoxStream<'_, ChangeItem>,
    end: Revision,
) -> Vec<(String, Option<String>, Revision)> {
    let mut found = Vec::new();
    loop {
        match stream.next().await.unwrap() {
            ChangeItem::Changed(Change::Put { path, row }) => {
                let value = String::from_utf8(row.value.to_vec()).unwrap();
                found.push((path.to_string(), Some(value), row.revision));
            }
            ChangeItem::Changed(Change::Delete { path, revision }) => {
                found.push((path.to_string(), None, revision))
            }
            ChangeItem::Progress(revision) if revision >= end => return found,
            ChangeItem::Progress(_) => {}
            ended @ (ChangeItem::Resync | ChangeItem::Failed(_)) => panic!("{ended:?}"),
        }
    }
}

fn put(path: &str, value: &str, revision: Revision) -> (String, Option<String>, Revision) {
    (path.to_owned(), Some(value.to_owned()), revision)
}

fn delete(path: &str, revision: Revision) -> (String, Option<String>, Revision) {
    (path.to_owned(), None, revision)
}

#[test]
fn the_changes_after_a_revision_come_in_the_order_of_commits() {
    on_every_engine(async |store| {
        let first = store.commit(Commit::new(id(1)).put(path("z"), "1").put(path("b"), "1")).await.unwrap();
        let second = store.commit(Commit::new(id(2)).put(path("a"), "2").delete(path("b"))).await.unwrap();
        let all = until(&mut store.changes(Revision(0)), second).await;
        assert_eq!(all, [put("z", "1", first), put("a", "2", second), delete("b", second)]);
        let rest = until(&mut store.changes(first), second).await;
        assert_eq!(rest, [put("a", "2", second), delete("b", second)]);
        assert_eq!(until(&mut store.changes(second), second).await, []);
    });
}

#[test]
fn a_follower_hears_of_commits_that_come_later() {
    on_every_engine(async |store| {
        let mut stream = store.changes(Revision(0));
        assert_eq!(until(&mut stream, Revision(0)).await, []);
        for number in 1..=3 {
            let commit = store.commit(Commit::new(id(number)).put(path("a"), number.to_string()));
            let (revision, found) = join(commit, until(&mut stream, Revision(number))).await;
            assert_eq!(found, [put("a", &number.to_string(), revision.unwrap())]);
        }
    });
}

#[test]
fn progress_comes_without_changes_too() {
    on_every_engine(async |store| {
        let revision = store.commit(Commit::new(id(1))).await.unwrap();
        let mut stream = store.changes(revision);
        for _ in 0..3 {
            assert_eq!(stream.next().await, Some(ChangeItem::Progress(revision)));
        }
    });
}

#[test]
fn the_latest_change_of_every_row_comes() {
    on_every_engine(async |store| {
        for number in 1..=5 {
            store.commit(Commit::new(id(number)).put(path("a"), number.to_string())).await.unwrap();
        }
        let gone = store.commit(Commit::new(id(6)).delete(path("a"))).await.unwrap();
        let back = store.commit(Commit::new(id(7)).put(path("a"), "back")).await.unwrap();
        let found = until(&mut store.changes(Revision(0)), back).await;
        assert!(found.ends_with(&[put("a", "back", back)]));
        assert!(found.iter().all(|(_, value, revision)| value.is_some() || *revision == gone));
    });
}

#[test]
fn deleting_an_absent_row_is_no_change() {
    on_every_engine(async |store| {
        let revision = store.commit(Commit::new(id(1)).delete(path("a"))).await.unwrap();
        assert_eq!(until(&mut store.changes(Revision(0)), revision).await, []);
    });
}

#[test]
fn a_revision_that_the_store_has_not_reached_demands_a_resync() {
    on_every_engine(async |store| {
        let revision = store.commit(Commit::new(id(1))).await.unwrap();
        for after in [Revision(revision.0 + 1), Revision(u64::MAX)] {
            let items: Vec<_> = store.changes(after).collect().await;
            assert_eq!(items, [ChangeItem::Resync]);
        }
    });
}

/// Fills the history beyond what must be remembered; concurrently, as the disk is slow.
async fn many_commits(store: &dyn Store, count: u64) -> Revision {
    let commits = (1..=count).map(|number| {
        store.commit(Commit::new(id(number)).put(path(&format!("row/{}", number % 100)), number.to_string()))
    });
    join_all(commits).await.into_iter().map(Result::unwrap).max().unwrap()
}

#[test]
fn the_newest_history_is_remembered_and_the_oldest_is_forgotten() {
    on_every_engine(async |store| {
        let head = many_commits(store, HISTORY_COMMITS + 600).await;
        let items: Vec<_> = store.changes(Revision(0)).collect().await;
        assert_eq!(items, [ChangeItem::Resync]);
        assert_eq!(store.committed(id(1)).await, Ok(false));
        assert_eq!(store.committed(id(HISTORY_COMMITS)).await, Ok(true));
        let found = until(&mut store.changes(Revision(head.0 - HISTORY_COMMITS)), head).await;
        assert_eq!(found.len(), 100);
    });
}

#[test]
fn a_long_history_is_delivered_whole() {
    on_every_engine(async |store| {
        let rows = |batch: u64| (0..50).map(move |number| path(&format!("{batch}/{number}")));
        for batch in 0..60 {
            let commit = rows(batch).fold(Commit::new(id(batch)), |commit, path| commit.put(path, "1"));
            store.commit(commit).await.unwrap();
        }
        let found = until(&mut store.changes(Revision(0)), Revision(60)).await;
        let expected: Vec<_> = (0..60).flat_map(rows).map(|path| path.to_string()).collect();
        assert_eq!(found.into_iter().map(|(path, _, _)| path).collect::<Vec<_>>(), expected);
    });
}
