//! The keys of session tokens: rows that the Regions of an installation share, so that a token of one opens in all.
//! A key is made ahead of its use, so that it has arrived elsewhere before the first token needs it, and stays as long
//! as a token of it may live. Tokens of deployments before there were such keys are sealed under the keyring.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::keyring::{Keyring, Purpose, epoch_of_credential};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_crypto::session_token::SessionTokenKey;
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::{DAY_MILLIS, Timestamp};
use keyreeve_store::Path;
use serde::{Deserialize, Serialize};

use super::Identity;
use crate::audit::Cause;
use crate::records::{Draft, path};

/// A key is made when the newest one is so old.
const NEXT_AFTER_DAYS: i64 = 30;
/// A key seals tokens from so long after it was made: by then it has arrived in every Region that was not cut off for as
/// long. The only one there is seals at once.
const USED_AFTER_DAYS: i64 = 1;
/// A key goes so long after its successor took over. No session lives longer than 36 hours; the rest is for Regions and
/// clocks that are behind.
const KEPT_AFTER_DAYS: i64 = 7;
/// More keys than there ever are.
const PAGE: usize = 1000;
/// How often the first key is looked for when others make it at the same moment.
const ATTEMPTS_MAX: usize = 4;

/// The row of a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct TokenKeyRecord {
    created: Timestamp,
    /// Sealed as a credential, bound to the path of the row; base64.
    secret: String,
}

/// A key that is there.
#[derive(Debug)]
struct Kept {
    created: Timestamp,
    key: SessionTokenKey,
}

/// Every key, by number.
#[derive(Debug, Default)]
pub(super) struct TokenKeys(BTreeMap<u32, Kept>);

impl TokenKeys {
    pub(super) fn get(&self, number: u32) -> Option<&SessionTokenKey> {
        self.0.get(&number).map(|kept| &kept.key)
    }

    /// The key that seals now.
    pub(super) fn sealing(&self, now: Timestamp) -> Option<&SessionTokenKey> {
        let in_use = self.0.values().rev().find(|kept| kept.created.plus_days(USED_AFTER_DAYS) <= now);
        in_use.or_else(|| self.0.values().next()).map(|kept| &kept.key)
    }

    /// The number that the next key has, once it is time. A clock that was far ahead when the newest one was made must
    /// not hold up the next one for as long.
    fn due(&self, now: Timestamp) -> Option<u32> {
        let (number, newest) = self.0.last_key_value()?;
        let apart = now.as_millis().abs_diff(newest.created.as_millis());
        let due = apart >= (NEXT_AFTER_DAYS * DAY_MILLIS).unsigned_abs();
        due.then_some(number.checked_add(1)?)
    }

    /// Keys of which no token lives any more.
    fn spent(&self, now: Timestamp) -> Vec<u32> {
        let pairs = self.0.iter().zip(self.0.values().skip(1));
        let spent = pairs
            .filter(|(_, next)| next.created.plus_days(USED_AFTER_DAYS + KEPT_AFTER_DAYS) <= now)
            .map(|((number, _), _)| *number);
        spent.collect()
    }
}

/// The secret of a row for its path, in the form in which it is stored.
pub(crate) fn sealed_at(
    keyring: &Keyring,
    place: &Path,
    secret: &SecretBytes,
) -> Result<String, Unspecified> {
    Ok(STANDARD.encode(keyring.seal_credential(place.as_str(), secret)?))
}

/// The row of a key with its secret under the active credential epoch; `None` where it is already. The meaning is
/// unchanged.
pub(crate) fn rewrap(keyring: &Keyring, place: &Path, row: &[u8]) -> Result<Option<Vec<u8>>, Unspecified> {
    let mut record: TokenKeyRecord = serde_json::from_slice(row).map_err(|_| Unspecified)?;
    let sealed = STANDARD.decode(&record.secret).map_err(|_| Unspecified)?;
    let secret = keyring.open_credential(place.as_str(), &sealed)?;
    if epoch_of_credential(&sealed)? == keyring.active_epoch(Purpose::Credential).number {
        return Ok(None);
    }
    let sealed = keyring.seal_credential(place.as_str(), &secret)?;
    // Pair assertion: the old bytes are about to be overwritten for good.
    if !keyring.open_credential(place.as_str(), &sealed)?.ct_eq(&secret) {
        return Err(Unspecified);
    }
    record.secret = STANDARD.encode(sealed);
    serde_json::to_vec(&record).map(Some).map_err(|_| Unspecified)
}

