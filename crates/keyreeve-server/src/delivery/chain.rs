//! Chains of digests: when they begin, and when the hour of each digest ends.

use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::cloudtrail::{Chain, Delivery, Run, Trail, TrailId};

pub(super) const HOUR_SECONDS: i64 = 3600;
/// After a longer pause one digest covers all of it but its last hour.
const HOURS_MADE_UP: i64 = 24;

/// The row of the next run.
pub(super) fn succeeding(before: &Delivery, trail: Trail, run: Run, id: &TrailId) -> Delivery {
    let started = run.started;
    let mut row = Delivery::beginning(trail, run);
    row.newest_digest_end = before.newest_digest_end;
    if before.deleted.is_none() {
        row.status = before.status.clone();
    }
    begin_chain(&mut row, started, id.home.as_str());
    row
}

/// Begins the chain of a Region, unless there is one or the trail has none. As AWS's, its first digest is of the hour before:
/// it is due at once, and everything that follows is chained to it.
pub(super) fn begin_chain(row: &mut Delivery, at: Timestamp, region: &str) {
    if !row.trail.validation || row.chains.contains_key(region) {
        return;
    }
    let free = row.newest_digest_end.map(|newest| newest.plus_seconds(1));
    let end = free.map_or(at, |free| free.max(at));
    let start = end.plus_seconds(-HOUR_SECONDS);
    row.chains.insert(region.to_owned(), Chain { start, end, previous: None, logs: Vec::new() });
}

/// When the next digest of a chain ends. `ended` is when the chain does.
pub(super) fn end_of_digest(chain: &Chain, ended: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let next = chain.start.plus_seconds(1);
    if let Some(ended) = ended {
        return if chain.end < ended { chain.end } else { ended.max(next) };
    }
    if chain.end > now {
        // Crowded: before its hour is over.
        return now.max(next);
    }
    let hours = (now.as_seconds() - chain.end.as_seconds()) / HOUR_SECONDS;
    if hours < HOURS_MADE_UP { chain.end } else { chain.end.plus_seconds(hours * HOUR_SECONDS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_ends_an_hour_later_or_with_its_run_or_when_it_is_crowded() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let chain = Chain { start: at(10_000), end: at(13_600), previous: None, logs: Vec::new() };
        for (ended, now, end) in [
            // In its time, late, and after more hours than are made up.
            (None, 13_600, 13_600),
            (None, 13_600 + 2 * HOUR_SECONDS, 13_600),
            (None, 13_600 + 30 * HOUR_SECONDS + 5, 13_600 + 30 * HOUR_SECONDS),
            // Before its time: it is crowded.
            (None, 12_000, 12_000),
            (None, 10_000, 10_001),
            // The run ended in this hour, at its beginning, and later.
            (Some(12_000), 99_999, 12_000),
            (Some(10_000), 99_999, 10_001),
            (Some(20_000), 99_999, 13_600),
        ] {
            assert_eq!(end_of_digest(&chain, ended.map(at), at(now)), at(end), "{ended:?} {now}");
        }
    }
}
