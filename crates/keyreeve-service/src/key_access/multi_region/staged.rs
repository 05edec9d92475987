//! Staged rotation of a key with replicas: new material waits until every replica that answers can decrypt with it; then
//! it encrypts. A replica that is away catches up.

use keyreeve_model::algorithm::Origin;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::rotation::RotationType;
use keyreeve_model::timestamp::Timestamp;

use super::regions_of;
use crate::key_access::{KeyAccess, KeyEntry};

/// Seconds that new material waits for replicas that do not answer.
const STAGING_GRACE_SECONDS: i64 = 120;

impl KeyAccess {
    /// Whether generated material waits to encrypt.
    pub(super) fn has_staged(&self, entry: &KeyEntry) -> bool {
        entry.record.origin == Origin::AwsKms && entry.record.pending_material.is_some()
    }

    /// Lets it encrypt, if every replica has it or was given time enough; answers whether it did.
    pub(super) async fn activate_staged(&self, entry: &KeyEntry, now: Timestamp) -> Result<bool, KmsError> {
        let regions = regions_of(&entry.arn, &entry.record);
        if !self.has_staged(entry) || regions.demoting.is_some() {
            return Ok(false);
        }
        let read = self.replication(&entry.arn).await?;
        // Whoever answers is waited for; who has been silent for long is not.
        let silent = |region: &Region| {
            let since = read.of(region).behind_since;
            since.is_some_and(|since| since.plus_seconds(STAGING_GRACE_SECONDS) <= now)
        };
        let mut replicas = regions.replicas.iter().map(|replica| &replica.region);
        if !replicas.all(|region| read.is_up_to_date(&regions, region) || silent(region)) {
            return Ok(false);
        }
        let kind = if entry.record.on_demand.started.is_some() {
            RotationType::OnDemand
        } else {
            RotationType::Automatic
        };
        self.activate(entry, kind, now).await
    }
}
