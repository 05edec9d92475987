//! Forced promotion: this Region becomes the primary of keys whose primary is lost. Who confirmed it is checked before.

use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::region::Region;

use crate::desk::Desk;
use crate::key_access::Promotions;
use crate::service::Service;

/// Which multi-Region keys are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySelection {
    /// Every one whose primary is in the lost Region.
    All,
    /// This one, if it still is at this epoch.
    Key {
        /// Which.
        id: KeyId,
        /// As the request for the confirmation named it.
        epoch: u64,
    },
}

impl Service {
    /// The epoch of a replica in the Region, for the request that operators sign.
    ///
    /// # Errors
    /// [`KmsError::Refused`] where there is no such replica, or its primary is not in the lost Region; store errors.
    pub(crate) async fn epoch_of_replica(
        &self,
        region: &Region,
        key: KeyId,
        lost: &Region,
    ) -> Result<u64, KmsError> {
        self.keys.epoch_of_replica(region, key, lost).await
    }

    /// Makes the Region of the request the primary of the selected keys whose primary is in the lost Region; answers which
    /// they are, and which could not be promoted. The record of each names the operators who signed. Idempotent.
    ///
    /// # Errors
    /// [`KmsError::Refused`] for a key that is no replica of that Region's; store errors.
    pub(crate) async fn force_promote(
        &self,
        desk: &Desk<'_>,
        keys: &KeySelection,
        (lost, signers): (&Region, &[String]),
    ) -> Result<Promotions, KmsError> {
        self.keys.force_promote(desk, keys, (lost, signers)).await
    }
}
