//! What every command to a running server shares: which server, and how to reach it.

use std::path::PathBuf;

use clap::Args;
use keyreeve_server::admin_client::AdminClient;
use keyreeve_server::config::Config;

use super::Failure;

/// Which server. Without any of these: what `$KEYREEVE_CONFIG` or `$KEYREEVE_DATA` name, or else the one that
/// `keyreeve dev` started in its usual folder.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which server")]
pub(crate) struct ServerAt {
    /// Configuration file that it was started with [env: KEYREEVE_CONFIG].
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "socket"])]
    pub(crate) config: Option<PathBuf>,
    /// Folder that keeps its keys [env: KEYREEVE_DATA]; by default the folder of `keyreeve dev`.
    #[arg(long, value_name = "FOLDER", conflicts_with = "socket")]
    pub(crate) data: Option<PathBuf>,
    /// Its admin socket.
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
}

impl ServerAt {
    /// The server's configuration, where it was named. A flag wins over every variable.
    pub(crate) fn config(&self) -> Result<Option<Config>, Failure> {
        let flags = self.data.is_some() || self.socket.is_some();
        let variable = || std::env::var_os("KEYREEVE_CONFIG").filter(|_| !flags).map(PathBuf::from);
        let path = self.config.clone().or_else(variable);
        Ok(path.map(|path| Config::load(Some(&path))).transpose()?)
    }

    /// A client of the server.
    pub(crate) fn client(&self) -> Result<AdminClient, Failure> {
        if let Some(socket) = &self.socket {
            return Ok(AdminClient::new(socket.clone()));
        }
        if let Some(config) = self.config()? {
            return Ok(AdminClient::new(config.admin_socket));
        }
        Ok(AdminClient::new(self.folder()?.admin_socket()))
    }
}
