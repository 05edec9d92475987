//! `keyreeve restore`: a deployment from a backup, which serves once its roll-back was accepted.

use std::path::PathBuf;

use clap::Args;
use keyreeve_server::backup;
use keyreeve_server::clock::SystemClock;
use keyreeve_server::config::Config;
use keyreeve_server::deployment::{self, Folder, Unsealing};
use keyreeve_server::serving::Serving;

use super::Failure;
use super::given_secret::GivenSecret;
use crate::progress::Bar;
use crate::terminal;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyreeve restore /backups/monday.keyreeve --data /var/lib/keyreeve --key-file /media/usb/root.key\n  keyreeve restore /backups/monday.keyreeve --config keyreeve.toml\n\nEverything in the backup is opened before anything is written. Whatever was changed after the backup is gone:\n`serve` and `dev` start on it only after `keyreeve accept-rollback`."
)]
pub(crate) struct Restore {
    /// The backup.
    file: PathBuf,
    /// Configuration that `serve` will use.
    #[arg(long, value_name = "FILE", conflicts_with = "data", required_unless_present = "data")]
    config: Option<PathBuf>,
    /// Folder without a deployment.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    secret: GivenSecret,
}

pub(crate) fn run(arguments: &Restore) -> Result<(), Failure> {
    deployment::harden()?;
    let config = arguments.config.as_deref().map(|path| Config::load(Some(path))).transpose()?;
    let folder = match (&config, &arguments.data) {
        (Some(config), _) => config.folder(),
        (None, Some(data)) => Folder::new(std::path::absolute(data)?),
        (None, None) => return Err("say where: --config FILE or --data FOLDER".into()),
    };
    let unsealing = Unsealing::existing(arguments.secret.secret(config.as_ref(), Some(&folder))?);
    let bar = Bar::bytes();
    let mut progress = |done, all| bar.show(done, all);
    let restored = backup::restore(&arguments.file, &folder, &unsealing, &SystemClock, &mut progress);
    let restored = Serving::new()?.block_on(restored)?;
    bar.clear();
    let place = match &arguments.config {
        Some(path) => format!("--config {}", path.display()),
        None => format!("--data {}", folder.path().display()),
    };
    terminal::print(&format!(
        "{}\nRestored into {}.\n\nNext: make sure that its key file or passphrase is where `serve` or `dev` looks for it \
         (root.key in the folder, unless the configuration says otherwise), then\n\n  keyreeve accept-rollback {place}",
        super::backup::described(&restored),
        folder.path().display(),
    ));
    Ok(())
}
