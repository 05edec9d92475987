//! `keyreeve key`: what an operator sees of the keys of every account; none of these commands can use or change a key.
//! `import` is no operator's: it speaks to a KMS as any client does.

mod import;
mod usage;

use clap::{Args, Subcommand};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_server::admin_client::AdminClient;
use serde_json::{Map, Value, json};

use super::Failure;
use super::account::pretty;
use super::operator::ServerAt;
use crate::table::{plain, table};
use crate::terminal;

/// What to see of keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Lists the keys of a Region, of every account or of one.
    #[command(
        after_help = "Examples:\n  keyreeve key list --config keyreeve.toml\n  keyreeve key list --region eu-central-1 --account 111122223333\n  keyreeve key list --json | jq -r '.Keys[] | select(.KeyState==\"PendingDeletion\").KeyArn'"
    )]
    List(List),
    /// Shows what is known about one key, but never its material.
    #[command(
        after_help = "Examples:\n  keyreeve key describe 1234abcd-12ab-34cd-56ef-1234567890ab\n  keyreeve key describe arn:aws:kms:eu-central-1:111122223333:alias/invoices"
    )]
    Describe(Describe),
    /// Shows which materials of a key still decrypt, and so whether a sweep by `keyreeve reencrypt` is finished.
    Usage(usage::Usage),
    /// Imports key material from a file into a key with origin EXTERNAL: the whole ceremony.
    Import(import::Import),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Region; by default the first one that the server serves (us-east-1 in dev).
    #[arg(long, value_parser = region)]
    region: Option<Region>,
    /// Keys of this account only.
    #[arg(long, value_name = "ACCOUNT_ID", value_parser = account)]
    account: Option<AccountId>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Key id, key ARN or alias ARN.
    key: String,
    /// Region of a bare key id; by default the first one that the server serves (us-east-1 in dev).
    #[arg(long, value_parser = region)]
    region: Option<Region>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

pub(super) fn region(text: &str) -> Result<Region, String> {
    Region::parse(text).ok_or_else(|| "a Region's name is like eu-central-1".to_owned())
}

fn account(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account's id has twelve digits".to_owned())
}

pub(crate) fn run(command: Key) -> Result<(), Failure> {
    match command {
        Key::List(arguments) => list(&arguments),
        Key::Describe(arguments) => describe(&arguments),
        Key::Usage(arguments) => usage::run(&arguments),
        Key::Import(arguments) => import::run(&arguments),
    }
}

fn list(arguments: &List) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let keys = every_page(&client, arguments.region.as_ref(), arguments.account)?;
    if arguments.json {
        terminal::print(&pretty(&json!({"Keys": keys}))?);
        return Ok(());
    }
    if keys.is_empty() {
        terminal::print("There is no key here. Another Region? --region NAME lists it.");
        return Ok(());
    }
    let rows: Vec<_> = keys.iter().map(row).collect();
    terminal::print(&table(["ACCOUNT", "KEY", "STATE", "SPEC", "USAGE", "CREATED", "ALIASES"], &rows));
    Ok(())
}

fn every_page(
    client: &AdminClient,
    region: Option<&Region>,
    account: Option<AccountId>,
) -> Result<Vec<Value>, Failure> {
    let (mut keys, mut marker) = (Vec::new(), None::<Value>);
    loop {
        let mut input = Map::from_iter([("Limit".to_owned(), json!(1000))]);
        input.extend(account.map(|account| ("AccountId".to_owned(), json!(account.as_str()))));
        input.extend(marker.take().map(|marker| ("Marker".to_owned(), marker)));
        let mut reply = client.call("ListAllKeys", region, &Value::Object(input))?;
        if let Some(Value::Array(page)) = reply.get_mut("Keys").map(Value::take) {
            keys.extend(page);
        }
        match reply.get_mut("NextMarker").map(Value::take) {
            Some(next) => marker = Some(next),
            None => return Ok(keys),
        }
    }
}

fn text(of: &Value, name: &str) -> String {
    plain(of.get(name).and_then(Value::as_str).unwrap_or_default())
}

fn names(of: &Value) -> String {
    let names = of.get("Aliases").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(plain).collect::<Vec<_>>().join(" ")
}

fn row(key: &Value) -> [String; 7] {
    let state = match key.get("KeyState").and_then(Value::as_str) {
        Some(state) => state.to_owned(),
        // Its row was altered, or belongs to another root key; the server's log says more.
        None => "UNREADABLE".to_owned(),
    };
    let created = terminal::day(key.get("CreationDate"));
    [
        text(key, "AccountId"),
        text(key, "KeyId"),
        state,
        text(key, "KeySpec"),
        text(key, "KeyUsage"),
        created,
        names(key),
    ]
}

/// The Region of a key: an ARN says it itself.
fn region_of(key: &str, chosen: Option<&Region>) -> Result<Option<Region>, Failure> {
    if key.starts_with("alias/") {
        return Err(
            "an alias belongs to an account: give its ARN, arn:aws:kms:REGION:ACCOUNT:alias/NAME".into()
        );
    }
    Ok(chosen.cloned().or_else(|| key.split(':').nth(3).and_then(Region::parse)))
}

fn describe(arguments: &Describe) -> Result<(), Failure> {
    let region = region_of(&arguments.key, arguments.region.as_ref())?;
    let input = json!({"KeyId": arguments.key});
    let reply = arguments.server.client()?.call("DescribeAnyKey", region.as_ref(), &input)?;
    terminal::print(&if arguments.json { pretty(&reply)? } else { sheet(&reply) });
    Ok(())
}

/// The members that are shown, with their captions.
const SHEET: &[(&str, &str)] = &[
    ("Arn", "ARN"),
    ("Description", "Description"),
    ("KeyState", "State"),
    ("KeySpec", "Spec"),
    ("KeyUsage", "Usage"),
    ("Origin", "Origin"),
    ("KeyManager", "Manager"),
    ("CreationDate", "Created"),
    ("DeletionDate", "Deleted on"),
    ("MultiRegion", "Multi-Region"),
    ("CurrentKeyMaterialId", "Material id"),
];

fn sheet(reply: &Value) -> String {
    let metadata = reply.get("KeyMetadata").unwrap_or(&Value::Null);
    let mut lines = Vec::new();
    let mut line =
        |caption: &str, value: &str| lines.push(format!("{caption:<13} {value}").trim_end().to_owned());
    for (name, caption) in SHEET {
        match metadata.get(*name) {
            Some(Value::String(text)) => line(caption, &plain(text)),
            Some(Value::Bool(flag)) => line(caption, if *flag { "yes" } else { "no" }),
            Some(Value::Number(_)) => line(caption, &terminal::day(metadata.get(*name))),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {}
        }
    }
    line("Aliases", &names(reply));
    let tags = reply.get("Tags").and_then(Value::as_object);
    for (name, value) in tags.into_iter().flatten() {
        line("Tag", &plain(&format!("{name}={}", value.as_str().unwrap_or_default())));
    }
    lines.join("\n")
}
