//! A log file: the records of one account and Region.

use keyreeve_crypto::digest::sha256;

use super::gzip;

/// A log file, ready to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// What is stored.
    pub gzip: Vec<u8>,
    /// SHA-256 of what was compressed, in hex: what a digest says of the file.
    pub hash: String,
}

/// The log file of records, each of which is a JSON object.
pub fn log_file<'r>(records: impl IntoIterator<Item = &'r [u8]>) -> LogFile {
    let mut body = br#"{"Records":["#.to_vec();
    for (index, record) in records.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(record);
    }
    body.extend_from_slice(b"]}");
    LogFile { hash: hex::encode(sha256(&body)), gzip: gzip(&body) }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_log_file_is_one_gzip_member_of_all_records() {
        for (records, expected) in [
            (vec![], json!({"Records": []})),
            (vec![r#"{"eventName":"A"}"#], json!({"Records": [{"eventName": "A"}]})),
            (vec![r#"{"a":1}"#, r#"{"a":2}"#], json!({"Records": [{"a": 1}, {"a": 2}]})),
        ] {
            let file = log_file(records.iter().map(|record| record.as_bytes()));
            let mut rest = file.gzip.as_slice();
            let mut body = Vec::new();
            // The decoder of one member leaves what follows it.
            GzDecoder::new(&mut rest).read_to_end(&mut body).unwrap();
            assert!(rest.is_empty());
            assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
            assert_eq!(file.hash, hex::encode(sha256(&body)));
        }
    }

    #[test]
    fn the_same_records_give_the_same_bytes() {
        let records = [b"{}".as_slice(), b"{\"a\":1}"];
        assert_eq!(log_file(records), log_file(records));
        assert_ne!(log_file(records), log_file([b"{}".as_slice()]));
    }
}
