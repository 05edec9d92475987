//! How far this Region and another are apart, for `keyreeve region status`.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use crate::service::Service;

impl Service {
    /// How many keys whose primary is in the own Region the other one has not caught up with.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn keys_behind(&self, own: &Region, other: &Region) -> Result<u64, KmsError> {
        self.keys.keys_behind(own, other).await
    }

    /// When the identities here last agreed with those of their home; `None` where this Region is the home, or never
    /// agreed.
    ///
    /// # Errors
    /// Store errors.
    #[expect(clippy::unused_async, reason = "as its neighbour")]
    pub(crate) async fn identities_agreed(&self) -> Result<Option<Timestamp>, KmsError> {
        Ok(self.identities_standing().and_then(|standing| standing.synced_at))
    }
}
