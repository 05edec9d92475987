//! The backup under way, if any: begun by an operator, written by the deployment on a thread of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use keyreeve_model::error::KmsError;
use serde::Serialize;

use crate::premises::BackupSummary;
use crate::service::Service;

/// Where a backup stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
enum State {
    /// None was asked for since the start.
    #[default]
    Idle,
    Running,
    Done,
    Failed,
}

/// The newest backup since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BackupProgress {
    state: State,
    path: PathBuf,
    bytes_done: u64,
    bytes_total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<BackupSummary>,
    /// A sentence when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

/// Where the progress is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backups(Arc<Mutex<BackupProgress>>);

impl Backups {
    /// How far it is.
    pub(crate) fn progress(&self) -> BackupProgress {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, change: impl FnOnce(&mut BackupProgress)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Begins a backup to a new file, and does not wait for it.
    pub(crate) fn begin(&self, service: &Service, path: PathBuf) -> Result<(), KmsError> {
        let busy = "another backup, or the beginning of a rotation, is under way: try again when it is done";
        let premises = Arc::clone(service.premises()?);
        let alone = Arc::clone(service.maintenance()).try_lock_owned();
        let alone = alone.map_err(|_| KmsError::Refused(busy.to_owned()))?;
        let keyring = service.records().keyring();
        let board = self.clone();
        board.write(|progress| {
            *progress = BackupProgress { state: State::Running, path: path.clone(), ..Default::default() };
        });
        // Its own end is told by the board.
        drop(tokio::task::spawn_blocking(move || {
            let mut told =
                |done, total| board.write(|board| (board.bytes_done, board.bytes_total) = (done, total));
            let written = premises.back_up(&keyring, &path, &mut told);
            drop(alone);
            match written {
                Ok(summary) => {
                    tracing::info!(path = %path.display(), revision = summary.revision, "a backup was written and verified");
                    board.write(|board| (board.state, board.summary) = (State::Done, Some(summary)));
                }
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "a backup failed");
                    board.write(|board| {
                        (board.state, board.trouble) = (State::Failed, Some(error.to_string()))
                    });
                }
            }
        }));
        Ok(())
    }
}
