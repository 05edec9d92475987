//! Trails for tests: real logs of CloudTrail-shaped records, always alike for the same seed.

use std::path::Path;

use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::entry::{Entry, WrittenRow};
use crate::index;
use crate::journal::{Durability, Journal, JournalOptions};
use crate::retention::{self, Policy, Purge};
use crate::signing_key::SigningKey;
use crate::verify::Keys;
use crate::{Place, SignedHead};

/// 2026-01-01.
pub(crate) const EPOCH: i64 = 1_767_225_600_000;

/// SplitMix64, as the proofs' chance.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

pub(crate) fn account(number: u64) -> AccountId {
    AccountId::from_number(111_122_223_333 + number)
}

pub(crate) fn region() -> Region {
    Region::parse("eu-central-1").unwrap()
}

/// The record of a number: about 1100 bytes; every fourth wrote a row.
pub(crate) fn entry(seed: u64, number: u64) -> Entry {
    let mut chance = Chance(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
    let id = Uuid::from_u64_pair(chance.next(), chance.next());
    let (user, key) = (chance.below(40), Uuid::from_u64_pair(1, chance.below(200) as u64));
    let time = Timestamp::from_millis(EPOCH + number as i64 * 10);
    let writes = number.is_multiple_of(4);
    let name = if writes { "CreateAlias" } else { "Decrypt" };
    let arn = format!("arn:aws:kms:eu-central-1:111122223333:key/{key}");
    let event = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": format!("AIDA{user:016}"),
            "arn": format!("arn:aws:iam::111122223333:user/team/user-{user}"), "accountId": "111122223333",
            "accessKeyId": format!("AKIA{user:016}"), "userName": format!("user-{user}"),
        },
        "eventTime": time.to_iso_8601(), "eventSource": "kms.amazonaws.com", "eventName": name,
        "awsRegion": "eu-central-1", "sourceIPAddress": "192.0.2.17",
        "userAgent": "aws-sdk-rust/1.3.9 os/linux lang/rust/1.95.0 md/requests app/orders",
        "requestParameters": {"encryptionContext": {"tenant": format!("t-{user}"), "purpose": "orders"}, "keyId": arn},
        "responseElements": null,
        "additionalEventData": {"keyMaterialId": format!("{:064x}", chance.next())},
        "requestID": Uuid::from_u64_pair(2, chance.next()), "eventID": id, "readOnly": !writes,
        "resources": [{"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": arn}],
        "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "kms.eu-central-1.example.com"},
    });
    let row = WrittenRow(
        format!("kms/111122223333/eu-central-1/key/{key}"),
        number,
        Some(format!("{:064x}", number)),
    );
    Entry {
        id,
        time,
        account: account(0),
        region: region(),
        event: event.to_string().into_bytes(),
        rows: if writes { vec![row] } else { Vec::new() },
    }
}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::open(&SigningKey::generate().unwrap()).unwrap()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn journal(folder: &Path, segment_bytes: u64) -> Journal {
    let options = JournalOptions {
        folder: folder.to_owned(),
        durability: Durability::Buffered,
        segment_bytes,
        reserve_bytes: 0,
    };
    Journal::open(&options).unwrap()
}

/// Appends records, with a signed head behind every `head_every`, and one at the end.
pub(crate) async fn fill(
    journal: &Journal,
    key: &SigningKey,
    numbers: std::ops::Range<u64>,
    head_every: u64,
) -> SignedHead {
    let time = |number: u64| Timestamp::from_millis(EPOCH + number as i64 * 10);
    for number in numbers.clone() {
        journal.append(vec![entry(1, number)]).await.unwrap();
        if number % head_every == head_every - 1 {
            journal.seal(key, time(number)).await.unwrap();
        }
    }
    journal.seal(key, time(numbers.end)).await.unwrap()
}

/// A log of several segments with entries, heads, indexes, and a purge of its two oldest segments; and its last head.
pub(crate) fn purged_trail(folder: &Path, key: &SigningKey) -> SignedHead {
    block_on(async {
        let journal = journal(folder, 16 * 1024);
        fill(&journal, key, 0..60, 5).await;
        index::keep(&journal, folder).await.unwrap();
        fill(&journal, key, 60..70, 5).await;
        let keys = Keys::new([key.public()]).unwrap();
        let oldest: Vec<_> = crate::segment::list(folder).unwrap().into_iter().take(2).collect();
        let purge = Purge {
            folder: folder.to_owned(),
            segments: oldest,
            export: None,
            now: Timestamp::from_millis(EPOCH),
        };
        retention::purge(&journal, key, &keys, purge).await.unwrap().unwrap();
        let everything = Policy { age: None, total_bytes: Some(u64::MAX), delivered: Place(u64::MAX) };
        assert!(retention::plan(folder, Timestamp::from_millis(EPOCH), &everything).unwrap().is_empty());
        let head = fill(&journal, key, 70..78, 4).await;
        journal.close();
        head
    })
}
