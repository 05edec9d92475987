//! The secret that opens a root key, for commands that work on files themselves.

use std::path::PathBuf;

use clap::Args;
use keyreeve_server::config::{Config, Unseal};
use keyreeve_server::deployment::{Folder, Secret};

use super::Failure;

/// What opens the root key. Without any of these: what the configuration says, or else root.key in the folder.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "What opens the root key")]
pub(crate) struct GivenSecret {
    /// Key file.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File, mode 0600, that holds the passphrase.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Asks for the passphrase.
    #[arg(long)]
    passphrase: bool,
}

impl GivenSecret {
    /// Fetches it.
    pub(crate) fn secret(&self, config: Option<&Config>, folder: Option<&Folder>) -> Result<Secret, Failure> {
        Ok(self.unseal(config, folder)?.secret()?)
    }

    fn unseal(&self, config: Option<&Config>, folder: Option<&Folder>) -> Result<Unseal, Failure> {
        if let Some(path) = &self.key_file {
            return Ok(Unseal::KeyFile(std::path::absolute(path)?));
        }
        if let Some(path) = &self.passphrase_file {
            return Ok(Unseal::PassphraseFile(path.clone()));
        }
        if self.passphrase {
            return Ok(Unseal::Prompt);
        }
        match (config, folder) {
            (Some(config), _) => Ok(config.unseal.clone()),
            (None, Some(folder)) => Ok(Unseal::KeyFile(folder.key_file())),
            (None, None) => {
                Err("say what opens the root key: --key-file, --passphrase-file or --passphrase".into())
            }
        }
    }
}
