//! Several ciphertexts at a time: one thread a client, one queue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::renewal::Trouble;
use super::{Failed, Tally};
use crate::kms::Call;

/// Told after each ciphertext: how many are done, and of how many.
pub type Progress<'p> = &'p (dyn Fn(u64, u64) + Sync);

/// After so many faults of the service in a row it is the service, and not the ciphertext.
const FAULTS_MAX: u32 = 8;

/// What counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Renewed,
    /// `sure`: that the result is under the newest material.
    Resumed {
        sure: bool,
    },
    Current,
    Pending,
}

/// Works through all items, until the last or until something concerns all. `name` says in a list of failures which it was.
pub(super) fn each<T: Sync, C: Call + Send>(
    items: &[T],
    callers: Vec<C>,
    progress: Progress<'_>,
    name: &(dyn Fn(&T) -> String + Sync),
    work: &(dyn Fn(&mut C, &T) -> Result<Done, Trouble> + Sync),
) -> Tally {
    let tally = Tally { all: items.len() as u64, ..Tally::default() };
    let count = Mutex::new(Count { tally, faults: 0 });
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for mut caller in callers {
            let (count, next) = (&count, &next);
            scope.spawn(move || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = work(&mut caller, item);
                    let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
                    if count.note(done, || name(item)) {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    progress(count.tally.seen(), count.tally.all);
                }
            });
        }
    });
    let mut tally = count.into_inner().unwrap_or_else(PoisonError::into_inner).tally;
    tally.failed.sort_by(|one, other| one.name.cmp(&other.name));
    tally
}

/// What was counted so far.
struct Count {
    tally: Tally,
    /// Of the service, in a row.
    faults: u32,
}

impl Count {
    /// Counts one; whether the sweep ends here.
    fn note(&mut self, done: Result<Done, Trouble>, name: impl FnOnce() -> String) -> bool {
        let Self { tally, faults } = self;
        *faults = if matches!(done, Err(Trouble::Passing(_))) { *faults + 1 } else { 0 };
        match done {
            Ok(Done::Renewed) => tally.renewed += 1,
            Ok(Done::Resumed { sure }) => {
                tally.resumed += 1;
                tally.unsure += u64::from(!sure);
            }
            Ok(Done::Current) => tally.current += 1,
            Ok(Done::Pending) => tally.pending += 1,
            Err(Trouble::Passing(why)) if *faults >= FAULTS_MAX => {
                tally.stopped.get_or_insert(why);
            }
            Err(Trouble::One(why) | Trouble::Passing(why)) => tally.failed.push(Failed { name: name(), why }),
            Err(Trouble::All(why)) => {
                tally.stopped.get_or_insert(why);
            }
        }
        tally.stopped.is_some()
    }
}

impl Tally {
    /// How many were looked at.
    fn seen(&self) -> u64 {
        self.renewed + self.resumed + self.current + self.pending + self.failed.len() as u64
    }
}
