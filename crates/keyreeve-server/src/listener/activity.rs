//! What a connection is doing, noted by its stream and its requests and read by the timer that watches over it.
//! One timer a connection suffices: it looks here when it fires, so a request costs no timer operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// How a connection waits while no request is being answered on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Waiting {
    /// Nothing has arrived on it yet.
    Fresh = 0,
    /// Some bytes of a request have arrived, its headers not completely.
    MidHead = 1,
    /// A request was answered and no byte of the next has arrived.
    Idle = 2,
}

/// What the timer is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again then.
    Until(Instant),
    /// The connection waited too long, in this way.
    Expired(Waiting),
}

/// The notes of one connection. All are hints between tasks of one thread: relaxed order suffices.
#[derive(Debug)]
pub(super) struct Activity {
    born: Instant,
    /// Requests being read or answered.
    serving: AtomicU32,
    waiting: AtomicU8,
    /// When `waiting` began, in milliseconds after `born`.
    since_ms: AtomicU64,
    /// HTTP/2: bytes between requests may be anything (PING, WINDOW_UPDATE), so they begin no head.
    multiplexed: AtomicBool,
    /// The connection will be closed although the peer may still be sending.
    unread: AtomicBool,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self {
            born: now,
            serving: AtomicU32::new(0),
            waiting: AtomicU8::new(Waiting::Fresh as u8),
            since_ms: AtomicU64::new(0),
            multiplexed: AtomicBool::new(false),
            unread: AtomicBool::new(false),
        })
    }

    /// Bytes arrived.
    pub(super) fn received(&self) {
        let new_head =
            self.waiting.load(Relaxed) != Waiting::MidHead as u8 && self.serving.load(Relaxed) == 0;
        if new_head && !self.multiplexed.load(Relaxed) {
            self.wait(Waiting::MidHead);
        }
    }

    /// The connection speaks HTTP/2 from now on.
    pub(super) fn multiplex(&self) {
        self.multiplexed.store(true, Relaxed);
        self.wait(Waiting::Idle);
    }

    /// A request's headers are complete; it is being served until the returned guard is dropped.
    pub(super) fn serve(self: &Arc<Self>) -> Serving {
        self.serving.fetch_add(1, Relaxed);
        self.waiting.store(Waiting::Idle as u8, Relaxed);
        Serving(Arc::clone(self))
    }

    /// The answer leaves before the request was read: close with care.
    pub(super) fn leave_unread(&self) {
        self.unread.store(true, Relaxed);
    }

    /// Whether the peer may still be sending a request that nobody will read.
    pub(super) fn may_be_sending(&self) -> bool {
        self.unread.load(Relaxed)
            || (self.waiting.load(Relaxed) == Waiting::MidHead as u8 && self.serving.load(Relaxed) == 0)
    }

    /// Whether a request is being read or answered.
    pub(super) fn is_serving(&self) -> bool {
        self.serving.load(Relaxed) > 0
    }

    /// What the limits say about this connection at `now`.
    pub(super) fn verdict(&self, now: Instant, limits: &Limits) -> Verdict {
        let (waiting, limit) = match self.waiting.load(Relaxed) {
            0 => (Waiting::Fresh, limits.head_time),
            1 => (Waiting::MidHead, limits.head_time),
            _ => (Waiting::Idle, limits.idle_time),
        };
        // Whatever begins after this look lasts at least until the next one, so no limit is noticed late.
        let next_look = now + limits.idle_time.min(limits.head_time);
        if self.is_serving() {
            return Verdict::Until(next_look);
        }
        let until = self.born + Duration::from_millis(self.since_ms.load(Relaxed)) + limit;
        if until > now { Verdict::Until(until.min(next_look)) } else { Verdict::Expired(waiting) }
    }

    fn wait(&self, how: Waiting) {
        let since_ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since_ms.store(since_ms, Relaxed);
        self.waiting.store(how as u8, Relaxed);
    }
}

/// A request being served; see [`Activity::serve`].
#[derive(Debug)]
pub(super) struct Serving(Arc<Activity>);

impl Drop for Serving {
    fn drop(&mut self) {
        if self.0.serving.fetch_sub(1, Relaxed) == 1 {
            self.0.wait(Waiting::Idle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict well after every limit.
    fn late(activity: &Activity) -> Verdict {
        activity.verdict(Instant::now() + Duration::from_secs(3600), &Limits::default())
    }

    #[test]
    fn each_way_of_waiting_expires_in_its_own_way() {
        let activity = Activity::new(Instant::now());
        assert_eq!(late(&activity), Verdict::Expired(Waiting::Fresh));
        activity.received();
        assert_eq!(late(&activity), Verdict::Expired(Waiting::MidHead));
        let serving = activity.serve();
        assert!(matches!(late(&activity), Verdict::Until(_)));
        drop(serving);
        assert_eq!(late(&activity), Verdict::Expired(Waiting::Idle));
    }

    #[test]
    fn nothing_expires_before_its_limit() {
        let activity = Activity::new(Instant::now());
        let limits = Limits::default();
        assert_eq!(
            activity.verdict(activity.born, &limits),
            Verdict::Until(activity.born + limits.head_time)
        );
        activity.received();
        assert!(matches!(activity.verdict(Instant::now(), &limits), Verdict::Until(_)));
    }

    /// A head may begin right after a look: the next one must not wait for the longer limit of an idle connection.
    #[test]
    fn the_next_look_comes_before_any_limit_can_have_passed() {
        let limits = Limits::default();
        let activity = Activity::new(Instant::now());
        let serving = activity.serve();
        let now = Instant::now();
        assert_eq!(activity.verdict(now, &limits), Verdict::Until(now + limits.head_time));
        drop(serving);
        let now = Instant::now();
        assert_eq!(activity.verdict(now, &limits), Verdict::Until(now + limits.head_time));
    }

    #[test]
    fn a_byte_on_http_2_begins_no_head() {
        let activity = Activity::new(Instant::now());
        activity.multiplex();
        activity.received();
        assert_eq!(late(&activity), Verdict::Expired(Waiting::Idle));
    }

    #[test]
    fn a_half_sent_head_and_an_unread_body_are_closed_with_care() {
        let activity = Activity::new(Instant::now());
        assert!(!activity.may_be_sending());
        activity.received();
        assert!(activity.may_be_sending());
        drop(activity.serve());
        assert!(!activity.may_be_sending());
        activity.leave_unread();
        assert!(activity.may_be_sending());
    }
}
