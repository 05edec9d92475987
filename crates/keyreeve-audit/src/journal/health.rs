//! Whether the log can be written, why not, and what was found damaged.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use keyreeve_model::timestamp::Timestamp;
use tokio::sync::watch;

use super::JournalError;

/// How the log fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Writable,
    /// It is written, but the space that is to be ready is not: a sentence that says what to do.
    ReserveLow(String),
    /// It cannot be written: a sentence that says why and what to do.
    Unwritable(String),
}

/// Damage that was found: it stays until the process ends, for notices and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// When it was found.
    pub time: Timestamp,
    /// What was found, and what was done.
    pub sentence: String,
}

/// The most alarms that are kept, the first ones. More say nothing new.
const ALARMS_MAX: usize = 256;

/// What to do about an error: (kind, why, what to do at the folder that follows).
const ADVICE: &[(ErrorKind, &str, &str)] = &[
    (ErrorKind::StorageFull, "the disk is full", "free space at"),
    (ErrorKind::QuotaExceeded, "the disk quota is used up", "free space, or raise the quota, at"),
    (ErrorKind::ReadOnlyFilesystem, "the file system is read-only", "mount it for writing, at"),
    (ErrorKind::PermissionDenied, "the access is refused", "let Keyreeve's user write to"),
    (
        ErrorKind::NotFound,
        "a file or folder is gone",
        "put back what was moved, or see what removes files, at",
    ),
];

/// A sentence about an error: what was done, why it failed, and what to do at the folder.
pub(super) fn sentence(doing: &str, error: &io::Error, folder: &Path) -> String {
    let row = ADVICE.iter().find(|(kind, ..)| *kind == error.kind());
    let (why, advice) =
        row.map_or(("the disk reports an error", "check the disk that holds"), |row| (row.1, row.2));
    format!("{why} ({doing}: {error}): {advice} {}", folder.display())
}

/// The wall clock.
pub(super) fn now() -> Timestamp {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}

/// The state that all parts of a journal see.
#[derive(Debug)]
pub(super) struct State {
    broken: AtomicBool,
    condition: watch::Sender<Condition>,
    alarms: Mutex<Vec<Alarm>>,
}

#[derive(Debug, Clone, Default)]
struct Condition {
    unwritable: Option<String>,
    low: Option<String>,
    /// Counts what broke, so that mending one break does not hide another that came meanwhile.
    breaks: u64,
}

impl State {
    pub(super) fn new() -> Self {
        let condition = watch::Sender::new(Condition::default());
        Self { broken: AtomicBool::new(false), condition, alarms: Mutex::default() }
    }

    /// One load where all is well.
    pub(super) fn writable(&self) -> Result<(), JournalError> {
        if !self.broken.load(Ordering::Acquire) {
            return Ok(());
        }
        let reason = self.condition.borrow().unwritable.clone();
        reason.map_or(Ok(()), |reason| Err(JournalError::Unwritable(reason)))
    }

    pub(super) fn health(&self) -> Health {
        let condition = self.condition.borrow();
        match (&condition.unwritable, &condition.low) {
            (Some(reason), _) => Health::Unwritable(reason.clone()),
            (None, Some(reason)) => Health::ReserveLow(reason.clone()),
            (None, None) => Health::Writable,
        }
    }

    /// Waits until the log can be written.
    pub(super) async fn until_writable(&self) {
        let mut condition = self.condition.subscribe();
        // The sender lives as long as this borrow of it.
        let _ = condition.wait_for(|condition| condition.unwritable.is_none()).await;
    }

    /// What broke so far: given back to [`Self::mend`].
    pub(super) fn breaks(&self) -> u64 {
        self.condition.borrow().breaks
    }

    /// The log is written only once the state is changed: whoever reads the line finds it true.
    pub(super) fn break_down(&self, reason: &str) {
        let mut new = false;
        self.condition.send_modify(|condition| {
            new = condition.unwritable.as_deref() != Some(reason);
            condition.unwritable = Some(reason.to_owned());
            condition.breaks += 1;
            self.broken.store(true, Ordering::Release);
        });
        if new {
            tracing::error!(reason, "the audit log cannot be written");
        }
    }

    /// The log can be written again, unless something broke since `seen`.
    pub(super) fn mend(&self, seen: u64) {
        let mut mended = false;
        self.condition.send_modify(|condition| {
            mended = condition.breaks == seen && condition.unwritable.take().is_some();
            if mended {
                self.broken.store(false, Ordering::Release);
            }
        });
        if mended {
            tracing::info!("the audit log can be written again");
        }
    }

    /// The reserve is low for this reason, or is not.
    pub(super) fn reserve(&self, low: Option<String>) {
        self.condition.send_if_modified(|condition| {
            if condition.low == low {
                return false;
            }
            if let (None, Some(reason)) = (&condition.low, &low) {
                tracing::warn!(reason, "the audit log's reserve is low");
            }
            condition.low = low;
            true
        });
    }

    pub(super) fn alarm(&self, sentence: String) {
        tracing::error!(alarm = sentence, "the audit log was damaged");
        let mut alarms = self.lock();
        if alarms.len() < ALARMS_MAX {
            alarms.push(Alarm { time: now(), sentence });
        }
    }

    pub(super) fn alarms(&self) -> Vec<Alarm> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Alarm>> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_why_and_what_to_do() {
        for (errno, why) in [
            (28, "the disk is full (writing: No space left on device (os error 28)): free space at /log"),
            (30, "the file system is read-only"),
            (
                5,
                "the disk reports an error (writing: Input/output error (os error 5)): check the disk that holds /log",
            ),
        ] {
            let text = sentence("writing", &io::Error::from_raw_os_error(errno), Path::new("/log"));
            assert!(text.starts_with(why), "{text}");
        }
    }

    #[test]
    fn mending_one_break_does_not_hide_a_later_one() {
        let state = State::new();
        state.break_down("first");
        let seen = state.breaks();
        state.break_down("second");
        state.mend(seen);
        assert_eq!(state.writable(), Err(JournalError::Unwritable("second".into())));
        state.mend(state.breaks());
        assert_eq!(state.writable(), Ok(()));
    }
}
