//! A digest: which log files were delivered in an hour, chained to the digest of the hour before, and signed. The
//! signature stands beside the object and not in it.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>

use keyreeve_crypto::digest::sha256;
use keyreeve_crypto::error::Unspecified;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::gzip;
use crate::signing_key::SigningKey;

/// How digests are signed: PKCS#1 v1.5.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
const HASH_ALGORITHM: &str = "SHA-256";

/// A log file that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredLog {
    /// Its bucket.
    pub bucket: String,
    /// Its name.
    pub object: String,
    /// SHA-256 of what was compressed, in hex.
    pub hash: String,
    /// Time of its newest record.
    pub newest: Timestamp,
    /// Time of its oldest record.
    pub oldest: Timestamp,
}

/// The digest before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousDigest {
    /// Its bucket.
    pub bucket: String,
    /// Its name.
    pub object: String,
    /// SHA-256 of what was compressed, in hex.
    pub hash: String,
    /// Its signature, in hex.
    pub signature: String,
}

/// What a digest says.
#[derive(Debug, Clone, Copy)]
pub struct Digest<'a> {
    /// The account.
    pub account: AccountId,
    /// When its hour begins.
    pub start: Timestamp,
    /// When its hour ends.
    pub end: Timestamp,
    /// Where it goes.
    pub bucket: &'a str,
    /// Its name.
    pub object: &'a str,
    /// The digest before; none where a chain begins.
    pub previous: Option<&'a PreviousDigest>,
    /// The log files of the hour; none is a digest too.
    pub logs: &'a [DeliveredLog],
}

/// A digest, ready to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDigest {
    /// What is stored.
    pub gzip: Vec<u8>,
    /// SHA-256 of what was compressed, in hex.
    pub hash: String,
    /// The signature, in hex: the metadata `signature` of the object, beside `signature-algorithm`.
    pub signature: String,
}

/// The members in the order of CloudTrail.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    aws_account_id: AccountId,
    digest_start_time: String,
    digest_end_time: String,
    digest_s3_bucket: &'a str,
    digest_s3_object: &'a str,
    digest_public_key_fingerprint: &'a str,
    digest_signature_algorithm: &'static str,
    newest_event_time: Option<String>,
    oldest_event_time: Option<String>,
    previous_digest_s3_bucket: Option<&'a str>,
    previous_digest_s3_object: Option<&'a str>,
    previous_digest_hash_value: Option<&'a str>,
    previous_digest_hash_algorithm: Option<&'static str>,
    previous_digest_signature: Option<&'a str>,
    log_files: Vec<LogBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogBody<'a> {
    s3_bucket: &'a str,
    s3_object: &'a str,
    hash_value: &'a str,
    hash_algorithm: &'static str,
    newest_event_time: String,
    oldest_event_time: String,
}

impl Digest<'_> {
    /// Signs it.
    ///
    /// # Errors
    /// When there is no randomness for blinding.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedDigest, Unspecified> {
        let body = serde_json::to_vec(&self.body(&key.public().fingerprint)).map_err(|_| Unspecified)?;
        let hash = hex::encode(sha256(&body));
        let signature = hex::encode(key.sign(self.string_to_sign(&hash).as_bytes())?);
        Ok(SignedDigest { gzip: gzip(&body), hash, signature })
    }

    fn string_to_sign(&self, hash: &str) -> String {
        let before = self.previous.map_or("null", |previous| previous.signature.as_str());
        format!("{}\n{}/{}\n{hash}\n{before}", self.end.to_iso_8601(), self.bucket, self.object)
    }

    fn body<'b>(&'b self, fingerprint: &'b str) -> Body<'b> {
        let previous = self.previous;
        let iso = |time: Option<Timestamp>| time.map(Timestamp::to_iso_8601);
        Body {
            aws_account_id: self.account,
            digest_start_time: self.start.to_iso_8601(),
            digest_end_time: self.end.to_iso_8601(),
            digest_s3_bucket: self.bucket,
            digest_s3_object: self.object,
            digest_public_key_fingerprint: fingerprint,
            digest_signature_algorithm: SIGNATURE_ALGORITHM,
            newest_event_time: iso(self.logs.iter().map(|log| log.newest).max()),
            oldest_event_time: iso(self.logs.iter().map(|log| log.oldest).min()),
            previous_digest_s3_bucket: previous.map(|previous| previous.bucket.as_str()),
            previous_digest_s3_object: previous.map(|previous| previous.object.as_str()),
            previous_digest_hash_value: previous.map(|previous| previous.hash.as_str()),
            previous_digest_hash_algorithm: previous.map(|_| HASH_ALGORITHM),
            previous_digest_signature: previous.map(|previous| previous.signature.as_str()),
            log_files: self.logs.iter().map(LogBody::of).collect(),
        }
    }
}

impl<'a> LogBody<'a> {
    fn of(log: &'a DeliveredLog) -> Self {
        Self {
            s3_bucket: &log.bucket,
            s3_object: &log.object,
            hash_value: &log.hash,
            hash_algorithm: HASH_ALGORITHM,
            newest_event_time: log.newest.to_iso_8601(),
            oldest_event_time: log.oldest.to_iso_8601(),
        }
    }
}

#[cfg(test)]
mod tests;
