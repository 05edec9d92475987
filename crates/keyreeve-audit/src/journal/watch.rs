//! Notices that a file of the log was deleted, renamed, cut short or replaced under the running server.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use super::Shared;
use super::disk::Identity;
use crate::chain::Place;

/// Ends the watch.
#[derive(Debug, Default)]
pub(super) struct Stop {
    stopped: Mutex<bool>,
    wake: Condvar,
}

impl Stop {
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }
}

/// Looks at all files each beat, until it is stopped.
pub(super) fn run(shared: &Shared) {
    let Stop { stopped, wake } = &shared.stop;
    loop {
        let stopped = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = wake.wait_timeout_while(stopped, shared.plan.beat, |stopped| !*stopped);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
        look(shared);
    }
}

/// Looks at all files once. What is wrong is an alarm, and the writer begins a new segment.
pub(super) fn look(shared: &Shared) {
    for segment in shared.layout.all() {
        let there = Identity::at(&segment.path).ok();
        let changed = there.is_none() || there != segment.identity;
        if changed && !segment.lost && shared.lose(segment.first, &segment.path) {
            shared.state.break_down(&loss(&segment.path));
            shared.queue.poke();
        }
    }
}

/// A sentence about a segment that is not what it was.
pub(super) fn loss(path: &Path) -> String {
    format!(
        "{} was deleted, renamed, cut short or replaced under the running server: find out who did it, put it back, and \
         run `keyreeve audit verify`",
        path.display()
    )
}

impl Shared {
    /// Says once that a segment is not what it was; whether this was the time.
    pub(super) fn lose(&self, first: Place, path: &Path) -> bool {
        let new = self.layout.lose(first);
        if new {
            self.state.alarm(format!("{}. A new segment was begun behind it", loss(path)));
        }
        new
    }
}
