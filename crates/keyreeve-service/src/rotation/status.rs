//! How far a rotation is, for whoever asks.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Where a rotation stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) enum RotationState {
    /// None was asked for since the start.
    #[default]
    Idle,
    /// Rows are being sealed anew.
    Running,
    /// Everything is under the new keys, and the old ones are gone.
    Done,
    /// Some rows do not open: the old keys stay.
    Incomplete,
}

/// An answer to whoever asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RotationStatus {
    pub(crate) state: RotationState,
    /// Generation of the root key in force.
    pub(crate) generation: u32,
    /// Rows looked at in the present pass over the store.
    pub(crate) rows_done: u64,
    /// Rows in all.
    pub(crate) rows_total: u64,
    /// Rows sealed anew since it began, or since the start of the process.
    pub(crate) rows_sealed: u64,
    /// Rows that do not open.
    pub(crate) rows_unreadable: u64,
    /// A sentence when something stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trouble: Option<String>,
}

/// Where the status is written.
#[derive(Debug, Default)]
pub(super) struct StatusBoard(Mutex<RotationStatus>);

impl StatusBoard {
    pub(super) fn read(&self, generation: u32) -> RotationStatus {
        let status = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        RotationStatus { generation, ..status }
    }

    pub(super) fn write(&self, change: impl FnOnce(&mut RotationStatus)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
