//! Opening a store: every reason to refuse one comes before the first thread starts.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, MAIN_DB};
use tokio::sync::watch;

use super::link::{self, Opened, Role};
use super::reason;
use super::schema::{self, FORMAT, LabelError};
use super::site::{Lock, LockError, Site};
use super::writer;
use crate::error::Reason;
use crate::store::Revision;

/// Which store to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// The store's directory. It holds `store.db`, the files that SQLite puts beside it, and `LOCK`.
    pub path: PathBuf,
    /// Whether a store that does not exist is made. With `false` a file system that is not mounted is an
    /// error and never a new, empty store.
    pub create: bool,
    /// What the store is for, such as `dev` or `serve`: written when it is made, demanded ever after.
    pub kind: String,
}

/// Why a store was not opened: sentences for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle of this one, has the store open.
    #[error(
        "the store {} is in use by {}: stop that first; one process serves a store",
        .path.display(),
        .pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    InUse {
        /// The store's directory.
        path: PathBuf,
        /// The other process, when it could be read.
        pid: Option<u32>,
    },
    /// There is no store, and `create` is not set.
    #[error("there is no store at {}: check the path, and that its file system is mounted", .path.display())]
    Missing {
        /// The store's directory.
        path: PathBuf,
    },
    /// The database belongs to something else, or its creation never finished.
    #[error("{} is not a store of Keyreeve: check the path", .path.display())]
    NotAStore {
        /// The database.
        path: PathBuf,
    },
    /// A later version wrote the store.
    #[error(
        "the store {} has format {found}, and this version reads up to {supported}: use the version that wrote it, \
         or a newer one",
        .path.display()
    )]
    NewerFormat {
        /// The database.
        path: PathBuf,
        /// The store's format.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
    /// The store was made for another purpose.
    #[error("the store {} was made for `{found}` and cannot be opened for `{wanted}`", .path.display())]
    OtherKind {
        /// The store's directory.
        path: PathBuf,
        /// The kind written in the store.
        found: String,
        /// The kind asked for.
        wanted: String,
    },
    /// The disk, the file system or the content failed.
    #[error(transparent)]
    Unavailable(#[from] Reason),
}

/// Opens a store and makes what an earlier process left in its log part of the database file.
pub(super) fn open(options: OpenOptions) -> Result<Arc<Opened>, OpenError> {
    let OpenOptions { path, create, kind } = options;
    let site = Site::new(path);
    let lock = occupy(&site, create)?;
    let failed = |error: rusqlite::Error| reason::sqlite(&error, site.database());
    let connection = link::open(site.database()).map_err(failed)?;
    if connection.is_readonly(MAIN_DB).map_err(failed)? {
        return Err(Reason::ReadOnly { path: site.database().to_owned() }.into());
    }
    let label = match schema::label(&connection) {
        Err(LabelError::Blank) if create => {
            schema::create(&connection, &kind).map_err(failed)?;
            schema::label(&connection)
        }
        found => found,
    };
    let label = label.map_err(|error| refusal(error, &site))?;
    if label.kind != kind {
        return Err(OpenError::OtherKind {
            path: site.directory().to_owned(),
            found: label.kind,
            wanted: kind,
        });
    }
    link::assume(&connection, Role::Writer).map_err(failed)?;
    let head = settle(&connection).map_err(failed)?;
    let (lock, head) = (Mutex::new(lock), watch::Sender::new(head));
    Ok(Arc::new(Opened { site, lock, label, head, doubtful: AtomicBool::new(false) }))
}

/// Takes the store's lock and sees that there is a database file, an empty one if need be.
fn occupy(site: &Site, create: bool) -> Result<Lock, OpenError> {
    let missing = || OpenError::Missing { path: site.directory().to_owned() };
    match site.directory().is_dir() {
        true => {}
        false if create => site.create_directory()?,
        false => return Err(missing()),
    }
    let lock = site.lock().map_err(|error| match error {
        LockError::Held { pid } => OpenError::InUse { path: site.directory().to_owned(), pid },
        LockError::Failed(reason) => OpenError::Unavailable(reason),
    })?;
    match site.database().exists() {
        true => {}
        false if create => site.create_database()?,
        false => return Err(missing()),
    }
    Ok(lock)
}

fn refusal(error: LabelError, site: &Site) -> OpenError {
    let path = site.database().to_owned();
    match error {
        LabelError::Blank | LabelError::Foreign => OpenError::NotAStore { path },
        LabelError::Newer { found } => OpenError::NewerFormat { path, found, supported: FORMAT },
        LabelError::Sqlite(error) => OpenError::Unavailable(reason::sqlite(&error, site.database())),
    }
}

/// A COMMIT that was in doubt when the last process ended is decided by SQLite's recovery, and must stay so:
/// what recovery found is made durable before anybody is told of it.
fn settle(connection: &Connection) -> rusqlite::Result<Revision> {
    writer::move_all(connection)?;
    schema::head(connection)
}
