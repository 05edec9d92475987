//! Several ciphertexts at a time: one thread a client, one queue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::renewal::Trouble;
use super::{Failed, Tally};
use crate::kms::Call;

/// Told after each ciphertext: how many are done, and of how many.
pub type Progress<'p> = &'p (dyn Fn(u64, u64) + Sync);

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
    let tally = Mutex::new(Tally { all: items.len() as u64, ..Tally::default() });
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for mut caller in callers {
            let (tally, next) = (&tally, &next);
            scope.spawn(move || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = work(&mut caller, item);
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    if note(&mut tally, done, || name(item)) {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    progress(tally.seen(), tally.all);
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.failed.sort_by(|one, other| one.name.cmp(&other.name));
    tally
}

/// Counts one; whether the sweep ends here.
fn note(tally: &mut Tally, done: Result<Done, Trouble>, name: impl FnOnce() -> String) -> bool {
    match done {
        Ok(Done::Renewed) => tally.renewed += 1,
        Ok(Done::Resumed { sure }) => {
            tally.resumed += 1;
            tally.unsure += u64::from(!sure);
        }
        Ok(Done::Current) => tally.current += 1,
        Ok(Done::Pending) => tally.pending += 1,
        Err(Trouble::One(why)) => tally.failed.push(Failed { name: name(), why }),
        Err(Trouble::All(why)) => {
            tally.stopped.get_or_insert(why);
        }
    }
    tally.stopped.is_some()
}

impl Tally {
    /// How many were looked at.
    fn seen(&self) -> u64 {
        self.renewed + self.resumed + self.current + self.pending + self.failed.len() as u64
    }
}
