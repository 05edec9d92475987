//! A trail: its names, its row.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html>

use std::collections::BTreeMap;
use std::fmt;

use keyreeve_audit::Place;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_model::trail_error::{TrailError, TrailFault};
use serde::{Deserialize, Serialize};

/// Most trails of an account whose home is one Region.
/// AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>
pub(crate) const TRAILS_PER_REGION: usize = 5;
const NAME_MIN: usize = 3;
const NAME_MAX: usize = 128;
/// AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
const BUCKET_LENGTHS: std::ops::RangeInclusive<usize> = 3..=63;
const PREFIX_MAX: usize = 200;

/// Which trail.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrailId {
    /// Its account.
    pub account: AccountId,
    /// Its home Region.
    #[serde(with = "region_text")]
    pub home: Region,
    /// Its name.
    pub name: String,
}

/// `arn:aws:cloudtrail:<region>:<account>:trail/<name>`.
impl fmt::Display for TrailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, home, name } = self;
        write!(f, "arn:{}:cloudtrail:{home}:{account}:trail/{name}", home.partition())
    }
}

impl TrailId {
    /// The trail that a request names: by its ARN, or by its name in this account and Region.
    ///
    /// # Errors
    /// CloudTrailARNInvalidException, InvalidTrailNameException.
    pub(crate) fn of(text: &str, account: AccountId, region: &Region) -> Result<Self, KmsError> {
        if text.starts_with("arn:") {
            return Self::parse(text)
                .ok_or_else(|| TrailFault::ArnInvalid.because(format!("Invalid ARN: {text}")).into());
        }
        check_name(text)?;
        Ok(Self { account, home: region.clone(), name: text.to_owned() })
    }

    fn parse(arn: &str) -> Option<Self> {
        let rest = arn.strip_prefix("arn:")?;
        let (partition, rest) = rest.split_once(":cloudtrail:")?;
        let mut parts = rest.splitn(3, ':');
        let home = Region::parse(parts.next()?).filter(|home| home.partition() == partition)?;
        let account = AccountId::parse(parts.next()?)?;
        let name = parts.next()?.strip_prefix("trail/")?;
        check_name(name).ok()?;
        Some(Self { account, home, name: name.to_owned() })
    }
}

/// Since when a trail logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The newest frame of the log when it began: what follows is delivered.
    pub after: Place,
    /// When it began.
    pub started: Timestamp,
}

/// The row of a trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Which.
    #[serde(flatten)]
    pub id: TrailId,
    /// The bucket that it delivers to.
    pub bucket: String,
    /// What the names of its objects begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Whether it delivers the records of global services.
    pub global_events: bool,
    /// Whether it delivers the records of every Region.
    pub multi_region: bool,
    /// Whether it delivers digests.
    pub validation: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Since when it logs, while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// When logging began for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When logging ended for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Timestamp>,
}

/// Regions in rows are their names.
pub(super) mod region_text {
    use keyreeve_model::region::Region;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::cloudtrail) fn serialize<S: Serializer>(region: &Region, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(region.as_str())
    }

    pub(in crate::cloudtrail) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Region, D::Error> {
        let text = String::deserialize(from)?;
        Region::parse(&text).ok_or_else(|| serde::de::Error::custom("not the name of a Region"))
    }
}

/// Whether a text may name a trail.
///
/// # Errors
/// InvalidTrailNameException in AWS's words.
pub(crate) fn check_name(name: &str) -> Result<(), TrailError> {
    let invalid = |text: String| Err(TrailFault::InvalidTrailName.because(text));
    let len = name.chars().count();
    if len < NAME_MIN {
        return invalid(format!(
            "Trail name too short. Minimum allowed length: {NAME_MIN} characters. Specified name length: {len} characters."
        ));
    }
    if len > NAME_MAX {
        return invalid(format!(
            "Trail name too long. Maximum allowed length: {NAME_MAX} characters. Specified name length: {len} characters."
        ));
    }
    let mark = |b: u8| matches!(b, b'.' | b'_' | b'-');
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || mark(b)) {
        return invalid(
            "Trail name or ARN can contain only upper case letters, lower case letters, numbers, periods (.), hyphens \
             (-), and underscores (_)."
                .to_owned(),
        );
    }
    if name.starts_with(|c: char| !c.is_ascii_alphanumeric()) {
        return invalid("Trail name must starts with a letter or number.".to_owned());
    }
    if name.ends_with(|c: char| !c.is_ascii_alphanumeric()) {
        return invalid("Trail name must ends with a letter or number.".to_owned());
    }
    if name.bytes().zip(name.bytes().skip(1)).any(|(one, next)| mark(one) && mark(next)) {
        return invalid(
            "Trail name cannot have adjacent periods (.), hyphens (-) or underscores (_).".to_owned(),
        );
    }
    if is_ip_address(name) {
        return invalid("Trail name cannot be formatted as an IP address.".to_owned());
    }
    Ok(())
}

