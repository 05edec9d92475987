//! One connection to the database that comes back after failures, and never to the wrong database.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

use super::reason;
use super::schema::{self, Label, LabelError};
use super::site::{Identity, Lock, LockError, Site};
use crate::error::Reason;
use crate::store::Revision;

/// How long SQLite waits for a lock that another program holds on the database.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// For every connection. `synchronous=FULL`: with NORMAL, a log in WAL mode may lose acknowledged commits in
/// a power cut. Checkpoints are the writer's, at its own time. <https://www.sqlite.org/pragma.html>
const PRAGMAS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -8192;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader,
}

/// What every connection to one open store shares.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) site: Site,
    pub(super) lock: Mutex<Lock>,
    pub(super) label: Label,
    /// The newest acknowledged commit. A database that knows less is an older copy.
    pub(super) head: watch::Sender<Revision>,
    /// A COMMIT failed and is not settled: a row beyond the head may be gone after a power cut.
    pub(super) doubtful: AtomicBool,
}

impl Opened {
    /// Makes sure that the lock beside the database is this process's: it may be another file by now.
    fn keep_locked(&self) -> Result<(), Reason> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.site.is_locked(&lock)? {
            *lock = self.site.lock().map_err(|error| match error {
                LockError::Held { .. } => Reason::Busy { path: self.site.database().to_owned() },
                LockError::Failed(reason) => reason,
            })?;
        }
        Ok(())
    }
}

/// A connection, or the wish for one.
#[derive(Debug)]
pub(super) struct Link {
    opened: Arc<Opened>,
    role: Role,
    live: Option<Live>,
    /// Counts the connections.
    generation: u64,
}

#[derive(Debug)]
struct Live {
    connection: Connection,
    files: [Identity; 2],
}

impl Link {
    pub(super) const fn new(opened: Arc<Opened>, role: Role) -> Self {
        Self { opened, role, live: None, generation: 0 }
    }

    pub(super) fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The connection, opened anew if it must be. Files that vanished are waited for, as they may come back;
    /// files that were replaced are opened only if they are the same store, and know every acknowledged
    /// commit.
    pub(super) fn ready(&mut self) -> Result<&mut Connection, Reason> {
        let current = match &self.live {
            Some(live) => self.opened.site.identities()? == live.files,
            None => false,
        };
        let live = match self.live.take() {
            Some(live) if current => live,
            Some(_) | None => {
                self.generation += 1;
                self.connect()?
            }
        };
        Ok(&mut self.live.insert(live).connection)
    }

    /// Which of the connections this is.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The connection as it is, for ending what was begun on it.
    pub(super) fn current(&self) -> Option<&Connection> {
        self.live.as_ref().map(|live| &live.connection)
    }

    /// Forgets the connection after a failure that it may not survive. What the failure means to the
    /// operator.
    pub(super) fn failed(&mut self, error: &rusqlite::Error) -> Reason {
        let reason = self.meaning(error);
        if !matches!(reason, Reason::DiskFull { .. } | Reason::Busy { .. }) {
            self.close();
        }
        reason
    }

    /// What a failure means to the operator.
    pub(super) fn meaning(&self, error: &rusqlite::Error) -> Reason {
        reason::sqlite(error, self.opened.site.database())
    }

    /// Closes the connection; the next use opens another.
    pub(super) fn close(&mut self) {
        self.live = None;
    }

    fn connect(&self) -> Result<Live, Reason> {
        let Opened { site, label, head, .. } = &*self.opened;
        let database = site.database();
        // Both before and after: the files could be replaced while they are being opened.
        let before = site.identities()?;
        let replaced = || Reason::Replaced { path: database.to_owned() };
        let failed = |error: rusqlite::Error| reason::sqlite(&error, database);
        let connection = open(database).map_err(failed)?;
        match schema::label(&connection) {
            Ok(found) if found == *label => {}
            Ok(_) | Err(LabelError::Blank | LabelError::Foreign | LabelError::Newer { .. }) => {
                return Err(replaced());
            }
            Err(LabelError::Sqlite(error)) => return Err(failed(error)),
        }
        let found = schema::head(&connection).map_err(failed)?;
        if found < *head.borrow() {
            return Err(replaced());
        }
        // Only now: the lock of the right store must not be given up for the wrong one's.
        self.opened.keep_locked()?;
        assume(&connection, self.role).map_err(failed)?;
        let files = site.identities()?;
        if before != files {
            return Err(replaced());
        }
        Ok(Live { connection, files })
    }
}

/// Opens a database that exists.
pub(super) fn open(database: &Path) -> rusqlite::Result<Connection> {
    // Without CREATE: a store that vanished must never be served as a new, empty one.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Closing must not touch the log: SQLite removes it by name, and another store's log may lie there by
    // then.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch(PRAGMAS)?;
    Ok(connection)
}

/// Prepares a connection for its work, once its database is known to be a store: setting the journal mode
/// writes.
pub(super) fn assume(connection: &Connection, role: Role) -> rusqlite::Result<()> {
    match role {
        Role::Writer => connection.pragma_update_and_check(None::<&str>, "journal_mode", "wal", |_| Ok(())),
        Role::Reader => connection.pragma_update(None::<&str>, "query_only", true),
    }
}
