//! What SQLite's engine promises beyond the interface: opening, failing, recovering, crashing, copying.

mod backups;
mod crash;
mod damage;
mod faults;
mod forgetting;
mod groups;
mod opening;

use std::path::Path;
use std::sync::mpsc::channel;

use super::writer::{Job, Writer};
use super::{OpenError, OpenOptions, SqliteStore};
use crate::conformance::{block_on, id, path};
use crate::{Commit, CommitError, Revision, Row, Store};

fn open(directory: &Path) -> SqliteStore {
    try_open(directory, true).unwrap()
}

fn try_open(directory: &Path, create: bool) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(OpenOptions { path: directory.to_owned(), create, kind: "test".to_owned() })
}

/// Commits one row that holds its own number.
fn commit(store: &SqliteStore, number: u64) -> Result<Revision, CommitError> {
    block_on(store.commit(Commit::new(id(number)).put(path(&number.to_string()), number.to_string())))
}

/// Commits the rows 1 to `last`.
fn fill(store: &SqliteStore, last: u64) {
    for number in 1..=last {
        commit(store, number).unwrap();
    }
}

fn get(store: &SqliteStore, number: u64) -> Option<Row> {
    block_on(store.get(&[path(&number.to_string())])).unwrap().rows.remove(0)
}

/// Does something on the writing thread, between two groups.
fn on_writer<T: Send + 'static>(
    store: &SqliteStore,
    work: impl FnOnce(&mut Writer) -> T + Send + 'static,
) -> T {
    let (reply, answer) = channel();
    let job = Job::Test(Box::new(move |writer| reply.send(work(writer)).unwrap()));
    store.send(job).unwrap();
    answer.recv().unwrap()
}

/// Runs SQL on the writer's connection.
fn sql(store: &SqliteStore, text: &'static str) {
    on_writer(store, move |writer| writer.link.ready().unwrap().execute_batch(text).unwrap());
}
