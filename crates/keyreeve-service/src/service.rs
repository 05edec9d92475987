//! The service: its parts, and the way in for every door.

use std::num::NonZeroUsize;
use std::sync::Arc;

use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_policy::principal::Principal;
use keyreeve_store::{Revision, Store};
use tokio::sync::{Mutex, Semaphore};

use crate::backups::Backups;
use crate::caller::Caller;
use crate::catalogue::Row;
use crate::clock::Clock;
use crate::corridor::Outcome;
use crate::desk::Desk;
use crate::identity::{Identity, IssuerKeys};
use crate::key_access::{KeyAccess, LAST_USES_PER_COMMIT, SeedFault, SeedKey, Seeded};
use crate::premises::Premises;
use crate::records::Records;
use crate::rotation::Rotation;
use crate::usage::{LastUse, UsageTracker};

/// Which Regions a process serves.
#[derive(Debug, Clone)]
pub enum RegionRule {
    /// Every Region of a right form (`dev`).
    Every,
    /// These (`serve`).
    Only(Vec<Region>),
}

impl RegionRule {
    /// Whether the Region is served here.
    pub fn serves(&self, region: &str) -> bool {
        match self {
            Self::Every => keyreeve_model::region::is_region_name(region),
            Self::Only(regions) => regions.iter().any(|served| served.as_str() == region),
        }
    }
}

fn in_memory() -> KmsError {
    KmsError::Refused("this deployment lives in memory: it has no root key and no files".to_owned())
}

/// What a service is made of.
#[derive(Debug)]
pub struct ServiceParts {
    /// Where rows are kept.
    pub store: Arc<dyn Store>,
    /// What they are sealed with.
    pub keyring: Keyring,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// The rules, over one store.
#[derive(Debug)]
pub struct Service {
    pub(crate) keys: KeyAccess,
    pub(crate) usage: UsageTracker<KeyArn, LastUse>,
    pub(crate) slow_lane: Semaphore,
    identity: Identity,
    records: Arc<Records>,
    clock: Arc<dyn Clock>,
    premises: Option<Arc<dyn Premises>>,
    rotation: Option<Rotation>,
    backups: Backups,
    maintenance: Arc<Mutex<()>>,
}

impl Service {
    /// A service over a store that was opened and unsealed.
    pub fn new(parts: ServiceParts) -> Self {
        let records = Arc::new(Records::new(parts.store, parts.keyring));
        Self {
            keys: KeyAccess::new(Arc::clone(&records)),
            usage: UsageTracker::new(),
            slow_lane: Semaphore::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get)),
            identity: Identity::new(Arc::clone(&records)),
            records,
            clock: parts.clock,
            premises: None,
            rotation: None,
            backups: Backups::default(),
            maintenance: Arc::default(),
        }
    }

    /// The service in a deployment that has a root key and files; `stored` is the commit that stored the keyring.
    #[must_use]
    pub fn at(mut self, premises: Arc<dyn Premises>, stored: Revision) -> Self {
        self.records.anchor(stored);
        self.rotation = Some(Rotation::new(Arc::clone(&premises)));
        self.premises = Some(premises);
        self
    }

    /// Asks identity providers for their keys by this from now on. Without it no web identity is known.
    pub fn ask_issuers_by(&self, keys: Arc<dyn IssuerKeys>) {
        self.identity.ask_issuers_by(keys);
    }

    /// Does the work that outlives requests: rotations of the root key, also one that a kill interrupted. Never ends;
    /// to be polled beside serving, and dropped at the stop.
    pub async fn tend(&self) {
        match &self.rotation {
            Some(rotation) => rotation.tend(self).await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn premises(&self) -> Result<&Arc<dyn Premises>, KmsError> {
        self.premises.as_ref().ok_or_else(in_memory)
    }

    pub(crate) fn rotation(&self) -> Result<&Rotation, KmsError> {
        self.rotation.as_ref().ok_or_else(in_memory)
    }

    pub(crate) const fn backups(&self) -> &Backups {
        &self.backups
    }

    /// Held by what must be alone: the beginning of a rotation, and a backup, whose root.json must open its keyring.
    pub(crate) const fn maintenance(&self) -> &Arc<Mutex<()>> {
        &self.maintenance
    }

    /// The identities, for doors that authenticate.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The records, for whoever seals and moves them as a whole.
    pub const fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// Lookups that each cache could not answer since the start, by its name. Hits are not counted: that would write
    /// to memory that all cores share, at each request.
    pub fn cache_misses(&self) -> [(&'static str, u64); 5] {
        let [keys, aliases, owners, grants] = self.keys.cache_misses();
        [
            ("keys", keys),
            ("aliases", aliases),
            ("key_owners", owners),
            ("grants", grants),
            ("access_keys", self.identity.cache_misses()),
        ]
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Answers one request.
    pub async fn call(&self, caller: &Caller, row: &'static Row, body: &[u8]) -> Outcome {
        // The doors see to it already: whoever did not sign reaches only what needs no signature.
        if row.signed == matches!(caller.principal, Principal::Federated(_)) {
            return Err(KmsError::AccessDenied(format!("Not authorized to perform {}", row.name)));
        }
        let desk = Desk { service: self, caller, now: self.clock.now(), row, body };
        (row.run)(&desk).await
    }

    /// Creates a key of a seed file, unless it is there. For `dev`, before it answers.
    ///
    /// # Errors
    /// [`SeedFault`]: a sentence for whoever wrote the file.
    pub async fn seed(&self, key: SeedKey) -> Result<Seeded, SeedFault> {
        self.keys.seed(&self.identity, key, self.clock.now()).await
    }

    /// Removes the rows of keys whose waiting period has passed. To be called every minute; for callers such keys are
    /// gone already.
    pub async fn delete_expired_keys(&self) {
        match self.keys.delete_expired(self.clock.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "keys whose waiting period has passed were deleted"),
            Err(error) => tracing::warn!(%error, "expired keys could not be deleted yet"),
        }
    }

    /// Writes the last uses that were noted since the last flush. To be called now and then, and at the stop:
    /// a crash loses what was noted since.
    pub async fn flush_usage(&self) {
        for batch in self.usage.drain().chunks(LAST_USES_PER_COMMIT) {
            if let Err(error) = self.keys.store_last_uses(batch).await {
                tracing::warn!(%error, count = batch.len(), "last uses of keys could not be written yet");
                batch.iter().for_each(|(arn, last)| self.usage.restore(arn.clone(), last.clone()));
            }
        }
        self.identity.flush_key_uses().await;
    }
}
