//! `keyreeve serve`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use keyreeve_server::config::Config;
use keyreeve_server::serve::{self, ServeReady};

use super::Failure;
use crate::terminal;

#[derive(Debug, Args)]
#[command(
    after_help = "Begin with:\n  keyreeve config example > keyreeve.toml\n  keyreeve init --config keyreeve.toml\n  keyreeve serve --config keyreeve.toml\n\nSignals: SIGTERM lets requests finish and stops; SIGHUP reads the certificate again. Every setting is an environment variable too, such as KEYREEVE_LISTEN_ADDRESSES, and that wins."
)]
pub(crate) struct Serve {
    /// The configuration file; without one the environment says everything.
    #[arg(long, value_name = "FILE", env = "KEYREEVE_CONFIG")]
    config: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Serve) -> Result<(), Failure> {
    let config = Config::load(arguments.config.as_deref())?;
    serve::run(&config, |ready| terminal::print(&welcome(ready)))?;
    Ok(())
}

/// One line a fact, so that a script that waits for them can read the ports.
fn welcome(ready: &ServeReady) -> String {
    let mut text = String::new();
    for endpoint in &ready.endpoints {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Serving KMS on {endpoint}");
    }
    if let Some(observe) = &ready.observe {
        let _ = writeln!(text, "Health and metrics on {observe}");
    }
    if let Some(region) = &ready.region {
        let _ = writeln!(text, "Other Regions on {region}");
    }
    let _ = write!(text, "Operators on {}", ready.admin_socket.display());
    text
}
