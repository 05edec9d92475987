//! `keyreeve accept-rollback`: what a restored deployment brings back, and the word that it may serve.

use std::io::{IsTerminal as _, Write as _};

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::given_secret::GivenSecret;
use super::operator::ServerAt;
use super::operators::Operators;
use crate::terminal;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyreeve accept-rollback --data /var/lib/keyreeve         lists, then asks\n  keyreeve accept-rollback --config keyreeve.toml --yes\n\nKeys that were disabled, deleted or restricted after the backup are as they were before; keys created since do not exist. The acceptance is recorded in the store."
)]
pub(crate) struct AcceptRollback {
    #[command(flatten)]
    server: ServerAt,
    #[command(flatten)]
    secret: GivenSecret,
    /// Accepts without asking.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(arguments: &AcceptRollback) -> Result<(), Failure> {
    let operators = Operators::open(&arguments.server, &arguments.secret)?;
    terminal::print(&listed(&operators.call("AcceptRollback", &json!({}))?));
    if !arguments.yes && !asked()? {
        return Err("not accepted: nothing was changed".into());
    }
    let accepted = operators.call("AcceptRollback", &json!({"Confirm": true}))?;
    let number = accepted.get("Rollback").and_then(Value::as_u64).unwrap_or_default();
    terminal::print(&format!("Accepted, and recorded as roll-back {number}. The deployment may serve."));
    Ok(())
}

fn asked() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err("nobody to ask: give --yes to accept".into());
    }
    let mut out = std::io::stderr();
    write!(out, "Accept? Type yes: ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

fn listed(reply: &Value) -> String {
    let number = |name| reply.get(name).and_then(Value::as_u64).unwrap_or_default();
    let when = |name| terminal::instant(reply.get(name));
    let mut text = format!(
        "Backup {}, written {}, restored {}, revision {}.\nIt brings back:\n  accounts  {}\n  aliases   {}\n",
        reply.get("BackupId").and_then(Value::as_str).unwrap_or_default(),
        when("BackupDate"),
        when("RestoreDate"),
        number("Revision"),
        number("Accounts"),
        number("Aliases"),
    );
    let keys = reply.get("Keys").and_then(Value::as_object);
    for (state, count) in keys.into_iter().flatten() {
        text.push_str(&format!("  keys      {count} {state}\n"));
    }
    if reply.get("NewestChange").is_some() {
        text.push_str(&format!("Its newest change or use is of {}.\n", when("NewestChange")));
    }
    if number("Unreadable") > 0 {
        text.push_str(&format!(
            "{} rows do not open: they had been altered before the backup.\n",
            number("Unreadable")
        ));
    }
    text.push_str("Whatever was changed after that backup is gone.");
    text
}
