//! Rules of `scan`: bytewise order, bytewise prefixes, pages.

use super::{id, on_every_engine, path};
use crate::{Commit, MAX_PAGE_ROWS, Page, Store};

const ROWS: [&str; 8] = ["A", "a", "a.b", "a/", "a/b", "a/b/c", "a0", "b"];

async fn filled(store: &dyn Store) {
    // Written in another order than they are read.
    let commit = ROWS.iter().rev().fold(Commit::new(id(1)), |commit, row| commit.put(path(row), *row));
    store.commit(commit).await.unwrap();
}

fn paths(page: &Page) -> Vec<&str> {
    page.rows.iter().map(|(path, _)| path.as_str()).collect()
}

#[test]
fn a_scan_finds_exactly_the_paths_with_the_prefix_after_the_given_one() {
    let table: [(&str, Option<&str>, &[&str]); 16] = [
        ("", None, &ROWS),
        ("a", None, &["a", "a.b", "a/", "a/b", "a/b/c", "a0"]),
        ("a/", None, &["a/", "a/b", "a/b/c"]),
        ("a/b", None, &["a/b", "a/b/c"]),
        ("a0", None, &["a0"]),
        ("a1", None, &[]),
        ("~", None, &[]),
        ("é", None, &[]),
        ("\u{10ffff}", None, &[]),
        ("", Some("a/b"), &["a/b/c", "a0", "b"]),
        ("a/", Some("A"), &["a/", "a/b", "a/b/c"]),
        ("a/", Some("a/"), &["a/b", "a/b/c"]),
        ("a/", Some("a/a"), &["a/b", "a/b/c"]),
        ("a/", Some("a/b"), &["a/b/c"]),
        ("a/", Some("a0"), &[]),
        ("", Some("b"), &[]),
    ];
    on_every_engine(async |store| {
        filled(store).await;
        for (prefix, after, expected) in table {
            let page = store.scan(prefix, after.map(path).as_ref(), 100).await.unwrap();
            assert_eq!(paths(&page), expected, "{prefix:?} after {after:?}");
            assert!(!page.more);
            assert!(page.rows.iter().all(|(path, row)| row.value == path.as_str()));
        }
    });
}

#[test]
fn pages_together_are_the_whole_scan() {
    on_every_engine(async |store| {
        filled(store).await;
        for limit in 1..=9 {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.scan("a", after.as_ref(), limit).await.unwrap();
                assert!(page.rows.len() == limit || !page.more);
                found.extend(page.rows.into_iter().map(|(path, _)| path));
                if !page.more {
                    break;
                }
                after = found.last().cloned();
            }
            assert_eq!(found, ROWS[1..7].iter().map(|row| path(row)).collect::<Vec<_>>(), "limit {limit}");
        }
    });
}

#[test]
fn more_is_false_when_a_full_page_is_the_last() {
    on_every_engine(async |store| {
        filled(store).await;
        let full = store.scan("a/", None, 3).await.unwrap();
        assert_eq!((full.rows.len(), full.more), (3, false));
        let short = store.scan("a/", None, 2).await.unwrap();
        assert_eq!((short.rows.len(), short.more), (2, true));
    });
}

#[test]
fn a_limit_outside_its_range_is_read_as_the_nearest() {
    on_every_engine(async |store| {
        for batch in 0..11 {
            let commit = (0..95).fold(Commit::new(id(batch)), |commit, number| {
                commit.put(path(&format!("{batch:02}/{number:02}")), "")
            });
            store.commit(commit).await.unwrap();
        }
        for (limit, rows) in [(0, 1), (usize::MAX, MAX_PAGE_ROWS)] {
            let page = store.scan("", None, limit).await.unwrap();
            assert_eq!((page.rows.len(), page.more), (rows, true));
        }
    });
}

#[test]
fn a_page_of_large_values_ends_early() {
    on_every_engine(async |store| {
        for number in 0..18 {
            let commit = Commit::new(id(number)).put(path(&format!("{number:02}")), vec![0; 256 * 1024]);
            store.commit(commit).await.unwrap();
        }
        let page = store.scan("", None, 100).await.unwrap();
        assert_eq!((page.rows.len(), page.more), (16, true));
        let page = store.scan("", Some(&path("15")), 100).await.unwrap();
        assert_eq!((page.rows.len(), page.more), (2, false));
    });
}
