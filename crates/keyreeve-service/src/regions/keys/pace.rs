//! How often a Region is asked that does not answer: less and less. One that hangs holds up nobody but itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

/// Seconds of the longest pause.
const PAUSE_MAX_SECONDS: i64 = 32;

#[derive(Debug, Default, Clone, Copy)]
struct Standing {
    busy: bool,
    failures: u32,
    not_before: Option<Timestamp>,
}

/// The pace of each pair of Regions: who asks, and who is asked.
#[derive(Debug)]
pub(in crate::regions) struct Pace {
    standings: Mutex<HashMap<(Region, Region), Standing>>,
    pause_max_seconds: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self::up_to(PAUSE_MAX_SECONDS)
    }
}

impl Pace {
    /// With a longest pause of its own.
    pub(in crate::regions) fn up_to(pause_max_seconds: i64) -> Self {
        Self { standings: Mutex::default(), pause_max_seconds }
    }

    /// The Region is there: whoever has something to ask it does not wait.
    pub(in crate::regions) fn forgive(&self, asked: &Region) {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, standing) in standings.iter_mut().filter(|((_, to), _)| to == asked) {
            *standing = Standing { busy: standing.busy, ..Standing::default() };
        }
    }

    /// As [`Self::forgive`], of every Region.
    pub(in crate::regions) fn forgive_all(&self) {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        standings.values_mut().for_each(|standing| {
            *standing = Standing { busy: standing.busy, ..Standing::default() };
        });
    }

    /// Whether it is this Region's turn; then nobody else asks it until that is dropped.
    pub(in crate::regions) fn begin(&self, pair: &(Region, Region), now: Timestamp) -> Option<Turn<'_>> {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = standings.entry(pair.clone()).or_default();
        // A clock that was set back must not silence a Region for long.
        let waits = |until: Timestamp| now < until && until <= now.plus_seconds(self.pause_max_seconds);
        if standing.busy || standing.not_before.is_some_and(waits) {
            return None;
        }
        standing.busy = true;
        Some(Turn { pace: self, pair: pair.clone() })
    }
}

/// The turn of one Region; ends when it is dropped, also when whoever took it was cut off.
#[derive(Debug)]
pub(in crate::regions) struct Turn<'a> {
    pace: &'a Pace,
    pair: (Region, Region),
}

impl Turn<'_> {
    fn change(&self, change: impl FnOnce(&mut Standing)) {
        let mut standings = self.pace.standings.lock().unwrap_or_else(PoisonError::into_inner);
        change(standings.entry(self.pair.clone()).or_default());
    }

    /// It answered.
    pub(in crate::regions) fn answered(&self) {
        self.change(|standing| *standing = Standing { busy: true, ..Standing::default() });
    }

    /// It did not: it is asked again after 1, 2, 4 … seconds.
    pub(in crate::regions) fn failed(&self, now: Timestamp) {
        let most = self.pace.pause_max_seconds;
        self.change(|standing| {
            let pause = 1_i64.checked_shl(standing.failures).unwrap_or(most);
            standing.failures = standing.failures.saturating_add(1).min(16);
            standing.not_before = Some(now.plus_seconds(pause.min(most)));
        });
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.change(|standing| standing.busy = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_does_not_answer_is_asked_less_and_less_and_never_twice_at_once() {
        let pace = Pace::default();
        let pair = (Region::parse("eu-west-1").unwrap(), Region::parse("us-east-1").unwrap());
        let mut now = Timestamp::from_millis(0);
        for pause in [1, 2, 4, 8, 16, 32, 32] {
            let turn = pace.begin(&pair, now).unwrap();
            assert!(pace.begin(&pair, now).is_none(), "two at once");
            turn.failed(now);
            drop(turn);
            assert!(pace.begin(&pair, now.plus_seconds(pause - 1)).is_none(), "{pause}");
            now = now.plus_seconds(pause);
        }
        pace.begin(&pair, now).unwrap().answered();
        assert!(pace.begin(&pair, now).is_some());
        pace.begin(&pair, now).unwrap().failed(now);
        pace.forgive(&pair.0);
        assert!(pace.begin(&pair, now).is_none(), "the other Region is not there");
        pace.forgive(&pair.1);
        pace.begin(&pair, now).unwrap().failed(now);
        assert!(pace.begin(&pair, Timestamp::from_millis(-100_000)).is_some(), "the clock was set back");
    }
}
