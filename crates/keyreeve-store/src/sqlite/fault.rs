//! Failures that tests plant in the writer: those that no disk can be asked for.

use std::path::Path;

use rusqlite::{Connection, Error, ffi};

use super::residue::Residue;
use crate::error::Reason;

/// What shall fail.
#[derive(Debug, Default)]
pub(super) struct Fault {
    /// The next COMMIT, before SQLite sees it.
    pub(super) before_commit: bool,
    /// The next COMMIT, after SQLite made it durable.
    pub(super) after_commit: bool,
    /// Every use of the database, while set.
    pub(super) away: bool,
    /// `away` begins with the next failed COMMIT.
    pub(super) then_away: bool,
    /// The rows that the next look at pages names, before it cleans their pages.
    pub(super) rows_vanish: bool,
}

impl Fault {
    pub(super) fn before(&mut self, connection: &Connection) -> Result<(), Error> {
        if std::mem::take(&mut self.before_commit) {
            connection.execute_batch("ROLLBACK")?;
            return self.fail();
        }
        Ok(())
    }

    pub(super) fn after(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.after_commit) { self.fail() } else { Ok(()) }
    }

    pub(super) fn meanwhile(&mut self, connection: &Connection, residues: &[Residue]) -> Result<(), Error> {
        if !residues.is_empty() && std::mem::take(&mut self.rows_vanish) {
            for residue in residues {
                connection.execute("DELETE FROM row WHERE id = ?1", [residue.id])?;
            }
        }
        Ok(())
    }

    pub(super) fn settle(&self, database: &Path) -> Result<(), Reason> {
        if self.away {
            return Err(Reason::Io { path: database.to_owned(), code: ffi::SQLITE_IOERR_FSYNC });
        }
        Ok(())
    }

    fn fail(&mut self) -> Result<(), Error> {
        self.away = std::mem::take(&mut self.then_away);
        Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None))
    }
}
