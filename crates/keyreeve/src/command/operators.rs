//! Commands that a running server carries out, or this process where none runs.

use std::sync::Arc;
use std::time::Duration;

use keyreeve_server::admin_client::{AdminClient, AdminError};
use keyreeve_server::clock::SystemClock;
use keyreeve_server::deployment::{self, Deployment, Folder, Unsealing};
use keyreeve_server::serving::Serving;
use serde_json::{Value, json};

use super::Failure;
use super::given_secret::GivenSecret;
use super::operator::ServerAt;

/// Pause between two looks at work under way.
pub(crate) const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Whoever carries out a command.
pub(crate) enum Operators {
    Server(AdminClient),
    Here(Serving, Deployment),
}

impl Operators {
    /// The running server, or, where none runs, the deployment's files.
    pub(crate) fn reach(at: &ServerAt, secret: &GivenSecret) -> Result<Self, Failure> {
        let client = at.client()?;
        match client.call("BackupStatus", None, &json!({})) {
            Err(AdminError::NotRunning(socket)) if at.socket.is_none() => {
                Self::open(at, secret).map_err(|error| {
                    format!("no server answers at {}, and without one: {error}", socket.display()).into()
                })
            }
            answer => answer.map(|_| Self::Server(client)).map_err(Failure::from),
        }
    }

    /// The deployment's files; refused while a server has them open.
    pub(crate) fn open(at: &ServerAt, secret: &GivenSecret) -> Result<Self, Failure> {
        deployment::harden()?;
        let (config, folder) = (at.config()?, at.folder()?);
        let unsealing = Unsealing::existing(secret.secret(config.as_ref(), Some(&folder))?);
        let serving = Serving::new()?;
        let opened = Deployment::open_for_commands(&folder, &unsealing, Arc::new(SystemClock));
        let opened = serving.block_on(opened)?;
        Ok(Self::Here(serving, opened))
    }

    /// Runs a command.
    pub(crate) fn call(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        match self {
            Self::Server(client) => Ok(client.call(operation, None, input)?),
            Self::Here(serving, deployment) => Ok(serving
                .block_on(deployment.command(operation, input))
                .map_err(|error| error.wire().message.unwrap_or_else(|| error.to_string()))?),
        }
    }
}

impl ServerAt {
    /// The deployment's folder.
    pub(crate) fn folder(&self) -> Result<Folder, Failure> {
        if let Some(config) = self.config()? {
            return Ok(config.folder());
        }
        let variable = || std::env::var_os("KEYREEVE_DATA").map(std::path::PathBuf::from);
        let data = self.data.clone().or_else(variable).unwrap_or_else(crate::cli::default_data);
        Ok(Folder::new(std::path::absolute(data)?))
    }
}
