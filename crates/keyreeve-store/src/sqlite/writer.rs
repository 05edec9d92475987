//! The one thread that writes. It takes all commits that wait (a group), applies them in one SQLite
//! transaction and answers when that is durable.
//!
//! INVARIANT (decided): a commit that was answered as not applied never appears later. SQLite may leave a
//! whole transaction in its log when COMMIT fails (the last fsync, say), and would find it again after a
//! crash. So a doubtful commit is answered only when a later transaction was written over it, or when it is
//! found applied and durable; until then its outcome is Unknown, nothing else is written, and nobody reads
//! it.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::{error, warn};

use super::apply::{self, Applied};
use super::forget::Forgetting;
use super::link::Link;
use super::{read, schema};
use crate::error::{CommitError, Reason, StoreError};
use crate::feed::PROGRESS_INTERVAL;
use crate::store::{Commit, CommitId, Revision};

/// The most commits in a group: a full one takes a few milliseconds.
const MAX_GROUP: usize = 128;
/// A group also ends with the commit that brings it to this many bytes.
const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// A checkpoint follows about this many bytes of commits.
const CHECKPOINT_BYTES: usize = 4 * 1024 * 1024;
/// What a small commit costs in the log at least: the pages that it touches.
const COMMIT_OVERHEAD: usize = 16 * 1024;

