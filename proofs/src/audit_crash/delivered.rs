//! What the trail delivered: log files and digests of a bucket that is a folder.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use keyreeve_audit::verify::{Keys, Signature};
use keyreeve_crypto::digest::sha256;
use serde_json::Value;

use super::log::Log;
use crate::failure::Failure;

/// What ends the names of objects, and of what S3 keeps as metadata.
const OBJECT: &str = ".json.gz";
const METADATA: &str = ".metadata.json";

/// A file that was delivered.
#[derive(Debug)]
struct Delivered {
    /// SHA-256 of what was compressed, in hex.
    hash: String,
    content: Value,
}

/// A digest.
#[derive(Debug)]
struct Digest {
    file: Delivered,
    signature: String,
}

/// Every object of a bucket, by name.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    logs: BTreeMap<String, Delivered>,
    digests: BTreeMap<String, Digest>,
}

fn member<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn open(path: &Path) -> Result<Delivered, Failure> {
    let file = fs::File::open(path).map_err(Failure::file(path))?;
    let mut bytes = Vec::new();
    let odd =
        |why: String| Failure::Broken(format!("{} was delivered, and does not read: {why}", path.display()));
    GzDecoder::new(file).read_to_end(&mut bytes).map_err(|error| odd(error.to_string()))?;
    let content = serde_json::from_slice(&bytes).map_err(|error| odd(error.to_string()))?;
    Ok(Delivered { hash: hex::encode(sha256(&bytes)), content })
}

impl Bucket {
    /// Of this folder. What was begun and not ended has another name.
    pub(super) fn read(root: &Path) -> Result<Self, Failure> {
        let mut bucket = Self::default();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
            for file in fs::read_dir(&folder).map_err(Failure::file(&folder))? {
                let path = file.map_err(Failure::file(&folder))?.path();
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if name.ends_with(OBJECT) && name.contains("/CloudTrail-Digest/") {
                    let beside = root.join(format!("{name}{METADATA}"));
                    let metadata = fs::read(&beside).map_err(Failure::file(&beside))?;
                    let metadata: Value = serde_json::from_slice(&metadata).unwrap_or_default();
                    let signature = member(&metadata, "signature").to_owned();
                    bucket.digests.insert(name, Digest { file: open(&path)?, signature });
                } else if name.ends_with(OBJECT) {
                    bucket.logs.insert(name, open(&path)?);
                }
            }
        }
        Ok(bucket)
    }

    /// Log files.
    pub(super) fn logs(&self) -> usize {
        self.logs.len()
    }

    /// Digests.
    pub(super) fn digests(&self) -> usize {
        self.digests.len()
    }

    /// The ids of all events in log files, with repetitions.
    pub(super) fn events(&self) -> impl Iterator<Item = &str> {
        self.logs
            .values()
            .flat_map(|log| items(&log.content, "Records"))
            .map(|record| member(record, "eventID"))
    }

    fn listed(&self) -> impl Iterator<Item = &Value> {
        self.digests.values().flat_map(|digest| items(&digest.file.content, "logFiles"))
    }

    /// Whether a digest lists each log file.
    pub(super) fn everything_is_in_a_digest(&self) -> bool {
        let listed: BTreeSet<&str> = self.listed().map(|log| member(log, "s3Object")).collect();
        self.logs.keys().all(|name| listed.contains(name.as_str()))
    }

    /// Everything of the account is delivered once, and nothing else.
    pub(super) fn hold(&self, log: &Log, account: &str) -> Vec<String> {
        let (mut losses, mut seen) = (Vec::new(), BTreeSet::new());
        for id in self.events() {
            if !seen.insert(id) {
                losses.push(format!("event {id} was delivered twice"));
            }
            if !log.has(id, account) {
                losses.push(format!("event {id} was delivered, and is not in the log of {account}"));
            }
        }
        let missing = log.between_start_and_stop(account).into_iter().filter(|id| !seen.contains(id));
        losses.extend(missing.map(|id| format!("event {id} was never delivered")));
        losses
    }

    /// Digests are signed by a published key, follow each other, and list each log file once, as it is.
    pub(super) fn check_digests(&self, bucket: &str, keys: &Keys) -> Vec<String> {
        let mut losses = Vec::new();
        let mut listed = BTreeSet::new();
        for log in self.listed() {
            let name = member(log, "s3Object");
            let as_it_is = self.logs.get(name).is_some_and(|found| found.hash == member(log, "hashValue"));
            if !as_it_is || !listed.insert(name) {
                losses.push(format!("a digest lists {name} twice or otherwise than it is: {log}"));
            }
        }
        let unlisted = self.logs.keys().filter(|name| !listed.contains(name.as_str()));
        losses.extend(unlisted.map(|name| format!("no digest lists {name}")));
        let mut beginnings = 0;
        for (name, digest) in &self.digests {
            let content = &digest.file.content;
            let before = content.get("previousDigestSignature").and_then(Value::as_str);
            let previous = self.digests.get(member(content, "previousDigestS3Object"));
            beginnings += usize::from(before.is_none());
            let follows = previous.is_some_and(|previous| {
                previous.signature == before.unwrap_or_default()
                    && previous.file.hash == member(content, "previousDigestHashValue")
            });
            if before.is_some() && !follows {
                losses.push(format!("{name} does not follow the digest that it names"));
            }
            let end = member(content, "digestEndTime");
            let message =
                format!("{end}\n{bucket}/{name}\n{}\n{}", digest.file.hash, before.unwrap_or("null"));
            let fingerprint = member(content, "digestPublicKeyFingerprint");
            if keys.check(fingerprint, &message, &digest.signature) != Signature::Right {
                losses.push(format!("the signature of {name} is wrong"));
            }
        }
        if beginnings != 1 {
            losses.push(format!("{beginnings} chains of digests begin in one run of one Region"));
        }
        losses
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::log::tests::entry;
    use super::*;

    #[test]
    fn what_was_delivered_twice_or_never_or_is_of_nobody_is_a_loss() {
        let entries = [entry(1, "a", "StartLogging", None, 1), entry(2, "b", "Encrypt", None, 0)];
        let mut log = Log::default();
        entries.iter().for_each(|entry| log.take(entry).unwrap());
        let [start, encrypt] = entries.map(|entry| entry.id.to_string());
        for (files, loss) in [
            (vec![vec![&encrypt]], None),
            (vec![vec![&start], vec![&encrypt]], None),
            (vec![], Some("never delivered")),
            (vec![vec![&encrypt, &encrypt]], Some("twice")),
            (vec![vec![&encrypt], vec![&encrypt]], Some("twice")),
            (vec![vec![&encrypt, &"c".to_owned()]], Some("not in the log")),
        ] {
            let mut bucket = Bucket::default();
            for (number, ids) in files.into_iter().enumerate() {
                let records: Vec<Value> = ids.iter().map(|id| json!({ "eventID": id })).collect();
                let content = json!({ "Records": records });
                bucket.logs.insert(number.to_string(), Delivered { hash: String::new(), content });
            }
            let losses = bucket.hold(&log, "000000000000").join("\n");
            assert_eq!(losses.is_empty(), loss.is_none(), "{losses}");
            assert!(losses.contains(loss.unwrap_or_default()), "{losses}");
        }
    }
}
