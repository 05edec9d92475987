//! `keyreeve backup`: one sealed file that holds the deployment as it is now; and whether such a file is good.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyreeve_server::backup::{self, Checked};
use keyreeve_server::deployment::{self, Unsealing};
use keyreeve_server::serving::Serving;
use serde_json::{Value, json};

use super::Failure;
use super::given_secret::GivenSecret;
use super::operator::ServerAt;
use super::operators::{LOOK_PAUSE, Operators};
use crate::progress::Bar;
use crate::terminal;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  keyreeve backup /backups/monday.keyreeve --config keyreeve.toml     while it serves\n  keyreeve backup verify /backups/monday.keyreeve --key-file root.key\n\nThe file is sealed and opens with the key file or passphrase that the deployment has now: keep a copy of that secret elsewhere. Without a running server the command reads the deployment itself."
)]
pub(crate) struct Backup {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// File to write; an existing one is never replaced.
    #[arg(required = true)]
    file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerAt,
    #[command(flatten)]
    secret: GivenSecret,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Opens every section and every row of a backup, and changes nothing.
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    server: ServerAt,
    #[command(flatten)]
    secret: GivenSecret,
}

pub(crate) fn run(arguments: &Backup) -> Result<(), Failure> {
    match (&arguments.command, &arguments.file) {
        (Some(BackupCommand::Verify(verify)), _) => check(verify),
        (None, Some(file)) => write(arguments, std::path::absolute(file)?),
        (None, None) => Err("say which file to write".into()),
    }
}

fn write(arguments: &Backup, file: PathBuf) -> Result<(), Failure> {
    let operators = Operators::reach(&arguments.server, &arguments.secret)?;
    let path = file.to_str().ok_or("the file's name is not UTF-8")?;
    operators.call("StartBackup", &json!({"Path": path}))?;
    let bar = Bar::bytes();
    let last = loop {
        let status = operators.call("BackupStatus", &json!({}))?;
        let number = |name| status.get(name).and_then(Value::as_u64).unwrap_or_default();
        bar.show(number("BytesDone"), number("BytesTotal"));
        if status.get("State").and_then(Value::as_str) != Some("Running") {
            break status;
        }
        std::thread::sleep(LOOK_PAUSE);
    };
    bar.clear();
    if let Some(trouble) = last.get("Trouble").and_then(Value::as_str) {
        return Err(trouble.into());
    }
    let summary = last.get("Summary").unwrap_or(&Value::Null);
    let number = |name| summary.get(name).and_then(Value::as_u64).unwrap_or_default();
    terminal::print(&format!(
        "{path}: {} rows at revision {}, {}, verified.\nIt opens with the secret that opens the deployment now: keep a copy of that elsewhere.",
        number("Rows"),
        number("Revision"),
        crate::progress::size(number("Bytes")),
    ));
    Ok(())
}

fn check(arguments: &Verify) -> Result<(), Failure> {
    deployment::harden()?;
    let (config, folder) = (arguments.server.config()?, arguments.server.folder()?);
    let unsealing = Unsealing::existing(arguments.secret.secret(config.as_ref(), Some(&folder))?);
    let bar = Bar::bytes();
    let mut progress = |done, all| bar.show(done, all);
    let checked = backup::verify(&arguments.file, &unsealing, &mut progress);
    let checked = Serving::new()?.block_on(checked)?;
    bar.clear();
    terminal::print(&format!("{} is good.\n{}", arguments.file.display(), described(&checked)));
    Ok(())
}

/// What a backup holds, for people.
pub(super) fn described(checked: &Checked) -> String {
    let manifest = &checked.manifest;
    let mut text = format!(
        "Backup {} of a deployment for `{}`: written {}, {} rows at revision {}.",
        manifest.backup_id,
        manifest.kind,
        terminal::moment(manifest.backed_up),
        manifest.rows,
        manifest.revision,
    );
    if !checked.unreadable.is_empty() {
        text.push_str("\nRows that had been altered before the backup was written, and do not open:");
        checked.unreadable.iter().for_each(|path| text.push_str(&format!("\n  {path}")));
    }
    text
}