/// What the writer is asked for, in this order.
pub(super) enum Job {
    Commit(Pending),
    /// Behind the commits that were handed over before it, so that its answer is final.
    Committed(CommitId, oneshot::Sender<Result<bool, StoreError>>),
    /// Also what the commits before it deleted.
    Forget(oneshot::Sender<()>),
    #[cfg(test)]
    Test(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// A commit and whoever waits for it.
pub(super) struct Pending {
    pub(super) commit: Commit,
    pub(super) reply: oneshot::Sender<Result<Revision, CommitError>>,
    /// Bounds the commits that wait.
    pub(super) _place: OwnedSemaphorePermit,
}

/// How a group's transaction ended.
enum Outcome {
    Durable(Vec<Applied>),
    /// Nothing was written, for certain.
    Refused(Reason),
    /// COMMIT was sent and failed.
    Doubtful(Reason),
}

/// The writing thread's state.
pub(super) struct Writer {
    pub(super) link: Link,
    jobs: Receiver<Job>,
    last_beat: Instant,
    /// Bytes written since the last checkpoint, roughly.
    pub(super) unchecked: usize,
    /// The connection on which a COMMIT failed whose outcome is not settled yet.
    pub(super) doubt: Option<u64>,
    pub(super) forgetting: Forgetting,
    #[cfg(test)]
    pub(super) fault: super::fault::Fault,
}

impl Writer {
    pub(super) fn new(link: Link, jobs: Receiver<Job>) -> Self {
        Self {
            link,
            jobs,
            last_beat: Instant::now(),
            unchecked: 0,
            doubt: None,
            forgetting: Forgetting::default(),
            #[cfg(test)]
            fault: super::fault::Fault::default(),
        }
    }

    /// Works until nobody can ask any more, then leaves everything in the database file.
    pub(super) fn run(mut self) {
        loop {
            match self.jobs.recv_timeout(self.forgetting.pause(PROGRESS_INTERVAL)) {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) if self.forgetting.is_idle() => self.idle(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.forget();
            self.beat();
        }
        // No reader is left.
        if self.settled().is_ok() && !matches!(self.wipe(), Ok(Checkpoint::Whole)) {
            self.checkpoint("TRUNCATE");
        }
    }

    /// Does a job, together with the commits that already wait behind it.
    fn work(&mut self, first: Job) {
        let (mut group, mut bytes, mut next) = (Vec::new(), 0, Some(first));
        while let Some(Job::Commit(pending)) = next {
            bytes += pending.commit.bytes() + COMMIT_OVERHEAD;
            group.push(pending);
            let full = group.len() >= MAX_GROUP || bytes >= MAX_GROUP_BYTES;
            next = if full { None } else { self.jobs.try_recv().ok() };
        }
        if !group.is_empty() {
            self.group(group);
            self.unchecked += bytes;
            if self.unchecked >= CHECKPOINT_BYTES {
                self.checkpoint("PASSIVE");
            }
        }
        match next {
            Some(Job::Committed(id, reply)) => drop(reply.send(self.committed(id))),
            Some(Job::Forget(waiting)) => self.begin_forgetting(waiting),
            #[cfg(test)]
            Some(Job::Test(test)) => test(self),
            Some(Job::Commit(_)) | None => {}
        }
    }

    fn idle(&mut self) {
        if self.settled().is_ok() && self.unchecked > 0 {
            self.checkpoint("PASSIVE");
        }
    }

    /// Tells followers that the feed is alive, unless it is not.
    fn beat(&mut self) {
        if self.last_beat.elapsed() >= PROGRESS_INTERVAL && self.settled().is_ok() {
            self.last_beat = Instant::now();
            self.link.opened().head.send_modify(|_| ());
        }
    }

    fn group(&mut self, group: Vec<Pending>) {
        match self.attempt(&group) {
            Outcome::Durable(applied) => self.answer(group, &applied),
            // What is too much together may fit alone, and deletes fit always.
            Outcome::Refused(Reason::DiskFull { .. }) if group.len() > 1 => {
                group.into_iter().for_each(|pending| self.group(vec![pending]));
            }
            Outcome::Refused(reason) => {
                warn!(%reason, "commits refused");
                refuse(group, |_| Err(CommitError::Unavailable { reason: reason.clone() }));
            }
            Outcome::Doubtful(reason) => self.settle(group, reason),
        }
    }

    fn attempt(&mut self, group: &[Pending]) -> Outcome {
        let connection = match self.settled() {
            Ok(connection) => connection,
            Err(reason) => return Outcome::Refused(reason),
        };
        let applied = match write(connection, group) {
            Ok(applied) => applied,
            Err(error) => {
                roll_back(connection);
                return Outcome::Refused(self.link.failed(&error));
            }
        };
        if !applied.iter().any(|applied| matches!(applied, Applied::Now(_))) {
            roll_back(connection);
            return Outcome::Durable(applied);
        }
        match self.seal() {
            Ok(()) => Outcome::Durable(applied),
            Err(error) => {
                self.in_doubt();
                Outcome::Doubtful(self.link.meaning(&error))
            }
        }
    }

    /// Sends COMMIT.
    pub(super) fn seal(&mut self) -> rusqlite::Result<()> {
        // The transaction is open on this connection, so there is one.
        let Some(connection) = self.link.current() else { return Err(rusqlite::Error::InvalidQuery) };
        #[cfg(test)]
        self.fault.before(connection)?;
        connection.execute_batch("COMMIT")?;
        #[cfg(test)]
        self.fault.after()?;
        Ok(())
    }

    fn answer(&self, group: Vec<Pending>, applied: &[Applied]) {
        let newest = applied.iter().filter_map(|applied| match applied {
            Applied::Now(revision) => Some(*revision),
            Applied::Before(_) | Applied::Conflict => None,
        });
        if let Some(newest) = newest.max() {
            self.link.opened().head.send_replace(newest);
        }
        for (pending, applied) in group.into_iter().zip(applied) {
            let answer = match applied {
                Applied::Now(revision) | Applied::Before(revision) => Ok(*revision),
                Applied::Conflict => Err(CommitError::Conflict),
            };
            drop(pending.reply.send(answer));
        }
    }

    /// Finds out what became of a group whose COMMIT failed.
    fn settle(&mut self, group: Vec<Pending>, reason: Reason) {
        error!(%reason, "the outcome of a group of commits is in doubt");
        let found =
            self.settled().and_then(|connection| lookup(connection, &group).map_err(|_| reason.clone()));
        let Ok(found) = found else {
            return refuse(group, |_| Err(CommitError::Unknown { reason: reason.clone() }));
        };
        for (pending, found) in group.into_iter().zip(found) {
            // A conflict was seen against commits of its group that may not exist: it is in doubt as well.
            let answer = found.ok_or_else(|| CommitError::Unavailable { reason: reason.clone() });
            drop(pending.reply.send(answer));
        }
    }

    fn committed(&mut self, id: CommitId) -> Result<bool, StoreError> {
        let found = match self.settled() {
            Ok(connection) => read::committed(connection, id),
            Err(reason) => return Err(StoreError::Unavailable { reason }),
        };
        match found {
            Ok(revision) => Ok(revision.is_some()),
            Err(error) => Err(StoreError::Unavailable { reason: self.link.failed(&error) }),
        }
    }

    /// The connection, once no earlier COMMIT is in doubt.
    pub(super) fn settled(&mut self) -> Result<&mut Connection, Reason> {
        #[cfg(test)]
        self.fault.settle(self.link.opened().site.database())?;
        if let Some(generation) = self.doubt {
            self.link.ready()?;
            // On the connection of the failed COMMIT its pages are unknown to SQLite, and are written over.
            // Any other connection may have found them.
            let same = generation == self.link.generation();
            let connection = self.link.ready()?;
            let settled =
                overwrite(connection).and_then(|()| if same { Ok(()) } else { move_all(connection) });
            match settled.and_then(|()| schema::head(connection)) {
                // A commit that turns out to be applied is news to followers.
                Ok(head) => self.link.opened().head.send_replace(head),
                Err(error) => return Err(self.link.failed(&error)),
            };
            self.doubt = None;
            self.link.opened().doubtful.store(false, Ordering::SeqCst);
        }
        self.link.ready()
    }

    fn checkpoint(&mut self, mode: &str) {
        let Ok(connection) = self.link.ready() else { return };
        match checkpoint(connection, mode) {
            Ok(_) => self.unchecked = 0,
            // The commits are safe in the log; the next checkpoint tries again.
            Err(error) => warn!(reason = %self.link.failed(&error), "checkpoint failed"),
        }
    }
}

fn refuse(group: Vec<Pending>, answer: impl Fn(&Pending) -> Result<Revision, CommitError>) {
    for pending in group {
        let answer = answer(&pending);
        drop(pending.reply.send(answer));
    }
}

/// Applies a group inside a transaction that stays open.
fn write(connection: &Connection, group: &[Pending]) -> rusqlite::Result<Vec<Applied>> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let before = schema::head(connection)?;
    let mut head = before;
    let mut answers = Vec::with_capacity(group.len());
    for pending in group {
        let applied = apply::apply(connection, &pending.commit, head)?;
        if let Applied::Now(revision) = applied {
            head = revision;
        }
        answers.push(applied);
    }
    apply::trim(connection, before, head)?;
    Ok(answers)
}

pub(super) fn roll_back(connection: &Connection) {
    // Some failures have rolled back already.
    if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
        warn!("a transaction could not be rolled back; its connection is closed");
    }
}

/// Writes a transaction where a failed COMMIT left its own in the log.
pub(super) fn overwrite(connection: &Connection) -> rusqlite::Result<()> {
    roll_back(connection);
    connection
        .execute_batch("BEGIN IMMEDIATE; UPDATE meta SET value = value + 1 WHERE name = 'settled'; COMMIT")
}

/// Moves the whole log into the database file. A log whose fsync failed may be in the page cache only, and
/// fsync does not try its pages again: the database file gets fresh copies.
pub(super) fn move_all(connection: &Connection) -> rusqlite::Result<()> {
    match checkpoint(connection, "TRUNCATE")? {
        Checkpoint::Whole => Ok(()),
        Checkpoint::Partial => {
            Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None))
        }
    }
}

fn lookup(connection: &Connection, group: &[Pending]) -> rusqlite::Result<Vec<Option<Revision>>> {
    group.iter().map(|pending| read::committed(connection, pending.commit.id)).collect()
}

/// How much of the log a checkpoint moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checkpoint {
    Whole,
    /// Readers still use the rest.
    Partial,
}

pub(super) fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Checkpoint> {
    let busy = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), (), |row| row.get(0))?;
    Ok(if busy { Checkpoint::Partial } else { Checkpoint::Whole })
}
