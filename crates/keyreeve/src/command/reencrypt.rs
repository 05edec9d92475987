//! `keyreeve reencrypt`: ciphertexts move to the newest material of their key, or to another key, without being decrypted
//! here.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use keyreeve_client::Kms;
use keyreeve_client::sweep::{self, Journal, Plan, Tally};

use super::Failure;
use super::endpoint::{Endpoint, SETTINGS_HELP};
use crate::progress::Bar;
use crate::table::plain;
use crate::terminal;

/// What to re-encrypt, and how.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct Reencrypt {
    /// Files of one ciphertext each, raw or base64; folders of such files, with all folders in them. Names that begin with
    /// a dot are passed over.
    #[arg(value_name = "PATH", required_unless_present = "list", conflicts_with_all = ["list", "output"])]
    paths: Vec<PathBuf>,
    /// List of ciphertexts in base64; - reads standard input. A line is BLOB, ID<TAB>BLOB, or ID<TAB>BLOB<TAB>CONTEXT with
    /// further encryption context as a JSON object.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Where the list goes with its new ciphertexts: the same lines in the same order.
    #[arg(long, value_name = "FILE", requires = "list")]
    output: Option<PathBuf>,
    /// Key that the ciphertexts are under: id, ARN or alias. Those of Keyreeve say it themselves; AWS's need it.
    #[arg(long, value_name = "KEY")]
    key_id: Option<String>,
    /// Key that they shall be under; by default the same, with its newest material.
    #[arg(long, value_name = "KEY")]
    to_key: Option<String>,
    /// Encryption context of every ciphertext, before and after; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    encryption_context: Vec<(String, String)>,
    /// File of more of it: a JSON object of texts.
    #[arg(long, value_name = "FILE")]
    context_from: Option<PathBuf>,
    /// Counts what there is to do. Only DescribeKey is sent, and nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// Journal, by which a sweep that ended early goes on [default: .keyreeve-reencrypt in the first folder or beside the
    /// first file; beside the output of a list].
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Requests at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    #[command(flatten)]
    endpoint: Endpoint,
}

fn help() -> String {
    format!(
        "Examples:\n  keyreeve reencrypt secrets/ --dry-run\n  keyreeve reencrypt secrets/ config/db.enc\n  \
         keyreeve reencrypt secrets/ --to-key alias/new --encryption-context app=shop\n  \
         keyreeve reencrypt --list column.tsv --output new.tsv\n\n\
         A file is replaced as a whole, with mode and owner as before: whenever the sweep ends, each is the old or the new, \
         and both decrypt. Run it again and it goes on; when everything is done it does nothing. Ciphertexts of Keyreeve \
         show which material they are under, and those under the newest are passed over.\n\n\
         It needs kms:ReEncryptFrom and kms:ReEncryptTo, and kms:DescribeKey to know the newest material.\n\n{SETTINGS_HELP} \
         So the same command sweeps from AWS: --key-id and --to-key then name keys there."
    )
}

fn pair(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "write it as KEY=VALUE".to_owned())
}

pub(crate) fn run(arguments: &Reencrypt) -> Result<(), Failure> {
    let plan = Plan {
        source_key: arguments.key_id.clone(),
        to_key: arguments.to_key.clone(),
        context: context(arguments)?,
        dry_run: arguments.dry_run,
    };
    match &arguments.list {
        Some(list) => of_list(arguments, &plan, list),
        None => of_files(arguments, &plan),
    }
}

fn context(arguments: &Reencrypt) -> Result<BTreeMap<String, String>, Failure> {
    let mut context = BTreeMap::new();
    if let Some(path) = &arguments.context_from {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
        context = serde_json::from_str(&text).map_err(|error| named(&error))?;
    }
    context.extend(arguments.encryption_context.iter().cloned());
    Ok(context)
}

fn of_files(arguments: &Reencrypt, plan: &Plan) -> Result<(), Failure> {
    let found =
        sweep::find(&arguments.paths).map_err(|(path, error)| format!("{}: {error}", path.display()))?;
    let journal = journal(arguments, sweep::journal_beside_files(&arguments.paths))?;
    let callers = callers(arguments, found.files.len())?;
    let bar = Bar::ciphertexts();
    let tally = sweep::sweep_files(plan, &journal, &found, callers, &|done, all| bar.show(done, all));
    bar.clear();
    let mut text = summary(&tally);
    if found.links > 0 {
        text.push_str(&format!("\n{} symbolic links were not followed.", found.links));
    }
    ended(&tally, text, journal.close().as_deref())
}

