//! Keys about which a Region answers that it will not, or cannot now: it is asked about them less and less, and about all
//! others as ever.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use keyreeve_model::arn::KeyArn;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

/// Seconds of the longest pause.
const PAUSE_MAX_SECONDS: i64 = 32;
/// Keys that are remembered; of more than these each is asked about every second.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Pause {
    seconds: i64,
    until: Timestamp,
}

/// By the asked Region, and the key.
#[derive(Debug, Default)]
pub(in crate::regions) struct Stuck(Mutex<HashMap<(Region, KeyArn), Pause>>);

impl Stuck {
    /// Whether it is too soon to ask again.
    pub(super) fn waits(&self, asked: &Region, key: &KeyArn, now: Timestamp) -> bool {
        let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = pauses.get(&(asked.clone(), key.clone()));
        // A clock that was set back must not silence it for long.
        pause.is_some_and(|pause| now < pause.until && pause.until <= now.plus_seconds(PAUSE_MAX_SECONDS))
    }

    /// It was asked in vain: again after 1, 2, 4 … seconds.
    pub(super) fn failed(&self, asked: &Region, key: &KeyArn, now: Timestamp) {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (asked.clone(), key.clone());
        let before = pauses.get(&place).map(|pause| pause.seconds);
        if before.is_none() && pauses.len() >= REMEMBERED_MAX {
            pauses.retain(|_, pause| now < pause.until);
        }
        if before.is_some() || pauses.len() < REMEMBERED_MAX {
            let seconds = before.map_or(1, |seconds| (seconds * 2).min(PAUSE_MAX_SECONDS));
            pauses.insert(place, Pause { seconds, until: now.plus_seconds(seconds) });
        }
    }

    /// The Region is there again, and what it refused before it may do now.
    pub(in crate::regions) fn forgive(&self, asked: &Region) {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.retain(|(region, _), _| region != asked);
    }

    /// It did what it was asked for.
    pub(super) fn went_well(&self, asked: &Region, key: &KeyArn) {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !pauses.is_empty() {
            pauses.remove(&(asked.clone(), key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use keyreeve_model::key_id::KeyId;
    use keyreeve_model::region::AccountId;

    use super::*;

    #[test]
    fn a_key_that_is_refused_is_asked_about_less_and_less_and_others_as_ever() {
        let region = Region::parse("eu-west-1").unwrap();
        let key = |number| KeyArn {
            region: region.clone(),
            account: AccountId::ZERO,
            key_id: KeyId::new([number; 16], true),
        };
        let (stuck, mut now) = (Stuck::default(), Timestamp::from_millis(0));
        for pause in [1, 2, 4, 8, 16, 32, 32] {
            assert!(!stuck.waits(&region, &key(1), now));
            stuck.failed(&region, &key(1), now);
            assert!(stuck.waits(&region, &key(1), now.plus_seconds(pause - 1)), "{pause}");
            assert!(!stuck.waits(&region, &key(2), now));
            now = now.plus_seconds(pause);
        }
        stuck.failed(&region, &key(1), now);
        assert!(!stuck.waits(&region, &key(1), now.plus_seconds(-100)), "the clock was set back");
        stuck.went_well(&region, &key(1));
        assert!(!stuck.waits(&region, &key(1), now));
        stuck.failed(&region, &key(1), now);
        stuck.forgive(&Region::parse("eu-west-2").unwrap());
        assert!(stuck.waits(&region, &key(1), now));
        stuck.forgive(&region);
        assert!(!stuck.waits(&region, &key(1), now), "it is there again");
    }
}
