//! Disks that fail while a store is served: clear errors, no loss, and recovery once the cause is gone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use tempfile::TempDir;

use super::{commit, fill, get, on_writer, open, sql};
use crate::conformance::{block_on, id, path};
use crate::sqlite::SqliteStore;
use crate::sqlite::fault::Fault;
use crate::sqlite::reason;
use crate::{Change, ChangeItem, Commit, CommitError, Reason, Revision, Store, StoreError};

struct Served {
    parent: TempDir,
    store: SqliteStore,
}

impl Served {
    /// A store with rows 1 to 3.
    fn new() -> Self {
        let parent = TempDir::new().unwrap();
        let store = open(&parent.path().join("store"));
        fill(&store, 3);
        Self { parent, store }
    }

    fn directory(&self) -> PathBuf {
        self.parent.path().join("store")
    }

    fn aside(&self) -> PathBuf {
        self.parent.path().join("aside")
    }

    fn plant(&self, fault: Fault) {
        on_writer(&self.store, move |writer| writer.fault = fault);
    }

    fn heal(&self, connection: Connection) {
        on_writer(&self.store, move |writer| {
            writer.fault = Fault::default();
            match connection {
                Connection::Kept => {}
                Connection::Lost => writer.link.close(),
            }
        });
    }

    fn read(&self) -> Result<usize, StoreError> {
        block_on(self.store.scan("", None, 100)).map(|page| page.rows.len())
    }
}

fn refused(reason: Reason) -> Result<Revision, CommitError> {
    Err(CommitError::Unavailable { reason })
}

#[test]
fn a_full_disk_refuses_writes_and_recovers_by_itself() {
    let served = Served::new();
    sql(&served.store, "PRAGMA max_page_count = 1");
    let large = || served.store.commit(Commit::new(id(9)).put(path("large"), vec![0; 200_000]));
    let reason = Reason::DiskFull { path: served.directory().join("store.db") };
    for _ in 0..3 {
        assert_eq!(block_on(large()), refused(reason.clone()));
        assert_eq!(block_on(served.store.committed(id(9))), Ok(false));
        assert_eq!(served.read(), Ok(3));
    }
    sql(&served.store, "PRAGMA max_page_count = 1000000");
    assert_eq!(block_on(large()), Ok(Revision(4)));
    assert_eq!(served.read(), Ok(4));
}

#[test]
fn a_read_only_database_refuses_writes_and_recovers_by_itself() {
    let served = Served::new();
    sql(&served.store, "PRAGMA query_only = ON");
    let reason = Reason::ReadOnly { path: served.directory().join("store.db") };
    assert_eq!(commit(&served.store, 4), refused(reason));
    assert_eq!(served.read(), Ok(3));
    // The failed connection was given up, and the next one may write.
    assert_eq!(commit(&served.store, 4), Ok(Revision(4)));
}

#[test]
fn a_vanished_directory_is_not_made_anew_and_serves_again_once_it_is_back() {
    let served = Served::new();
    fs::rename(served.directory(), served.aside()).unwrap();
    let reason = Reason::Vanished { path: served.directory().join("store.db") };
    assert_eq!(commit(&served.store, 4), refused(reason.clone()));
    assert_eq!(served.read(), Err(StoreError::Unavailable { reason: reason.clone() }));
    assert_eq!(block_on(served.store.committed(id(1))), Err(StoreError::Unavailable { reason }));
    assert!(!served.directory().exists());
    fs::rename(served.aside(), served.directory()).unwrap();
    assert_eq!(commit(&served.store, 4), Ok(Revision(4)));
    assert_eq!(served.read(), Ok(4));
}

#[test]
fn a_store_that_stops_while_its_directory_is_away_loses_nothing() {
    let Served { parent, store } = Served::new();
    let (directory, aside) = (parent.path().join("store"), parent.path().join("aside"));
    fs::rename(&directory, &aside).unwrap();
    drop(store);
    let store = open(&aside);
    assert!((1..=3).all(|number| get(&store, number).is_some()));
}

#[test]
fn a_vanished_log_is_noticed() {
    let served = Served::new();
    let log = served.directory().join("store.db-wal");
    fs::rename(&log, served.aside()).unwrap();
    assert_eq!(commit(&served.store, 4), refused(Reason::Vanished { path: log.clone() }));
    fs::rename(served.aside(), &log).unwrap();
    assert_eq!(commit(&served.store, 4), Ok(Revision(4)));
}

