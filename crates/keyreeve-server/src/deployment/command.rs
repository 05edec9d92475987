//! Operators' commands where no server runs: the deployment is opened, its lock taken, and the command walks the same
//! corridor as through the admin socket.

use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_service::caller::{Caller, Principal};
use keyreeve_service::catalogue::{Api, find};
use keyreeve_service::clock::Clock;
use keyreeve_store::OpenError;
use serde_json::Value;
use uuid::Uuid;

use super::{AuditSettings, Deployment, DeploymentError, Folder, Mode, Unsealing};

use crate::serving::RunError;

/// The Region of commands that name none.
const REGION: &str = "us-east-1";

/// Keeps other processes and core files off the secrets of a command. To be called before one is read.
///
/// # Errors
/// [`RunError::Hardening`].
pub fn harden() -> Result<(), RunError> {
    crate::hardening::apply(crate::hardening::Memory::Arena)
}

impl Deployment {
    /// Opens a deployment of either mode to run commands on it, also one whose roll-back nobody accepted yet.
    ///
    /// # Errors
    /// [`DeploymentError`]: sentences for the operator.
    pub async fn open_for_commands(
        folder: &Folder,
        unsealing: &Unsealing,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DeploymentError> {
        if !folder.is_initialised() {
            return Err(DeploymentError::NotInitialised(folder.path().to_owned()));
        }
        let audit = AuditSettings::of(Mode::Serve);
        match Self::open_accepted(folder, Mode::Serve, unsealing, Arc::clone(&clock), &audit).await {
            Err(DeploymentError::Open(OpenError::OtherKind { found, .. })) if found == Mode::Dev.kind() => {
                Self::open_accepted(folder, Mode::Dev, unsealing, clock, &AuditSettings::of(Mode::Dev)).await
            }
            opened => opened,
        }
    }

    /// Runs one operators' command.
    ///
    /// # Errors
    /// As the command.
    pub async fn command(&self, operation: &str, input: &Value) -> Result<Value, KmsError> {
        let row = find(Api::Operator, operation).ok_or(KmsError::UnknownOperation)?;
        let region = Region::parse(REGION).ok_or(KmsError::Internal)?;
        let principal = Principal::Operator(rustix::process::getuid().as_raw());
        let caller = Caller::bare(principal, region, Uuid::new_v4());
        let answer = self.service.call(&caller, row, input.to_string().as_bytes()).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|_| KmsError::Internal)
    }
}
