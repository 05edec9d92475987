//! A ciphertext names a material that this Region lacks: other Regions of the key are asked before anybody hears that it
//! cannot be opened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use super::ask::ANSWER_MAX;
use crate::key_access::{KeyAccess, KeyEntry, Material};
use crate::regions::message::keys::{KeyOfAll, Pull, Pulled};
use crate::regions::{PeerReply, PeerRequest};
use crate::service::Service;

/// Requests that ask other Regions about one key at once: whoever makes up ciphertexts of it holds up no other key.
const ASKING_MAX: usize = 4;
/// Seconds for which it is remembered that no Region knows a material.
const NOBODY_SECONDS: i64 = 30;
/// Seconds for which it is remembered that one Region does not, while another is away.
const DENIED_SECONDS: i64 = 5;
/// Materials that are remembered so.
const REMEMBERED_MAX: usize = 10_000;

type Name = (KeyArn, [u8; 16]);
/// A material, and who does not know it; `None` for nobody who does.
type Denied = (Name, Option<Region>);

/// Materials that are not known, and who asks.
#[derive(Debug, Default)]
pub(in crate::regions) struct Unknown {
    until: Mutex<HashMap<Denied, Timestamp>>,
    asking: Mutex<HashMap<KeyArn, usize>>,
}

/// One request that asks about a key.
#[derive(Debug)]
struct Turn<'a> {
    unknown: &'a Unknown,
    key: KeyArn,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut asking = self.unknown.asking.lock().unwrap_or_else(PoisonError::into_inner);
        match asking.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(asking.remove(&self.key)),
        }
    }
}

impl Unknown {
    fn turn(&self, key: &KeyArn) -> Option<Turn<'_>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let count = asking.entry(key.clone()).or_default();
        if *count >= ASKING_MAX {
            return None;
        }
        *count += 1;
        Some(Turn { unknown: self, key: key.clone() })
    }

    fn is_denied(&self, denied: &Denied, now: Timestamp) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.get(denied).is_some_and(|until| now < *until && *until <= now.plus_seconds(NOBODY_SECONDS))
    }

    fn remember(&self, denied: Denied, now: Timestamp) {
        let seconds = if denied.1.is_some() { DENIED_SECONDS } else { NOBODY_SECONDS };
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() >= REMEMBERED_MAX {
            until.retain(|_, until| now < *until);
        }
        if until.len() < REMEMBERED_MAX {
            until.insert(denied, now.plus_seconds(seconds));
        }
    }
}

impl Service {
    /// The material, if another Region of the key has it. `None` when all answered and none does.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`] when one that may have it does not answer.
    pub(crate) async fn pull_material(
        &self,
        entry: &KeyEntry,
        prefix: &[u8; 16],
    ) -> Result<Option<Arc<Material>>, KmsError> {
        let others = KeyAccess::regions_to_ask(entry);
        let (unknown, now, own) = (&self.regions().unknown, self.clock().now(), &entry.arn.region);
        let name = (entry.arn.clone(), *prefix);
        if others.is_empty() || unknown.is_denied(&(name.clone(), None), now) {
            return Ok(None);
        }
        let _turn = unknown.turn(&entry.arn).ok_or(KmsError::DependencyTimeout)?;
        let key = KeyOfAll { account: entry.arn.account, key_id: entry.arn.key_id };
        let request = PeerRequest::Pull(Pull { key, prefix: hex::encode(prefix) });
        let mut away = false;
        for region in &others {
            let denied = (name.clone(), Some(region.clone()));
            if unknown.is_denied(&denied, now) {
                continue;
            }
            match self.ask_within(own, region, &request, ANSWER_MAX).await {
                Ok(PeerReply::Pull(pulled)) => {
                    let Pulled::Known(sealed) = *pulled else {
                        unknown.remember(denied, now);
                        continue;
                    };
                    match self.keys.keep_pulled(self.regions(), entry, region, prefix, &sealed, now).await {
                        Ok(Some(material)) => return Ok(Some(material)),
                        Ok(None) => {}
                        Err(error) => {
                            tracing::error!(key = %entry.arn, %region, %error, "a material that another Region gave is not used");
                            away = true;
                        }
                    }
                }
                answer => {
                    tracing::warn!(key = %entry.arn, %region, ?answer, "a Region that may have a material does not answer");
                    away = true;
                }
            }
        }
        if away {
            return Err(KmsError::DependencyTimeout);
        }
        unknown.remember((name, None), now);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use keyreeve_model::key_id::KeyId;
    use keyreeve_model::region::AccountId;

    use super::*;

    fn key(number: u8) -> KeyArn {
        let region = Region::parse("eu-west-1").unwrap();
        KeyArn { region, account: AccountId::ZERO, key_id: KeyId::new([number; 16], true) }
    }

    #[test]
    fn whoever_asks_about_one_key_for_ever_holds_up_no_other() {
        let unknown = Unknown::default();
        let mut turns: Vec<_> = (0..ASKING_MAX).map(|_| unknown.turn(&key(1)).unwrap()).collect();
        assert!(unknown.turn(&key(1)).is_none());
        assert!(unknown.turn(&key(2)).is_some());
        turns.pop();
        assert!(unknown.turn(&key(1)).is_some());
        turns.clear();
        assert!(unknown.asking.lock().unwrap().is_empty());
    }

    #[test]
    fn what_one_region_denied_is_remembered_for_a_while() {
        let (unknown, now) = (Unknown::default(), Timestamp::from_millis(0));
        let region = || Some(Region::parse("us-east-1").unwrap());
        let name = (key(1), [7; 16]);
        unknown.remember((name.clone(), region()), now);
        assert!(unknown.is_denied(&(name.clone(), region()), now.plus_seconds(DENIED_SECONDS - 1)));
        assert!(!unknown.is_denied(&(name.clone(), region()), now.plus_seconds(DENIED_SECONDS)));
        assert!(!unknown.is_denied(&(name.clone(), None), now), "another Region may know it");
        unknown.remember((name.clone(), None), now);
        assert!(unknown.is_denied(&(name, None), now.plus_seconds(NOBODY_SECONDS - 1)));
    }
}