fn is_ip_address(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Whether a text may name a bucket.
///
/// # Errors
/// InvalidS3BucketNameException.
pub(crate) fn check_bucket(bucket: &str) -> Result<(), TrailError> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let named = BUCKET_LENGTHS.contains(&bucket.len())
        && bucket.bytes().all(|b| inner(b) || matches!(b, b'.' | b'-'))
        && bucket.split('.').all(|label| {
            let mut ends = label.bytes().next().into_iter().chain(label.bytes().next_back());
            !label.is_empty() && ends.all(inner)
        })
        && !is_ip_address(bucket);
    let refused = || TrailFault::InvalidBucketName.because(format!("Invalid S3 bucket name: {bucket}"));
    if named { Ok(()) } else { Err(refused()) }
}

/// The prefix that a text stands for; the empty one is none. Objects lie in folders too, so that it names no other folder.
///
/// # Errors
/// InvalidS3PrefixException.
pub(crate) fn check_prefix(prefix: &str) -> Result<Option<String>, TrailError> {
    let len = prefix.chars().count();
    if len > PREFIX_MAX {
        let text =
            format!("S3 prefix is longer than {PREFIX_MAX} characters. Specified prefix length: {len}");
        return Err(TrailFault::InvalidPrefix.because(text));
    }
    let trimmed = prefix.trim_end_matches('/');
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control() || c == '\\')
    };
    if !trimmed.is_empty() && !trimmed.split('/').all(plain) {
        return Err(TrailFault::InvalidPrefix.because(format!("Invalid S3 prefix: {prefix}")));
    }
    Ok((!trimmed.is_empty()).then(|| trimmed.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_aws_admits() {
        let long = "x".repeat(NAME_MAX);
        for name in ["abc", "a.b", "0_9", "my-namespace", long.as_str(), "1.2.3.4x"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let too_long = "x".repeat(NAME_MAX + 1);
        for (name, text) in [
            ("", "too short"),
            ("ab", "too short"),
            (too_long.as_str(), "too long"),
            ("a b c", "can contain only"),
            ("käse", "can contain only"),
            ("-abc", "must starts"),
            ("abc-", "must ends"),
            ("a--b", "adjacent"),
            ("a-_b", "adjacent"),
            ("192.168.5.4", "IP address"),
        ] {
            let error = check_name(name).unwrap_err();
            assert!(error.message.contains(text), "{name}: {error:?}");
            assert_eq!(error.fault, TrailFault::InvalidTrailName);
        }
    }

    #[test]
    fn buckets_are_those_that_s3_admits() {
        let longest = "b".repeat(63);
        for bucket in ["abc", "a-b", "a.b", "0ab", longest.as_str()] {
            assert_eq!(check_bucket(bucket), Ok(()), "{bucket}");
        }
        let too_long = "b".repeat(64);
        for bucket in [
            "",
            "ab",
            too_long.as_str(),
            "Abc",
            "a_b",
            "a..b",
            "-ab",
            "ab-",
            ".ab",
            "a.-b",
            "1.2.3.4",
            "../ab",
        ] {
            assert!(check_bucket(bucket).is_err(), "{bucket}");
        }
    }

    #[test]
    fn prefixes_name_no_other_folder() {
        for (text, prefix) in [("", None), ("a", Some("a")), ("a/b/", Some("a/b")), ("/", None)] {
            assert_eq!(check_prefix(text).unwrap().as_deref(), prefix, "{text}");
        }
        for text in ["..", "a/../b", "/a", "a//b", "a/./b", "a\nb", "a\\b", &"x".repeat(201)] {
            assert!(check_prefix(text).is_err(), "{text}");
        }
    }

    #[test]
    fn trails_are_named_by_arn_or_by_name() {
        let (account, region) =
            (AccountId::parse("111122223333").unwrap(), Region::parse("eu-west-1").unwrap());
        let of = |text: &str| TrailId::of(text, account, &region);
        let here = of("ledger").unwrap();
        assert_eq!(here.to_string(), "arn:aws:cloudtrail:eu-west-1:111122223333:trail/ledger");
        assert_eq!(of(&here.to_string()).unwrap(), here);
        let there = of("arn:aws-cn:cloudtrail:cn-north-1:444455556666:trail/ledger").unwrap();
        assert_eq!((there.account.as_str(), there.home.as_str()), ("444455556666", "cn-north-1"));
        for arn in [
            "arn:aws:cloudtrail:eu-west-1:111122223333:trail/",
            "arn:aws:cloudtrail:eu-west-1:111122223333:ledger",
            "arn:aws:cloudtrail:eu-west-1:1:trail/ledger",
            "arn:aws:cloudtrail:cn-north-1:111122223333:trail/ledger",
            "arn:aws:kms:eu-west-1:111122223333:trail/ledger",
            "arn:aws:cloudtrail:eu-west-1:111122223333:trail/a/b",
        ] {
            assert!(of(arn).is_err(), "{arn}");
        }
    }
}