fn copy_store(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for name in ["store.db", "store.db-wal"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn neither_another_store_nor_an_older_copy_is_served_in_its_place() {
    let served = Served::new();
    let (other, older) = (served.parent.path().join("other"), served.parent.path().join("older"));
    let stranger = open(&other);
    fill(&stranger, 9);
    drop(stranger);
    copy_store(&served.directory(), &older);
    commit(&served.store, 4).unwrap();
    fs::rename(served.directory(), served.aside()).unwrap();
    let reason = Reason::Replaced { path: served.directory().join("store.db") };
    for wrong in [other, older] {
        fs::rename(&wrong, served.directory()).unwrap();
        fs::write(served.directory().join("LOCK"), "").unwrap();
        assert_eq!(commit(&served.store, 5), refused(reason.clone()));
        assert_eq!(served.read(), Err(StoreError::Unavailable { reason: reason.clone() }));
        fs::rename(served.directory(), &wrong).unwrap();
        assert!(get(&open(&wrong), 3).is_some());
    }
    fs::rename(served.aside(), served.directory()).unwrap();
    assert_eq!(commit(&served.store, 5), Ok(Revision(5)));
    assert_eq!(served.read(), Ok(5));
}

#[test]
fn a_current_copy_is_served_in_its_place() {
    let served = Served::new();
    let copy = served.parent.path().join("copy");
    copy_store(&served.directory(), &copy);
    fs::rename(served.directory(), served.aside()).unwrap();
    fs::rename(&copy, served.directory()).unwrap();
    fs::write(served.directory().join("LOCK"), "").unwrap();
    assert_eq!(commit(&served.store, 4), Ok(Revision(4)));
    assert_eq!(served.read(), Ok(4));
}

/// What becomes of the writer's connection before a failed COMMIT is settled.
#[derive(Clone, Copy)]
enum Connection {
    Kept,
    Lost,
}

/// Where the COMMIT fails; whether it is settled at once, and to what; what becomes of the connection.
#[test]
fn a_failed_commit_is_settled_and_its_answer_never_changes() {
    let before = || Fault { before_commit: true, ..Fault::default() };
    let after = || Fault { after_commit: true, ..Fault::default() };
    let table = [
        (before(), Some(false), Connection::Kept),
        (after(), Some(true), Connection::Kept),
        (Fault { then_away: true, ..before() }, None, Connection::Kept),
        (Fault { then_away: true, ..after() }, None, Connection::Kept),
        (Fault { then_away: true, ..before() }, None, Connection::Lost),
        (Fault { then_away: true, ..after() }, None, Connection::Lost),
    ];
    for (fault, known, connection) in table {
        let applied = fault.after_commit;
        let served = Served::new();
        let mut changes = served.store.changes(Revision(3));
        served.plant(fault);
        let outcome = commit(&served.store, 4);
        match known {
            Some(true) => assert_eq!(outcome, Ok(Revision(4))),
            Some(false) => {
                assert!(matches!(outcome, Err(CommitError::Unavailable { reason: Reason::Io { .. } })))
            }
            None => {
                assert!(matches!(outcome, Err(CommitError::Unknown { reason: Reason::Io { .. } })));
                // Nobody is told a guess, nothing is written on top of it, and nobody reads it.
                assert!(block_on(served.store.committed(id(4))).is_err());
                assert!(matches!(commit(&served.store, 5), Err(CommitError::Unavailable { .. })));
                let path = served.directory().join("store.db");
                let unsettled = Err(StoreError::Unavailable { reason: Reason::Unsettled { path } });
                assert_eq!(served.read(), if applied { unsettled } else { Ok(3) });
                served.heal(connection);
            }
        }
        assert_eq!(block_on(served.store.committed(id(4))), Ok(applied));
        assert_eq!(get(&served.store, 4).is_some(), applied);
        let next = commit(&served.store, 6).unwrap();
        assert_eq!(next, Revision(if applied { 5 } else { 4 }));
        let expected: Vec<_> = if applied { vec!["4", "6"] } else { vec!["6"] };
        assert_eq!(block_on(put_paths(&mut changes, next)), expected);
    }
}

async fn put_paths(changes: &mut (impl StreamExt<Item = ChangeItem> + Unpin), end: Revision) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        match changes.next().await.unwrap() {
            ChangeItem::Changed(Change::Put { path, .. }) => found.push(path.to_string()),
            ChangeItem::Progress(revision) if revision >= end => return found,
            ChangeItem::Progress(_) => {}
            ended @ (ChangeItem::Changed(Change::Delete { .. })
            | ChangeItem::Resync
            | ChangeItem::Failed(_)) => {
                panic!("{ended:?}")
            }
        }
    }
}

#[test]
fn what_clients_see_names_no_file_and_no_cause() {
    let reason = Reason::DiskFull { path: "/secret/place".into() };
    let texts = [
        StoreError::Unavailable { reason: reason.clone() }.to_string(),
        CommitError::Unavailable { reason: reason.clone() }.to_string(),
        CommitError::Unknown { reason: reason.clone() }.to_string(),
    ];
    assert!(texts.iter().all(|text| !text.contains("secret") && !text.contains("space")));
    assert!(reason.to_string().contains("/secret/place"));
}

#[test]
fn system_errors_have_an_operators_meaning() {
    let path = Path::new("/x");
    let table = [
        (28, Reason::DiskFull { path: path.into() }),
        (30, Reason::ReadOnly { path: path.into() }),
        (13, Reason::ReadOnly { path: path.into() }),
        (2, Reason::Vanished { path: path.into() }),
        (5, Reason::Io { path: path.into(), code: 5 }),
    ];
    for (number, expected) in table {
        assert_eq!(reason::system(&io::Error::from_raw_os_error(number), path), expected);
    }
}
