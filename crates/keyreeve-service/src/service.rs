//! The service: its parts, and the way in for every door.

use std::sync::Arc;

use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::region::Region;
use keyreeve_store::Store;

use crate::caller::Caller;
use crate::catalogue::Row;
use crate::clock::Clock;
use crate::corridor::Outcome;
use crate::desk::Desk;
use crate::identity::Identity;
use crate::key_access::KeyAccess;
use crate::records::Records;
use crate::usage::UsageTracker;

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
    pub(crate) usage: UsageTracker,
    identity: Identity,
    records: Arc<Records>,
    clock: Arc<dyn Clock>,
}

impl Service {
    /// A service over a store that was opened and unsealed.
    pub fn new(parts: ServiceParts) -> Self {
        let records = Arc::new(Records::new(parts.store, parts.keyring));
        Self {
            keys: KeyAccess::new(Arc::clone(&records)),
            usage: UsageTracker::new(),
            identity: Identity::new(Arc::clone(&records)),
            records,
            clock: parts.clock,
        }
    }

    /// The identities, for doors that authenticate.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The records, for whoever seals and moves them as a whole.
    pub const fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Answers one request.
    pub async fn call(&self, caller: &Caller, row: &'static Row, body: &[u8]) -> Outcome {
        let desk = Desk { service: self, caller, now: self.clock.now() };
        (row.run)(&desk, row, body).await
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

    /// Writes the last uses that were noted since the last flush. To be called every few seconds and at the stop.
    pub async fn flush_usage(&self) {
        for (arn, last) in self.usage.drain() {
            if let Err(error) = self.keys.store_last_use(&arn, &last).await {
                tracing::warn!(%error, key = %arn, "the last use of a key could not be written yet");
                self.usage.restore(arn, last);
            }
        }
    }
}
