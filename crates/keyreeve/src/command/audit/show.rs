//! `keyreeve audit show`: records as JSON lines, oldest first.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_server::audit::{Attribute, Entry, EventAttributes, FrameKind, Reading};
use serde_json::{Value, json};

use super::LogAt;
use crate::command::{Failure, key};
use crate::terminal;

/// Between two looks for new records.
const FOLLOW_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyreeve audit show --config keyreeve.toml --since 2026-03-01T00:00:00Z --where EventName=Decrypt\n  keyreeve audit show --data DATA --where Username=Alice --follow | jq .eventName\n\nAttributes: AccessKeyId, EventId, EventName, EventSource, ReadOnly, ResourceName, ResourceType, Username."
)]
pub(crate) struct Show {
    /// Only records of this account.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only records of this Region.
    #[arg(long, value_parser = key::region)]
    region: Option<Region>,
    /// Not before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Not after this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only records with this value of an attribute; may be repeated.
    #[arg(long = "where", value_name = "ATTRIBUTE=VALUE", value_parser = attribute)]
    wanted: Vec<(Attribute, String)>,
    /// Prints every frame with its number: openings, signed heads, upkeep and tombstones too.
    #[arg(long)]
    frames: bool,
    /// Goes on with what is appended, until it is interrupted.
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    log: LogAt,
}

fn time(text: &str) -> Result<Timestamp, String> {
    let time = text.parse::<jiff::Timestamp>();
    time.map(|time| Timestamp::from_millis(time.as_millisecond()))
        .map_err(|_| "write it as 2026-03-01T12:30:00Z".to_owned())
}

fn attribute(text: &str) -> Result<(Attribute, String), String> {
    let pair =
        text.split_once('=').and_then(|(name, value)| Some((Attribute::parse(name)?, value.to_owned())));
    pair.ok_or_else(|| "write it as EventName=Decrypt, with an attribute of the list below".to_owned())
}

pub(super) fn run(arguments: &Show) -> Result<(), Failure> {
    let account = arguments.account.as_deref().map(|text| {
        AccountId::parse(text).ok_or_else(|| format!("--account {text}: an account has twelve digits"))
    });
    let account = account.transpose()?;
    let folder: PathBuf = arguments.log.folder()?;
    let mut reading = Reading::new(folder);
    loop {
        let Some(frame) = reading.next_frame()? else {
            if !arguments.follow {
                return Ok(());
            }
            std::thread::sleep(FOLLOW_PAUSE);
            continue;
        };
        let entry = Some(frame.kind).filter(|kind| *kind == FrameKind::Entry);
        let entry = entry.and_then(|_| Entry::from_payload(&frame.payload));
        if arguments.frames {
            let unfiltered = entry.as_ref().is_none_or(|entry| wanted(arguments, account, entry));
            if unfiltered {
                let content = entry.as_ref().map_or_else(|| json_of(&frame.payload), content);
                let kind = format!("{:?}", frame.kind);
                let line = json!({"place": frame.number.0, "kind": kind, "content": content});
                terminal::print(&line.to_string());
            }
        } else if let Some(entry) = entry.filter(|entry| !entry.event.is_empty())
            && wanted(arguments, account, &entry)
        {
            terminal::print(&String::from_utf8_lossy(&entry.event));
        }
    }
}

fn wanted(arguments: &Show, account: Option<AccountId>, entry: &Entry) -> bool {
    let attributes = EventAttributes::of(&entry.event);
    account.is_none_or(|account| entry.account == account)
        && arguments.region.as_ref().is_none_or(|region| entry.region == *region)
        && arguments.since.is_none_or(|since| entry.time >= since)
        && arguments.until.is_none_or(|until| entry.time <= until)
        && arguments.wanted.iter().all(|(attribute, value)| attributes.has(*attribute, value))
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or(Value::Null)
}

fn content(entry: &Entry) -> Value {
    let rows: Vec<_> = entry.rows.iter().map(|row| json!([row.0, row.1, row.2])).collect();
    json!({"id": entry.id.to_string(), "time": entry.time.as_millis(), "event": json_of(&entry.event), "rows": rows})
}
