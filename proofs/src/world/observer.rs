//! Looks at a server: every key id, every alias, and some keys in full.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::witness::{self, Witness, text};
use super::writer::Writer;
use super::{Key, Outcome, Sight, State, judge};
use crate::client::{Endpoint, Kms};
use crate::failure::Failure;

/// Connections at once.
const AT_ONCE: usize = 8;
const PAGE: usize = 1000;

/// What the server shows to everyone.
#[derive(Debug)]
pub(crate) struct Overview {
    ids: BTreeSet<String>,
    aliases: BTreeMap<String, String>,
    keys: BTreeMap<String, Key>,
}

/// Lists everything and looks at `chosen` keys and at every key that no writer knows.
pub(crate) async fn look(
    endpoint: &Endpoint,
    writers: &[Writer],
    chosen: &BTreeSet<String>,
) -> Result<Overview, Failure> {
    let mut kms = Kms::open(endpoint.clone()).await?;
    let ids: BTreeSet<String> =
        pages(&mut kms, "ListKeys", "Keys").await?.iter().filter_map(key_id).collect();
    let listed = pages(&mut kms, "ListAliases", "Aliases").await?;
    let alias = |entry: &Value| {
        let name = entry.get("AliasName")?.as_str()?.to_owned();
        Some((name, entry.get("TargetKeyId")?.as_str()?.to_owned()))
    };
    let aliases = listed.iter().filter_map(alias).collect();
    let known = |id: &&String| writers.iter().any(|writer| writer.world.keys.contains_key(*id));
    let wanted: Vec<String> = ids.iter().filter(|id| chosen.contains(*id) || !known(id)).cloned().collect();
    let keys = describe_all(endpoint, &wanted).await?;
    Ok(Overview { ids, aliases, keys })
}

impl Overview {
    /// What of it concerns one writer.
    fn sight(&self, writer: &Writer) -> Sight {
        let prefix = writer.alias_prefix();
        let aliases = self.aliases.iter().filter(|(name, _)| name.starts_with(&prefix));
        Sight {
            ids: self.ids.clone(),
            keys: self.keys.clone(),
            aliases: aliases.map(|(name, id)| (name.clone(), id.clone())).collect(),
        }
    }

    /// Holds it against every writer's world; the outcome of each one's request without an answer, in their order.
    pub(crate) fn judge(&self, writers: &[Writer]) -> Result<Vec<Outcome>, Failure> {
        let (mut outcomes, mut losses) = (Vec::new(), Vec::new());
        let mut known: BTreeSet<&String> =
            writers.iter().flat_map(|writer| writer.world.keys.keys()).collect();
        for writer in writers {
            match judge(&writer.world, writer.pending.as_ref(), &self.sight(writer)) {
                Ok(outcome) => outcomes.push(outcome),
                Err(lines) => losses.extend(lines),
            }
        }
        known.extend(outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Applied(id) => id.as_ref(),
            Outcome::NotApplied => None,
        }));
        let ghosts = self.ids.iter().filter(|id| !known.contains(id));
        losses.extend(ghosts.map(|id| format!("key {id} was never asked for: {:?}", self.keys.get(id))));
        if losses.is_empty() { Ok(outcomes) } else { Err(Failure::Broken(losses.join("\n  "))) }
    }
}

async fn pages(kms: &mut Kms, operation: &str, member: &str) -> Result<Vec<Value>, Failure> {
    let (mut rows, mut marker) = (Vec::new(), None);
    loop {
        let mut input = json!({ "Limit": if member == "Keys" { PAGE } else { 100 } });
        if let (Some(marker), Some(input)) = (marker.take(), input.as_object_mut()) {
            input.insert("Marker".to_owned(), marker);
        }
        let page = kms.call(operation, &input).await?.done(operation)?;
        rows.extend(page.get(member).and_then(Value::as_array).into_iter().flatten().cloned());
        marker = page.get("NextMarker").cloned();
        if marker.is_none() {
            return Ok(rows);
        }
    }
}

fn key_id(entry: &Value) -> Option<String> {
    entry.get("KeyId")?.as_str().map(str::to_owned)
}

async fn describe_all(endpoint: &Endpoint, ids: &[String]) -> Result<BTreeMap<String, Key>, Failure> {
    let share = ids.len().div_ceil(AT_ONCE).max(1);
    let parts = ids.chunks(share).map(async |part| {
        let mut kms = Kms::open(endpoint.clone()).await?;
        let mut keys = Vec::new();
        for id in part {
            keys.push((id.clone(), describe(&mut kms, id).await?));
        }
        Ok::<_, Failure>(keys)
    });
    Ok(try_join_all(parts).await?.into_iter().flatten().collect())
}

async fn describe(kms: &mut Kms, id: &str) -> Result<Key, Failure> {
    let input = json!({ "KeyId": id });
    let found = kms.call("DescribeKey", &input).await?.done("DescribeKey")?;
    let metadata = found.get("KeyMetadata").unwrap_or(&Value::Null);
    let state = match text(metadata, "KeyState")?.as_str() {
        "Enabled" => State::Enabled,
        "Disabled" => State::Disabled,
        "PendingDeletion" => State::PendingDeletion,
        _ => State::Other,
    };
    let tags = kms.call("ListResourceTags", &input).await?.done("ListResourceTags")?;
    let tag = |tag: &Value| {
        Some((tag.get("TagKey")?.as_str()?.to_owned(), tag.get("TagValue")?.as_str()?.to_owned()))
    };
    let tags = tags.get("Tags").and_then(Value::as_array).into_iter().flatten().filter_map(tag).collect();
    let policy = kms.call("GetKeyPolicy", &input).await?.done("GetKeyPolicy")?;
    let policy: Value = serde_json::from_str(&text(&policy, "Policy")?).unwrap_or_default();
    let sid = policy.pointer("/Statement/0/Sid").and_then(Value::as_str).unwrap_or_default();
    Ok(Key {
        description: text(metadata, "Description")?,
        spec: text(metadata, "KeySpec")?,
        state,
        tags,
        policy: sid.to_owned(),
    })
}

/// Asks every witness again; `state` tells the state that its key is in.
pub(crate) async fn confirm_all(
    address: SocketAddr,
    witnesses: &[&Witness],
    state: impl Fn(&str) -> Option<State>,
) -> Result<(), Failure> {
    let share = witnesses.len().div_ceil(AT_ONCE).max(1);
    let state = &state;
    let parts = witnesses.chunks(share).map(async |part| {
        let mut kms = Kms::open(address).await?;
        for witness in part {
            if let Some(state) = state(&witness.key) {
                witness::confirm(&mut kms, witness, state).await?;
            }
        }
        Ok::<_, Failure>(())
    });
    try_join_all(parts).await.map(drop)
}
