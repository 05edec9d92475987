//! A ciphertext names a material that this Region lacks: other Regions of the key are asked before anybody hears that it
//! cannot be opened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use tokio::sync::Semaphore;

use super::ask::ANSWER_MAX;
use crate::key_access::{KeyAccess, KeyEntry, Material};
use crate::regions::message::keys::{KeyOfAll, Pull, Pulled};
use crate::regions::{PeerReply, PeerRequest};
use crate::service::Service;

/// Requests that ask other Regions at once: whoever makes up ciphertexts cannot make this Region do nothing else.
const ASKING_MAX: usize = 16;
/// Seconds for which it is remembered that no Region knows a material.
const REMEMBERED_SECONDS: i64 = 30;
/// Materials that are remembered so.
const REMEMBERED_MAX: usize = 10_000;

type Name = (KeyArn, [u8; 16]);

/// Materials that nobody knows, and how many requests may ask.
#[derive(Debug)]
pub(in crate::regions) struct Unknown {
    until: Mutex<HashMap<Name, Timestamp>>,
    turns: Semaphore,
}

impl Default for Unknown {
    fn default() -> Self {
        Self { until: Mutex::default(), turns: Semaphore::new(ASKING_MAX) }
    }
}

impl Unknown {
    fn is_known_to_nobody(&self, name: &Name, now: Timestamp) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.get(name).is_some_and(|until| now < *until && *until <= now.plus_seconds(REMEMBERED_SECONDS))
    }

    fn remember(&self, name: Name, now: Timestamp) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() >= REMEMBERED_MAX {
            until.retain(|_, until| now < *until);
        }
        if until.len() < REMEMBERED_MAX {
            until.insert(name, now.plus_seconds(REMEMBERED_SECONDS));
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
        if others.is_empty() || unknown.is_known_to_nobody(&name, now) {
            return Ok(None);
        }
        let _turn = unknown.turns.try_acquire().map_err(|_| KmsError::DependencyTimeout)?;
        let key = KeyOfAll { account: entry.arn.account, key_id: entry.arn.key_id };
        let request = PeerRequest::Pull(Pull { key, prefix: hex::encode(prefix) });
        let mut away = false;
        for region in &others {
            match self.ask_within(own, region, &request, ANSWER_MAX).await {
                Ok(PeerReply::Pull(pulled)) => {
                    let Pulled::Known(sealed) = *pulled else { continue };
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
        unknown.remember(name, now);
        Ok(None)
    }
}
