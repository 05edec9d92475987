//! What waits for its delivery, trail by trail, as values for metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::cloudtrail::TrailId;

/// What a trail has still to deliver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Frames of the log from the oldest record that was not delivered; 0 when nothing waits.
    pub frames: u64,
    /// Time of the oldest record that was not delivered.
    pub oldest: Option<Timestamp>,
    /// Why the last try failed, if it did.
    pub error: Option<String>,
}

/// The backlogs of all trails that deliver. Clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Backlogs(Arc<Mutex<BTreeMap<TrailId, Backlog>>>);

impl Backlogs {
    /// As they are.
    pub fn all(&self) -> Vec<(TrailId, Backlog)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(id, backlog)| (id.clone(), backlog.clone())).collect()
    }

    pub(super) fn change(&self, id: &TrailId, change: impl FnOnce(&mut Backlog)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(id.clone()).or_default());
    }

    pub(super) fn end(&self, id: &TrailId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
