//! The names of objects.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>

use keyreeve_crypto::digest::sha256_of_parts;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;

use crate::chain::Place;

/// Which trail delivers, and of which Region.
#[derive(Debug, Clone, Copy)]
pub struct DeliveredBy<'a> {
    /// What object names begin with; none is none.
    pub prefix: Option<&'a str>,
    /// The account of the trail and of its records.
    pub account: AccountId,
    /// The Region of the records.
    pub region: &'a Region,
    /// The trail's name.
    pub trail: &'a str,
    /// The trail's home Region.
    pub home: &'a Region,
}

/// Letters and digits of the unique part of a log file's name.
const UNIQUE_LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UNIQUE_LEN: usize = 16;

/// The name of a log file that was cut at `time` from the frames behind `after`: the same frames of a trail give the same
/// name, so that a file that is delivered again takes its own place.
pub fn log_key(by: &DeliveredBy<'_>, time: Timestamp, after: Place) -> String {
    let DeliveredBy { prefix, account, region, trail, home } = *by;
    let unique = sha256_of_parts([
        b"keyreeve/v1/log-file".as_slice(),
        account.as_str().as_bytes(),
        region.as_str().as_bytes(),
        home.as_str().as_bytes(),
        trail.as_bytes(),
        &after.0.to_be_bytes(),
        &time.as_millis().to_be_bytes(),
    ]);
    let letter =
        |byte: &u8| UNIQUE_LETTERS.get(usize::from(*byte) % UNIQUE_LETTERS.len()).copied().map(char::from);
    let unique: String = unique.iter().take(UNIQUE_LEN).filter_map(letter).collect();
    let (day, minute) = (written(time, "%Y/%m/%d"), written(time, "%Y%m%dT%H%MZ"));
    let root = root(prefix);
    format!(
        "{root}AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{minute}_{unique}.json.gz"
    )
}

/// The name of the digest of the hour that ends at `end`.
pub fn digest_key(by: &DeliveredBy<'_>, end: Timestamp) -> String {
    let DeliveredBy { prefix, account, region, trail, home } = *by;
    let (day, second) = (written(end, "%Y/%m/%d"), written(end, "%Y%m%dT%H%M%SZ"));
    let root = root(prefix);
    format!(
        "{root}AWSLogs/{account}/CloudTrail-Digest/{region}/{day}/\
         {account}_CloudTrail-Digest_{region}_{trail}_{home}_{second}.json.gz"
    )
}

fn root(prefix: Option<&str>) -> String {
    prefix.filter(|prefix| !prefix.is_empty()).map(|prefix| format!("{prefix}/")).unwrap_or_default()
}

/// A time in UTC; what no calendar has is the epoch.
fn written(time: Timestamp, format: &str) -> String {
    let time = jiff::Timestamp::from_second(time.as_seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> [Region; 2] {
        ["eu-west-1", "us-east-1"].map(|name| Region::parse(name).unwrap())
    }

    fn by<'a>(prefix: Option<&'a str>, [region, home]: &'a [Region; 2]) -> DeliveredBy<'a> {
        DeliveredBy {
            prefix,
            account: AccountId::parse("111122223333").unwrap(),
            region,
            trail: "ledger",
            home,
        }
    }

    /// 2026-03-05T07:08:09Z.
    const TIME: Timestamp = Timestamp::from_millis(1_772_694_489_000);

    #[test]
    fn names_are_those_of_cloudtrail() {
        let regions = regions();
        let log = log_key(&by(None, &regions), TIME, Place(7));
        let (stem, unique) = log.split_at(log.len() - "0123456789abcdef.json.gz".len());
        assert_eq!(
            stem,
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/05/111122223333_CloudTrail_eu-west-1_20260305T0708Z_"
        );
        let unique = unique.strip_suffix(".json.gz").unwrap();
        assert!(
            unique.len() == UNIQUE_LEN && unique.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{unique}"
        );
        assert_eq!(
            digest_key(&by(Some("kept/here"), &regions), TIME),
            "kept/here/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/05/\
             111122223333_CloudTrail-Digest_eu-west-1_ledger_us-east-1_20260305T070809Z.json.gz"
        );
    }

    #[test]
    fn a_file_has_one_name_and_another_file_another() {
        let regions = regions();
        let by = by(None, &regions);
        assert_eq!(log_key(&by, TIME, Place(7)), log_key(&by, TIME, Place(7)));
        assert_ne!(log_key(&by, TIME, Place(7)), log_key(&by, TIME, Place(8)));
        let other = DeliveredBy { trail: "other", ..by };
        assert_ne!(log_key(&by, TIME, Place(7)), log_key(&other, TIME, Place(7)));
    }
}
