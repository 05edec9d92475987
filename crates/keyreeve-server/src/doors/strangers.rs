//! Failed authentication: counted as it happens, told once a second in one record of bounded size. A stranger's request
//! costs an addition, never a write: so that strangers cannot fill the disk, nor make others wait for it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use hyper::header::AUTHORIZATION;
use keyreeve_audit::{Entry, Journal};
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::authentication_failures;
use serde_json::{Value, json};

use crate::listener::Incoming;

/// Different sources, and different access key ids, that a summary names; the rest is a number.
const NAMED_MAX: usize = 64;
/// Calls that need no signature and whose refusals have records of their own, in a second; those of further ones are
/// summed up. Nobody is known in them either, unless they succeed.
const RECORDED_PER_SECOND_MAX: u32 = 10;
/// Bytes of such a call beyond which a refusal has no record of its own: it would hold most of them.
const RECORDED_BYTES_MAX: usize = 8 * 1024;
/// Characters of an access key id that are kept. AWS's have 20.
const ID_CHARS_MAX: usize = 32;

/// One request whose caller is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure<'a> {
    /// Where it came from; not known on a Unix socket, nor where a trusted proxy does not say.
    pub(crate) source: Option<IpAddr>,
    /// The access key id that it names, as it stands there.
    pub(crate) access_key_id: Option<&'a str>,
    /// The code that it was answered with.
    pub(crate) code: &'static str,
}

/// The failures since the last summary.
#[derive(Debug, Default)]
pub struct Strangers {
    tally: Mutex<Tally>,
    /// The second, and how many unsigned calls began in it.
    unsigned: Mutex<(i64, u32)>,
}

#[derive(Debug, Default, Clone)]
struct Tally {
    count: u64,
    /// Of the first and the last of them.
    span: Option<(Timestamp, Timestamp)>,
    sources: Named<Option<IpAddr>>,
    access_key_ids: Named<Box<str>>,
    /// Codes come from a table: there are few.
    codes: BTreeMap<&'static str, u64>,
}

/// How often each of the first [`NAMED_MAX`] came, and how often others did.
#[derive(Debug, Clone)]
struct Named<K> {
    counts: BTreeMap<K, u64>,
    others: u64,
}

impl<K> Default for Named<K> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), others: 0 }
    }
}

impl<K: Ord> Named<K> {
    fn add(&mut self, name: K, count: u64) {
        let full = self.counts.len() >= NAMED_MAX;
        match self.counts.get_mut(&name) {
            Some(known) => *known += count,
            None if full => self.others += count,
            None => drop(self.counts.insert(name, count)),
        }
    }
}

impl Strangers {
    /// Counts a failure.
    pub(crate) fn note(&self, failure: &Failure<'_>, now: Timestamp) {
        // Before the lock: others wait for it.
        let id = failure.access_key_id.map(presentable);
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.count += 1;
        tally.span = Some(tally.span.map_or((now, now), |(first, _)| (first, now)));
        tally.sources.add(failure.source, 1);
        if let Some(id) = id {
            tally.access_key_ids.add(id, 1);
        }
        *tally.codes.entry(failure.code).or_default() += 1;
    }

    /// Whether a refusal of the unsigned call that begins now, and is so long, has a record of its own.
    pub(crate) fn are_recorded(&self, bytes: usize, now: Timestamp) -> bool {
        if bytes > RECORDED_BYTES_MAX {
            return false;
        }
        let mut unsigned = self.unsigned.lock().unwrap_or_else(PoisonError::into_inner);
        if unsigned.0 != now.as_seconds() {
            *unsigned = (now.as_seconds(), 0);
        }
        unsigned.1 = unsigned.1.saturating_add(1);
        unsigned.1 <= RECORDED_PER_SECOND_MAX
    }

    /// Appends one record about the failures since the last one, where there were any. While the log cannot be written
    /// they go on being counted.
    pub(crate) async fn report(&self, journal: &Journal, region: &Region) {
        let tally = std::mem::take(&mut *self.tally.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(entry) = summary(&tally, region) else { return };
        if let Err(error) = journal.append(vec![entry]).await {
            tracing::debug!(%error, "a summary of failed authentication waits");
            self.tally.lock().unwrap_or_else(PoisonError::into_inner).take_in(tally);
        }
    }
}

impl Tally {
    /// Adds what an older tally counted.
    fn take_in(&mut self, older: Self) {
        self.count += older.count;
        self.span = match (older.span, self.span) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (older, newer) => older.or(newer),
        };
        self.sources.others += older.sources.others;
        older.sources.counts.into_iter().for_each(|(name, count)| self.sources.add(name, count));
        self.access_key_ids.others += older.access_key_ids.others;
        older.access_key_ids.counts.into_iter().for_each(|(id, count)| self.access_key_ids.add(id, count));
        older.codes.into_iter().for_each(|(code, count)| *self.codes.entry(code).or_default() += count);
    }
}

/// The access key id that a request names, whether anything else of it is right or not.
pub(super) fn claimed_access_key_id(incoming: &Incoming) -> Option<&str> {
    let header = incoming.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (text, mark, end) = match header {
        Some(header) => (header, "Credential=", ['/', ',']),
        None => (incoming.target.query()?, "X-Amz-Credential=", ['%', '&']),
    };
    let (_, rest) = text.split_once(mark)?;
    rest.split(end).next().filter(|id| !id.is_empty())
}

/// An access key id as it may stand in a record: of its own alphabet, and not long.
fn presentable(id: &str) -> Box<str> {
    let kept = id.chars().take(ID_CHARS_MAX);
    kept.map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '?' }).collect()
}

/// The record; `None` where nothing failed.
fn summary(tally: &Tally, region: &Region) -> Option<Entry> {
    let (first, last) = tally.span?;
    let unknown = |ip: &Option<IpAddr>| ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
    let sources: Vec<Value> =
        tally.sources.counts.iter().map(|(ip, n)| json!({ "ip": unknown(ip), "count": n })).collect();
    let ids: Vec<Value> =
        tally.access_key_ids.counts.iter().map(|(id, n)| json!({ "id": id, "count": n })).collect();
    let codes: Vec<Value> = tally.codes.iter().map(|(code, n)| json!({ "code": code, "count": n })).collect();
    let details = json!({
        "count": tally.count,
        "from": first.to_iso_8601(),
        "to": last.to_iso_8601(),
        "sources": sources,
        "accessKeyIds": ids,
        "errorCodes": codes,
        "others": { "sources": tally.sources.others, "accessKeyIds": tally.access_key_ids.others },
    });
    Some(authentication_failures(region.clone(), last, details))
}

#[cfg(test)]
mod tests;
