//! The engines under test, and what the rules need to speak briefly.

use std::future::Future;

use tempfile::TempDir;

use crate::{CommitId, MemoryStore, OpenOptions, Path, SqliteStore, Store};

/// One fresh store of each engine.
pub(super) struct Engines {
    pub(super) stores: Vec<(&'static str, Box<dyn Store>)>,
    _directory: TempDir,
}

pub(super) fn engines() -> Engines {
    let directory = TempDir::new().unwrap();
    let options = OpenOptions { path: directory.path().join("store"), create: true, kind: "test".to_owned() };
    let stores: Vec<(_, Box<dyn Store>)> = vec![
        ("memory", Box::new(MemoryStore::new())),
        ("sqlite", Box::new(SqliteStore::open(options).unwrap())),
    ];
    Engines { stores, _directory: directory }
}

/// Runs a rule on a fresh store of every engine.
pub(crate) fn on_every_engine(rule: impl AsyncFn(&dyn Store)) {
    for (name, store) in &engines().stores {
        println!("engine: {name}");
        block_on(rule(store.as_ref()));
    }
}

/// Waits for a future on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A path that is known to be one.
pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// The commit id of a number.
pub(crate) fn id(number: u64) -> CommitId {
    CommitId::new(u128::from(number).to_be_bytes())
}
