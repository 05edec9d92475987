//! What an operation is given besides its request: the caller, the time, and the service's parts.

use std::fmt;

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::timestamp::Timestamp;

use crate::audit::Notes;
use crate::caller::Caller;
use crate::catalogue::Row;
use crate::service::Service;

/// One request's desk.
pub(crate) struct Desk<'a> {
    pub(crate) service: &'a Service,
    pub(crate) caller: &'a Caller,
    pub(crate) now: Timestamp,
    /// The operation.
    pub(crate) row: &'static Row,
    /// The input as it came.
    pub(crate) body: &'a [u8],
    /// What is written down for the request's record.
    pub(crate) notes: &'a Notes,
}

/// Bodies hold plaintext: they are not printed.
impl fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("operation", &self.row.name)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl Desk<'_> {
    /// The ARN of a key of the caller's account and Region.
    pub(crate) fn key_arn(&self, key_id: KeyId) -> KeyArn {
        KeyArn { region: self.caller.region.clone(), account: self.caller.account(), key_id }
    }

    /// The ARN of an alias of the caller's account and Region.
    pub(crate) fn alias_arn(&self, name: AliasName) -> AliasArn {
        AliasArn { region: self.caller.region.clone(), account: self.caller.account(), name }
    }

    /// Runs slow cryptography off the I/O threads, at most one piece a core at a time: more would only take turns.
    pub(crate) async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, KmsError> + Send + 'static,
    ) -> Result<T, KmsError> {
        let _turn = self.service.slow_lane.acquire().await.map_err(|_| KmsError::Internal)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| KmsError::Internal)?
    }
}
