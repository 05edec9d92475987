//! How long to wait before a further attempt: exponential backoff with full jitter, as the AWS SDKs do it.
//! AWS: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>

use std::time::Duration;

/// Attempts and the waits between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// Attempts in all.
    pub(crate) attempts: u32,
    /// The longest first wait; each further one may be twice as long.
    pub(crate) first: Duration,
    /// The longest wait.
    pub(crate) longest: Duration,
}

impl Backoff {
    /// Six attempts: with six seconds of waits between them where the endpoint asks for none, and up to 15 for each answer,
    /// within about a minute and a half.
    pub(crate) const USUAL: Self =
        Self { attempts: 6, first: Duration::from_millis(200), longest: Duration::from_secs(10) };

    /// The wait after this many failed attempts; `None` when there were enough. `draw` is any random number. What the
    /// endpoint asks for counts, up to the longest wait.
    pub(crate) fn pause(&self, failed: u32, draw: u64, asked: Option<Duration>) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doubled =
            self.first.saturating_mul(1_u32.checked_shl(failed.saturating_sub(1)).unwrap_or(u32::MAX));
        let most = u64::try_from(doubled.min(self.longest).as_millis()).unwrap_or(u64::MAX);
        let jittered = Duration::from_millis(draw.checked_rem(most.saturating_add(1)).unwrap_or_default());
        Some(jittered.max(asked.unwrap_or_default()).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let most = |failed| (0..20_000).filter_map(|draw| Backoff::USUAL.pause(failed, draw, None)).max();
        for (failed, longest_ms) in
            [(1, Some(200)), (2, Some(400)), (3, Some(800)), (5, Some(3_200)), (6, None)]
        {
            assert_eq!(most(failed), longest_ms.map(Duration::from_millis), "{failed}");
        }
        let far = Backoff { attempts: 100, ..Backoff::USUAL };
        assert!((1..100).all(|failed| far.pause(failed, u64::MAX, None).unwrap() <= far.longest));
    }

    #[test]
    fn what_the_endpoint_asks_for_is_waited_but_not_for_ever() {
        let asked = |seconds| Backoff::USUAL.pause(1, 0, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(3), Some(Duration::from_secs(3)));
        assert_eq!(asked(3_600), Some(Duration::from_secs(10)));
    }
}
