//! `keyreeve config`: what a configuration comes to, and one to begin with.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyreeve_server::config;
use keyreeve_server::config::Config;
use keyreeve_server::tls::TlsServer;

use super::Failure;
use crate::terminal;

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Configuration {
    /// Says what is wrong with a configuration, or prints what is in effect, defaults and environment included.
    #[command(
        after_help = "Examples:\n  keyreeve config check --config keyreeve.toml\n  KEYREEVE_LIMITS_CONNECTIONS=500 keyreeve config check --config keyreeve.toml\n\nNo secret stands in a configuration, so none is printed. Exit status 1: it cannot be used."
    )]
    Check(Check),
    /// Prints a configuration with every setting explained.
    #[command(after_help = "Example:\n  keyreeve config example > keyreeve.toml")]
    Example,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration file; without one the environment says everything.
    #[arg(long, value_name = "FILE", env = "KEYREEVE_CONFIG")]
    config: Option<PathBuf>,
}

pub(crate) fn run(command: Configuration) -> Result<(), Failure> {
    match command {
        Configuration::Check(arguments) => check(&arguments),
        Configuration::Example => {
            terminal::print(config::example().trim_end());
            Ok(())
        }
    }
}

fn check(arguments: &Check) -> Result<(), Failure> {
    let config = Config::load(arguments.config.as_deref())?;
    if let Some(files) = &config.tls {
        TlsServer::from_pem_files(&files.certificate, &files.key)?;
    }
    terminal::print(&config.to_string());
    if !config.folder().is_initialised() {
        tracing::warn!("there is no deployment in {} yet: `keyreeve init` makes it", config.data.display());
    }
    Ok(())
}
