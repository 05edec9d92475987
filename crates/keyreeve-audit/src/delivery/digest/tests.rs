//! Digests of each kind, member by member, and what their signature is over.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;

const HOUR: i64 = 3600;
const START: Timestamp = Timestamp::from_millis(1_772_694_489_000);

fn key() -> SigningKey {
    SigningKey::open(&SigningKey::generate().unwrap()).unwrap()
}

fn digest<'a>(previous: Option<&'a PreviousDigest>, logs: &'a [DeliveredLog]) -> Digest<'a> {
    let account = AccountId::parse("111122223333").unwrap();
    Digest {
        account,
        start: START,
        end: START.plus_seconds(HOUR),
        bucket: "audit",
        object: "d/1.json.gz",
        previous,
        logs,
    }
}

fn body(signed: &SignedDigest) -> (Vec<u8>, Value) {
    let mut body = Vec::new();
    GzDecoder::new(signed.gzip.as_slice()).read_to_end(&mut body).unwrap();
    let value = serde_json::from_slice(&body).unwrap();
    (body, value)
}

fn log(object: &str, oldest: i64, newest: i64) -> DeliveredLog {
    DeliveredLog {
        bucket: "audit".into(),
        object: object.into(),
        hash: "ab".repeat(32),
        newest: START.plus_seconds(newest),
        oldest: START.plus_seconds(oldest),
    }
}

#[test]
fn members_stand_in_the_order_of_cloudtrail() {
    let (_, value) = body(&digest(None, &[log("l", 0, 9)]).sign(&key()).unwrap());
    let names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "awsAccountId digestStartTime digestEndTime digestS3Bucket digestS3Object digestPublicKeyFingerprint \
                    digestSignatureAlgorithm newestEventTime oldestEventTime previousDigestS3Bucket \
                    previousDigestS3Object previousDigestHashValue previousDigestHashAlgorithm \
                    previousDigestSignature logFiles";
    assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>());
    let names: Vec<_> = value["logFiles"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["s3Bucket", "s3Object", "hashValue", "hashAlgorithm", "newestEventTime", "oldestEventTime"]
    );
}

#[test]
fn the_digest_that_begins_a_chain_names_no_other_and_an_empty_hour_no_times() {
    let (_, value) = body(&digest(None, &[]).sign(&key()).unwrap());
    for name in ["Bucket", "Object"] {
        assert_eq!(value[format!("previousDigestS3{name}")], Value::Null);
    }
    for name in ["HashValue", "HashAlgorithm", "Signature"] {
        assert_eq!(value[format!("previousDigest{name}")], Value::Null);
    }
    assert_eq!((&value["newestEventTime"], &value["oldestEventTime"]), (&Value::Null, &Value::Null));
    assert_eq!(value["logFiles"], Value::Array(Vec::new()));
}

#[test]
fn times_are_those_of_all_log_files() {
    let (_, value) = body(&digest(None, &[log("a", 5, 9), log("b", 2, 7)]).sign(&key()).unwrap());
    assert_eq!(value["newestEventTime"], START.plus_seconds(9).to_iso_8601());
    assert_eq!(value["oldestEventTime"], START.plus_seconds(2).to_iso_8601());
}

#[test]
fn the_signature_is_over_end_name_hash_and_the_signature_before() {
    let key = key();
    let previous = PreviousDigest {
        bucket: "audit".into(),
        object: "d/0.json.gz".into(),
        hash: "cd".repeat(32),
        signature: "ef01".into(),
    };
    for (previous, before) in [(None, "null"), (Some(&previous), "ef01")] {
        let signed = digest(previous, &[]).sign(&key).unwrap();
        let (bytes, value) = body(&signed);
        assert_eq!(signed.hash, hex::encode(sha256(&bytes)));
        let end = value["digestEndTime"].as_str().unwrap();
        let text = format!("{end}\naudit/d/1.json.gz\n{}\n{before}", signed.hash);
        // PKCS#1 v1.5 has one signature of each message.
        assert_eq!(signed.signature, hex::encode(key.sign(text.as_bytes()).unwrap()));
        assert_eq!(value["digestPublicKeyFingerprint"], key.public().fingerprint.as_str());
        assert_eq!(value["previousDigestSignature"].as_str().unwrap_or("null"), before);
    }
}