impl Identity {
    /// Every key of session tokens, from memory unless one changed.
    pub(super) async fn token_keys(&self) -> Result<Arc<TokenKeys>, KmsError> {
        if let Some(known) = self.token_keys.get(&()) {
            return Ok(known);
        }
        let ticket = self.token_keys.ticket(&());
        let prefix = path::SESSION_TOKEN_KEYS_PREFIX;
        let page = self.records.page::<TokenKeyRecord>(prefix, None, PAGE).await?;
        let keyring = self.records.keyring();
        let open = |(place, record): (Path, TokenKeyRecord)| {
            let opened = open(&keyring, &place, &record);
            if opened.is_none() {
                tracing::error!(path = %place, "a key of session tokens does not open: its tokens are worth nothing");
            }
            opened
        };
        let keys = Arc::new(TokenKeys(page.rows.into_iter().filter_map(open).collect()));
        self.token_keys.fill((), ticket, Arc::clone(&keys));
        Ok(keys)
    }

    /// The keys, one of which seals: the first one is made here, unless the home of the identities is elsewhere.
    pub(super) async fn token_keys_to_seal(&self, now: Timestamp) -> Result<Arc<TokenKeys>, KmsError> {
        for _ in 0..ATTEMPTS_MAX {
            let keys = self.token_keys().await?;
            if keys.sealing(now).is_some() {
                return Ok(keys);
            }
            if let Some(home) = self.home() {
                tracing::warn!(home = %home.region, "no session can begin before the identities have arrived");
                return Err(KmsError::DependencyTimeout);
            }
            self.make_token_key(1, now).await?;
        }
        Err(KmsError::Conflict)
    }

