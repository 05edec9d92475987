//! What is kept of an issuer, and when it is asked again. It reads no clock and no network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use keyreeve_service::identity::IssuerFault;

/// How long keys are kept when the issuer does not say.
const FRESH_DEFAULT: Duration = Duration::from_secs(3_600);
/// Whatever the issuer says, keys are kept so long at least and at most.
const FRESH_MIN: Duration = Duration::from_secs(60);
const FRESH_MAX: Duration = Duration::from_secs(24 * 3_600);
/// How long keys that are no longer fresh are used while the issuer does not answer.
const STALE: Duration = Duration::from_secs(3_600);
/// No issuer is asked more often, whatever key ids tokens name: anybody can send tokens.
const PAUSE: Duration = Duration::from_secs(10);

type Answer = Result<Arc<JwkSet>, IssuerFault>;

/// Keys, or why there are none.
#[derive(Debug)]
pub(super) struct Kept {
    keys: Option<Keys>,
    /// When the issuer was asked last, and what came of it if it was no keys.
    asked: Instant,
    fault: Option<IssuerFault>,
}

#[derive(Debug)]
struct Keys {
    set: Arc<JwkSet>,
    fresh_until: Instant,
}

/// Keys that were fetched just now.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) set: JwkSet,
    /// How long the issuer says that they are good.
    pub(super) max_age: Option<Duration>,
}

impl Kept {
    /// The answer without asking the issuer; `None` when it is to be asked.
    pub(super) fn answer(&self, key_id: Option<&str>, now: Instant) -> Option<Answer> {
        let fresh = self.keys.as_ref().filter(|keys| now < keys.fresh_until);
        let known = fresh.is_some_and(|keys| key_id.is_none_or(|id| keys.set.find(id).is_some()));
        let pausing = now.saturating_duration_since(self.asked) < PAUSE;
        (known || pausing).then(|| self.latest())
    }

    /// What is known, old or new.
    pub(super) fn latest(&self) -> Answer {
        match (&self.keys, &self.fault) {
            (Some(keys), _) => Ok(Arc::clone(&keys.set)),
            (None, Some(fault)) => Err(fault.clone()),
            (None, None) => Err(IssuerFault::Unreachable("it was not asked yet".to_owned())),
        }
    }

    /// After the issuer was asked.
    pub(super) fn renewed(before: Option<Self>, fetched: Result<Fetched, IssuerFault>, now: Instant) -> Self {
        match fetched {
            Ok(fetched) => {
                let fresh = fetched.max_age.unwrap_or(FRESH_DEFAULT).clamp(FRESH_MIN, FRESH_MAX);
                let keys = Keys { set: Arc::new(fetched.set), fresh_until: now + fresh };
                Self { keys: Some(keys), asked: now, fault: None }
            }
            Err(fault) => {
                let usable = |keys: &Keys| now < keys.fresh_until + STALE;
                let keys = before.and_then(|before| before.keys).filter(usable);
                Self { keys, asked: now, fault: Some(fault) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(id: &str) -> Fetched {
        let key = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"{id}"}}]}}"#);
        Fetched { set: serde_json::from_str(&key).unwrap(), max_age: Some(Duration::from_secs(600)) }
    }

    fn down() -> Result<Fetched, IssuerFault> {
        Err(IssuerFault::Unreachable("down".to_owned()))
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn keys_are_kept_while_fresh_and_asked_for_again_afterwards() {
        let begin = Instant::now();
        let kept = Kept::renewed(None, Ok(set("a")), begin);
        assert!(kept.answer(Some("a"), begin + seconds(599)).unwrap().is_ok());
        assert!(kept.answer(Some("a"), begin + seconds(600)).is_none());
    }

    #[test]
    fn an_unknown_key_id_asks_again_but_not_at_once() {
        let begin = Instant::now();
        let kept = Kept::renewed(None, Ok(set("a")), begin);
        assert!(kept.answer(Some("b"), begin + seconds(9)).unwrap().is_ok());
        assert!(kept.answer(Some("b"), begin + seconds(10)).is_none());
        assert!(kept.answer(None, begin + seconds(10)).is_some());
    }

    #[test]
    fn an_issuer_that_is_down_is_not_asked_at_each_request_and_old_keys_serve_for_a_while() {
        let begin = Instant::now();
        let never = Kept::renewed(None, down(), begin);
        assert!(never.answer(Some("a"), begin + seconds(9)).unwrap().is_err());
        assert!(never.answer(Some("a"), begin + seconds(10)).is_none());
        let kept = Kept::renewed(None, Ok(set("a")), begin);
        let later = begin + seconds(600) + STALE;
        let outage = Kept::renewed(Some(kept), down(), later - seconds(1));
        assert!(outage.latest().is_ok());
        assert!(Kept::renewed(Some(outage), down(), later).latest().is_err());
    }
}
