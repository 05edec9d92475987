//! What an operation is given besides its request: the caller, the time, and the service's parts.

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::timestamp::Timestamp;

use crate::caller::Caller;
use crate::service::Service;

/// One request's desk.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) service: &'a Service,
    pub(crate) caller: &'a Caller,
    pub(crate) now: Timestamp,
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