fn of_list(arguments: &Reencrypt, plan: &Plan, list: &Path) -> Result<(), Failure> {
    let output = match (&arguments.output, plan.dry_run) {
        // It would stand among what is said of the sweep.
        (Some(output), _) if output == Path::new("-") => {
            return Err("--output - : the list goes into a file; say which".into());
        }
        // Before anything is asked, as it cannot be written afterwards.
        (Some(output), _) => {
            sweep::output_target(output).map_err(|error| format!("{}: {error}", output.display()))?
        }
        (None, true) => PathBuf::from("output"),
        (None, false) => return Err("say where the list goes: --output FILE".into()),
    };
    let text = list_text(list)?;
    let journal = journal(arguments, sweep::journal_beside_list(&output))?;
    let callers = callers(arguments, text.lines().count())?;
    let bar = Bar::ciphertexts();
    let (tally, lines) = sweep::sweep_list(plan, &journal, &text, callers, &|done, all| bar.show(done, all));
    bar.clear();
    let mut text = summary(&tally);
    // An output that lacks its end could be taken for a whole one.
    if tally.stopped.is_none() && !plan.dry_run {
        sweep::write_output(&output, lines.as_bytes())
            .map_err(|error| format!("{}: {error}", output.display()))?;
        text.push_str(&format!("\nThe list is in {}.", output.display()));
    }
    ended(&tally, text, journal.close().as_deref())
}

fn list_text(list: &Path) -> Result<String, Failure> {
    if list != Path::new("-") {
        return Ok(std::fs::read_to_string(list).map_err(|error| format!("{}: {error}", list.display()))?);
    }
    let mut input = std::io::stdin();
    if input.is_terminal() {
        return Err("--list - reads standard input, and that is a terminal: pipe the list in".into());
    }
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    Ok(text)
}

fn journal(arguments: &Reencrypt, usual: PathBuf) -> Result<Journal, Failure> {
    let path = arguments.resume.clone().unwrap_or(usual);
    Ok(if arguments.dry_run { Journal::read(&path) } else { Journal::open(&path) }?)
}

/// As many clients as requests run at a time, each on its own connection.
fn callers(arguments: &Reencrypt, items: usize) -> Result<Vec<Kms>, Failure> {
    let key = arguments.to_key.as_deref().or(arguments.key_id.as_deref());
    let first = arguments.endpoint.kms(key)?;
    let more = usize::from(arguments.parallel).min(items).saturating_sub(1);
    let mut callers = (0..more).map(|_| first.another()).collect::<Result<Vec<_>, _>>()?;
    callers.push(first);
    Ok(callers)
}

fn summary(tally: &Tally) -> String {
    let parts = [
        (tally.pending, "to do"),
        (tally.renewed, "re-encrypted"),
        (tally.resumed, "re-encrypted by an earlier run"),
        (tally.current, "already current"),
        (tally.failed.len() as u64, "failed"),
    ];
    let seen = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let seen = seen.collect::<Vec<_>>().join(", ");
    let mut lines = vec![match tally.all {
        0 => "There is no ciphertext.".to_owned(),
        all if seen.is_empty() => format!("Of {all} ciphertexts: none was reached."),
        all => format!("Of {all} ciphertexts: {seen}."),
    }];
    if tally.unsure > 0 {
        lines.push(format!(
            "Whether the {} of an earlier run are under the newest material is not known: it takes kms:DescribeKey. Remove the \
             journal, and they are re-encrypted again.",
            tally.unsure
        ));
    }
    lines.extend(
        tally.failed.iter().map(|failed| format!("  {}: {}", plain(&failed.name), plain(&failed.why))),
    );
    lines.join("\n")
}

fn ended(tally: &Tally, mut text: String, journal: Option<&Path>) -> Result<(), Failure> {
    let succeeded = tally.stopped.is_none() && tally.failed.is_empty();
    if let Some(journal) = journal.filter(|_| succeeded && tally.pending == 0) {
        text.push_str(&format!(
            "\nThe journal {} may be removed; with it, a further run has less to ask.",
            journal.display()
        ));
    }
    terminal::print(&text);
    if let Some(why) = &tally.stopped {
        return Err(format!("{why}\nThe sweep stopped there. Every ciphertext is the old or the new; run it again and it goes on.").into());
    }
    match tally.failed.len() {
        0 => Ok(()),
        failed => {
            Err(format!("{failed} of {} could not be re-encrypted and are as they were", tally.all).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyreeve_client::sweep::Failed;

    #[test]
    fn the_summary_counts_what_there_was_and_names_what_failed() {
        let failed = Failed { name: "a.enc".to_owned(), why: "no\u{1b}[2J".to_owned() };
        let tally = Tally { all: 7, renewed: 4, current: 2, failed: vec![failed], ..Tally::default() };
        assert_eq!(
            summary(&tally),
            "Of 7 ciphertexts: 4 re-encrypted, 2 already current, 1 failed.\n  a.enc: no?[2J"
        );
        let unsure = Tally { all: 7, resumed: 7, unsure: 2, ..Tally::default() };
        assert!(summary(&unsure).contains("Whether the 2 of an earlier run"), "{}", summary(&unsure));
        assert_eq!(summary(&Tally { all: 7, ..Tally::default() }), "Of 7 ciphertexts: none was reached.");
        assert_eq!(summary(&Tally::default()), "There is no ciphertext.");
    }

    #[test]
    fn a_failure_and_a_stop_are_failures_of_the_command() {
        let failed = vec![Failed { name: String::new(), why: String::new() }];
        for (tally, fails) in [
            (Tally::default(), false),
            (Tally { failed, ..Tally::default() }, true),
            (Tally { stopped: Some("gone".to_owned()), ..Tally::default() }, true),
        ] {
            assert_eq!(ended(&tally, String::new(), None).is_err(), fails, "{tally:?}");
        }
    }
}