    /// Sees to it that there is a key of session tokens.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn check_token_key(&self, now: Timestamp) -> Result<(), KmsError> {
        self.token_keys_to_seal(now).await.map(drop)
    }

    /// Makes the next key of session tokens when it is time, and removes those of which no token lives any more. Does
    /// nothing where the home is elsewhere.
    ///
    /// # Errors
    /// Store errors: to be tried again.
    pub(crate) async fn tend_token_keys(&self, now: Timestamp) -> Result<(), KmsError> {
        if self.home().is_some() {
            return Ok(());
        }
        let keys = self.token_keys().await?;
        if let Some(number) = keys.due(now) {
            return self.make_token_key(number, now).await;
        }
        for number in keys.spent(now) {
            let place = path::session_token_key(number)?;
            if let Some(row) = self.records.read::<TokenKeyRecord>(&place).await? {
                tracing::info!(number, "a key of session tokens is removed: no token of it lives");
                self.commit_token_keys(self.records.draft()?.delete(&place, row.stamp), now).await?;
            }
        }
        Ok(())
    }

    async fn make_token_key(&self, number: u32, now: Timestamp) -> Result<(), KmsError> {
        let place = path::session_token_key(number)?;
        let secret = SessionTokenKey::generate().map_err(|_| KmsError::Internal)?;
        let draft = self.records.draft()?;
        let secret = sealed_at(draft.keyring(), &place, &secret).map_err(|_| KmsError::Internal)?;
        let draft = draft.put(&place, None, &TokenKeyRecord { created: now, secret })?;
        tracing::info!(number, "a key of session tokens is made");
        self.commit_token_keys(draft, now).await
    }

    /// That somebody else made or removed the same key at the same moment is as good.
    async fn commit_token_keys(&self, draft: Draft, now: Timestamp) -> Result<(), KmsError> {
        let outcome = self.records.commit(draft, Cause::Upkeep(now)).await;
        // Also after a failure: an unknown outcome may have been written.
        self.forget_token_keys();
        match outcome {
            Ok(()) | Err(KmsError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// To be called after a change of these keys is durable and before it is acknowledged.
    pub(super) fn forget_token_keys(&self) {
        self.token_keys.forget(&());
        self.sessions.clear();
    }
}

fn open(keyring: &Keyring, place: &Path, record: &TokenKeyRecord) -> Option<(u32, Kept)> {
    let number = path::session_token_key_number(place)?;
    let sealed = STANDARD.decode(&record.secret).ok()?;
    let secret = keyring.open_credential(place.as_str(), &sealed).ok()?;
    let key = SessionTokenKey::new(number, &secret).ok()?;
    Some((number, Kept { created: record.created, key }))
}

#[cfg(test)]
mod tests {
    use keyreeve_store::MemoryStore;

    use super::*;
    use crate::audit::Ledger;
    use crate::records::Records;

    const fn day(days: i64) -> Timestamp {
        Timestamp::from_millis(0).plus_days(days)
    }

    fn identity() -> Identity {
        let keyring = Keyring::generate(day(0)).unwrap();
        Identity::new(Arc::new(Records::new(Arc::new(MemoryStore::new()), keyring, Ledger::ephemeral())))
    }

    /// Numbers of the keys, and of the one that seals.
    async fn standing(identity: &Identity, now: Timestamp) -> (Vec<u32>, Option<u32>) {
        identity.tend_token_keys(now).await.unwrap();
        let keys = identity.token_keys().await.unwrap();
        let number = |key: &SessionTokenKey| {
            keys.0.iter().find(|kept| std::ptr::eq(&kept.1.key, key)).map(|kept| *kept.0)
        };
        (keys.0.keys().copied().collect(), keys.sealing(now).and_then(number))
    }

    #[tokio::test]
    async fn a_key_is_made_at_first_need_and_its_successor_ahead_of_its_use() {
        let identity = identity();
        assert_eq!(standing(&identity, day(0)).await, (vec![], None));
        identity.token_keys_to_seal(day(0)).await.unwrap();
        for (now, keys, sealing) in [
            (0, &[1][..], 1),
            (29, &[1], 1),
            (30, &[1, 2], 1),
            (31, &[1, 2], 2),
            (37, &[1, 2], 2),
            (38, &[2], 2),
            (60, &[2, 3], 2),
            (61, &[2, 3], 3),
            // Nobody tended for a year.
            (400, &[2, 3, 4], 3),
        ] {
            assert_eq!(standing(&identity, day(now)).await, (keys.to_vec(), Some(sealing)), "day {now}");
        }
    }

    #[tokio::test]
    async fn a_clock_that_went_back_still_seals_and_makes_the_next_key_in_time() {
        let identity = identity();
        identity.token_keys_to_seal(day(100)).await.unwrap();
        for (now, keys, sealing) in
            [(90, &[1][..], 1), (70, &[1, 2], 1), (71, &[1, 2], 2), (78, &[2], 2), (100, &[2, 3], 2)]
        {
            assert_eq!(standing(&identity, day(now)).await, (keys.to_vec(), Some(sealing)), "day {now}");
        }
    }

    #[tokio::test]
    async fn the_secret_is_bound_to_its_row_and_sealed_anew_with_the_keyring() {
        let identity = identity();
        identity.token_keys_to_seal(day(0)).await.unwrap();
        let (first, second) = (path::session_token_key(1).unwrap(), path::session_token_key(2).unwrap());
        let row = identity.records.read_bytes(&first).await.unwrap().unwrap().value;
        let keyring = identity.records.keyring();
        assert_eq!(rewrap(&keyring, &first, &row), Ok(None));
        assert_eq!(rewrap(&keyring, &second, &row), Err(Unspecified));
        let rotated = keyring.rotated(Purpose::Credential, day(1)).unwrap();
        let fresh = rewrap(&rotated, &first, &row).unwrap().unwrap();
        let (old, new): (TokenKeyRecord, TokenKeyRecord) =
            (serde_json::from_slice(&row).unwrap(), serde_json::from_slice(&fresh).unwrap());
        assert!(old.created == new.created && old.secret != new.secret);
        assert_eq!(rewrap(&rotated, &first, &fresh), Ok(None));
    }
}
