//! `keyreeve account`: accounts of a running server, through its admin socket.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyreeve_server::config::{Address, Config};
use serde_json::{Value, json};

use super::Failure;
use super::operator::ServerAt;
use crate::table::{plain, table};
use crate::terminal;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Creates an account and prints its root credentials, once.
    #[command(
        after_help = "Examples:\n  keyreeve account create payments --config keyreeve.toml\n  eval \"$(keyreeve account create payments --config keyreeve.toml)\"   # into this shell\n  keyreeve account create payments --json | jq -r .SecretAccessKey\n\nThe secret is shown this one time and stored sealed: keep it in your secret manager."
    )]
    Create(Create),
    /// Lists the accounts.
    #[command(after_help = "Example:\n  keyreeve account list --config keyreeve.toml")]
    List(List),
    /// Sets what limits everybody of an account, root included, and its organisation.
    #[command(
        after_help = "Examples:\n  keyreeve account set 111122223333 --guard no-deletion.json --config keyreeve.toml\n  keyreeve account set 111122223333 --organization o-aa111bb222cc\n\nA guard is a policy like a service control policy on AWS: it allows nothing by itself, and what it does not allow nobody of the account may do. The organisation is what aws:PrincipalOrgID says of the account's principals."
    )]
    Set(Set),
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The account, as `keyreeve account list` shows it.
    account: String,
    /// File of the policy that limits everybody of the account.
    #[arg(long, value_name = "FILE", conflicts_with = "no_guard")]
    guard: Option<PathBuf>,
    /// Removes the guard.
    #[arg(long)]
    no_guard: bool,
    /// Organisation, o- and 10 to 32 letters and digits; empty for none.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What to call it; for people only.
    name: String,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

pub(crate) fn run(command: Account) -> Result<(), Failure> {
    match command {
        Account::Create(arguments) => create(&arguments),
        Account::List(arguments) => list(&arguments),
        Account::Set(arguments) => set(&arguments),
    }
}

fn create(arguments: &Create) -> Result<(), Failure> {
    let config = arguments.server.config()?;
    let reply =
        arguments.server.client()?.call("CreateAccount", None, &json!({"AccountName": arguments.name}))?;
    let text =
        if arguments.json { pretty(&reply)? } else { credentials(&arguments.name, &reply, config.as_ref()) };
    terminal::print(&text);
    Ok(())
}

/// Lines for a shell: what is no assignment is a comment, so that the whole can be evaluated.
fn credentials(name: &str, reply: &Value, config: Option<&Config>) -> String {
    let member = |name| reply.get(name).and_then(Value::as_str).unwrap_or_default();
    let account = member("AccountId");
    let mut text = format!("# Account {account} ({}). The secret is shown this one time.\n", plain(name));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "export AWS_ACCESS_KEY_ID={}", member("AccessKeyId"));
    let _ = write!(text, "export AWS_SECRET_ACCESS_KEY={}", member("SecretAccessKey"));
    if let Some(config) = config {
        if let Some(region) = config.regions.first() {
            let _ = write!(text, "\nexport AWS_REGION={region}");
        }
        if let Some(endpoint) = config.addresses.iter().find_map(|address| endpoint(address, config)) {
            let _ = write!(text, "\nexport AWS_ENDPOINT_URL_KMS={endpoint}");
        }
    }
    text
}

/// Where clients on this machine reach an address; a certificate's name is not known here.
fn endpoint(address: &Address, config: &Config) -> Option<String> {
    match address {
        Address::Tcp(address) if config.tls.is_none() && address.port() != 0 => {
            Some(format!("http://{address}"))
        }
        Address::Tcp(_) | Address::Unix(_) => None,
    }
}

fn set(arguments: &Set) -> Result<(), Failure> {
    let mut input = json!({"AccountId": arguments.account, "RemoveGuard": arguments.no_guard});
    if let Some(file) = &arguments.guard {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        input.as_object_mut().and_then(|members| members.insert("Guard".to_owned(), text.into()));
    }
    if let Some(organization) = &arguments.organization {
        let id = organization.clone().into();
        input.as_object_mut().and_then(|members| members.insert("OrganizationId".to_owned(), id));
    }
    if arguments.guard.is_none() && !arguments.no_guard && arguments.organization.is_none() {
        return Err("nothing to set: give --guard, --no-guard or --organization".into());
    }
    arguments.server.client()?.call("SetAccount", None, &input)?;
    terminal::print(&format!(
        "Account {} is set; it holds from the next request on.",
        plain(&arguments.account)
    ));
    Ok(())
}

fn list(arguments: &List) -> Result<(), Failure> {
    let reply = arguments.server.client()?.call("ListAccounts", None, &json!({}))?;
    if arguments.json {
        terminal::print(&pretty(&reply)?);
        return Ok(());
    }
    let accounts = reply.get("Accounts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if accounts.is_empty() {
        terminal::print("There is no account yet: `keyreeve account create NAME` makes one.");
        return Ok(());
    }
    let rows: Vec<_> = accounts.iter().map(row).collect();
    terminal::print(&table(["ACCOUNT", "CREATED", "NAME"], &rows));
    Ok(())
}

fn row(account: &Value) -> [String; 3] {
    let text = |name| plain(account.get(name).and_then(Value::as_str).unwrap_or_default());
    [text("AccountId"), terminal::day(account.get("CreationDate")), text("AccountName")]
}

/// JSON for machines, as the server answered it.
pub(super) fn pretty(reply: &Value) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(reply)?)
}
