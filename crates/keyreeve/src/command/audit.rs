//! `keyreeve audit`: the audit log of a deployment, read from its files; the server need not run.

mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyreeve_server::audit::{self, Input, Report};
use serde_json::json;

use super::Failure;
use super::given_secret::GivenSecret;
use super::operator::ServerAt;
use super::operators::Operators;
use crate::progress::Bar;
use crate::terminal;

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Checks that no record was altered, removed, inserted or reordered, and names the first that was.
    Verify(Verify),
    /// Prints records as JSON lines.
    Show(show::Show),
    /// Copies the log into an empty folder, where `audit verify --folder` checks it.
    Export(Export),
}

/// Which log.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which log")]
struct LogAt {
    /// Folder of the log itself, such as an exported one.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["config", "data", "socket"])]
    folder: Option<PathBuf>,
    #[command(flatten)]
    server: ServerAt,
}

impl LogAt {
    fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => self.server.folder()?.audit(),
        };
        if folder.is_dir() { Ok(folder) } else { Err(format!("{}: no such folder", folder.display()).into()) }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyreeve audit verify --config keyreeve.toml --store\n  aws cloudtrail list-public-keys > keys.json\n  keyreeve audit verify --folder /copies/audit --keys keys.json --head head.json\n\nWhat is checked depends on what is given. The chain of hashes shows every change by somebody who did not compute the chain again; --keys shows that as well; --head, kept on another machine, shows that the end is missing, or that everything was rolled back; --store takes keys and head from the deployment, and also shows rows of its store that were removed, put back or brought back to life. What could not be checked is said.\n\nThe exit code is 0 when everything that was checked is right, and 1 otherwise; the first bad record is named."
)]
pub(crate) struct Verify {
    /// Public keys that sign the log: the answer of `aws cloudtrail list-public-keys`, or PEM.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// A signed head that was kept elsewhere: of a delivered digest, its `.metadata.json` or what `aws s3api
    /// head-object` says; or the JSON of a Head record.
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Asks the deployment itself, running or not, for its keys and the head that it committed last, and compares every
    /// row of its store with the log.
    #[arg(long, conflicts_with = "folder")]
    store: bool,
    #[command(flatten)]
    secret: GivenSecret,
    #[command(flatten)]
    log: LogAt,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  keyreeve audit export /copies/audit-2026 --config keyreeve.toml\n  keyreeve audit verify --folder /copies/audit-2026 --keys keys.json"
)]
pub(crate) struct Export {
    /// Folder to copy into: a new or an empty one.
    to: PathBuf,
    #[command(flatten)]
    log: LogAt,
}

pub(crate) fn run(command: &Audit) -> Result<(), Failure> {
    match command {
        Audit::Verify(arguments) => verify(arguments),
        Audit::Show(arguments) => show::run(arguments),
        Audit::Export(arguments) => export(arguments),
    }
}

fn verify(arguments: &Verify) -> Result<(), Failure> {
    let folder = arguments.log.folder()?;
    let named = |path: &PathBuf, error: std::io::Error| format!("{}: {error}", path.display());
    let keys = arguments.keys.as_ref().map(|path| audit::keys_of(path).map_err(|error| named(path, error)));
    let head = arguments.head.as_ref().map(|path| audit::head_of(path).map_err(|error| named(path, error)));
    let mut input = Input { folder, keys: keys.transpose()?, anchor: head.transpose()? };
    let mut disagreements = Vec::new();
    if arguments.store {
        let answer =
            Operators::reach(&arguments.log.server, &arguments.secret)?.call("VerifyAudit", &json!({}))?;
        let said = audit::said_by_deployment(&answer)
            .map_err(|error| format!("the deployment's answer: {error}"))?;
        input.keys = input.keys.or(said.keys);
        input.anchor = input.anchor.or(said.head);
        disagreements = said.disagreements;
    }
    let bar = Bar::bytes();
    let report = audit::verify(&input, &mut |done, all| bar.show(done, all));
    bar.clear();
    let report = report.map_err(|error| named(&input.folder, error))?;
    terminal::print(&described(&report));
    disagreements.iter().for_each(|sentence| terminal::print(sentence));
    match report.finding {
        Some(finding) => Err(format!("the audit log is NOT intact: {finding}").into()),
        None if !disagreements.is_empty() => {
            Err(format!("{} rows of the store do not agree with the audit log", disagreements.len()).into())
        }
        None if arguments.store => {
            terminal::print("Every row of the store is as the log says.");
            Ok(())
        }
        None => Ok(()),
    }
}

/// What was seen, and what could not be.
fn described(report: &Report) -> String {
    let Report { segments, entries, heads, first, last, bytes, .. } = report;
    let size = crate::progress::size(*bytes);
    let mut lines = Vec::new();
    if report.finding.is_none() {
        lines.push(format!(
            "Records {} to {} are as they were written: {entries} entries and {heads} signed heads in {segments} files, {size}.",
            first.0, last.0
        ));
        if let Some(head) = &report.newest_head {
            let time = terminal::moment(head.time);
            lines.push(format!("The newest signed head is for record {}, {time}.", head.place.0));
        }
    } else {
        lines.push(format!("Records {} to {} are as they were written.", first.0, last.0));
    }
    lines.extend(report.notes.iter().map(ToString::to_string));
    lines.join("\n")
}

fn export(arguments: &Export) -> Result<(), Failure> {
    let folder = arguments.log.folder()?;
    let bar = Bar::bytes();
    let copied = audit::copy_out(&folder, &arguments.to, &mut |done, all| bar.show(done, all));
    bar.clear();
    let to = arguments.to.display();
    let count = copied.map_err(|error| format!("{to}: {error}"))?;
    terminal::print(&format!("{count} files are in {to}.\nCheck them: keyreeve audit verify --folder {to}"));
    Ok(())
}
