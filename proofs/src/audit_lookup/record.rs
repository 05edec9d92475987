//! Records of the size and shape of CloudTrail's, each from its number.

use keyreeve_audit::index::Attribute;
use keyreeve_audit::{Entry, WrittenRow};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;

use crate::chance::Chance;

/// 2026-01-01, and milliseconds between two records.
const EPOCH: i64 = 1_767_225_600_000;
const STEP: i64 = 3;
const USERS: usize = 400;
const KEYS: usize = 20_000;

/// What is asked: an attribute and a value, a span of time, and how many events the first page has at least.
pub(super) type Question = (Option<Attribute>, String, Option<(i64, i64)>, usize);

/// All records of a seed.
#[derive(Debug)]
pub(super) struct Records {
    chance: Chance,
    count: usize,
    pub(super) account: AccountId,
    pub(super) region: Region,
}

impl Records {
    pub(super) fn new(seed: u64, count: usize) -> Self {
        // A Region's name is one, whatever the fallback.
        let region = Region::parse("eu-central-1").or_else(|| Region::parse("us-east-1"));
        let region = region.unwrap_or_else(|| unreachable!("a Region's name"));
        Self { chance: Chance::new(seed), count, account: AccountId::from_number(111_122_223_333), region }
    }

    fn chance(&self, number: usize) -> Chance {
        self.chance.branch(&[u64::try_from(number).unwrap_or(u64::MAX)])
    }

    fn id(&self, number: usize) -> uuid::Uuid {
        let mut chance = self.chance(number);
        uuid::Uuid::from_u64_pair(chance.next(), chance.next())
    }

    fn time(number: usize) -> i64 {
        EPOCH + i64::try_from(number).unwrap_or(0) * STEP
    }

    pub(super) fn entry(&self, number: usize) -> Entry {
        let mut chance = self.chance(number);
        let id = uuid::Uuid::from_u64_pair(chance.next(), chance.next());
        let (user, key) = (chance.below(USERS), chance.below(KEYS));
        let time = Timestamp::from_millis(Self::time(number));
        // One call in twenty changes something.
        let writes = chance.percent(5);
        let name = if writes { "TagResource" } else { "Decrypt" };
        let key = format!("00000000-0000-4000-8000-{key:012}");
        let (request, material, eventtime) = (chance.next(), chance.next(), time.to_iso_8601());
        let event = format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDA{user:016}","arn":"arn:aws:iam::111122223333:user/team/user-{user}","accountId":"111122223333","accessKeyId":"AKIA{user:016}","userName":"user-{user}"}},"eventTime":"{eventtime}","eventSource":"kms.amazonaws.com","eventName":"{name}","awsRegion":"eu-central-1","sourceIPAddress":"192.0.2.17","userAgent":"aws-sdk-rust/1.3.9 os/linux lang/rust/1.95.0","requestParameters":{{"encryptionContext":{{"tenant":"tenant-{user}","purpose":"orders"}},"keyId":"arn:aws:kms:eu-central-1:111122223333:key/{key}"}},"responseElements":null,"additionalEventData":{{"keyMaterialId":"{material:064x}"}},"requestID":"{request:032x}","eventID":"{id}","readOnly":{read},"resources":[{{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-central-1:111122223333:key/{key}"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#,
            read = !writes,
        );
        let row = || {
            WrittenRow(
                format!("kms/key/{key}"),
                u64::try_from(number).unwrap_or(0),
                Some(format!("{material:064x}")),
            )
        };
        let rows = if writes { vec![row()] } else { Vec::new() };
        Entry {
            id,
            time,
            account: self.account,
            region: self.region.clone(),
            event: event.into_bytes(),
            rows,
        }
    }

    /// One of every kind: frequent, rare, the oldest of all, none at all, and long ago.
    pub(super) fn questions(&self) -> Vec<Question> {
        let early = Self::time(self.count / 10);
        let minute = Some((early, early + 60_000));
        let of = |attribute, value: &str, span, least| (Some(attribute), value.to_owned(), span, least);
        let oldest = self.id(0).to_string();
        vec![
            (None, String::new(), None, 50),
            (None, String::new(), minute, 50),
            of(Attribute::Username, "user-7", None, 10),
            of(Attribute::Username, "nobody", None, 0),
            of(Attribute::Username, "user-7", minute, 1),
            of(Attribute::EventName, "Decrypt", None, 50),
            of(Attribute::EventName, "Decrypt", minute, 50),
            of(Attribute::EventName, "DeleteAlias", None, 0),
            of(Attribute::ReadOnly, "false", None, 50),
            of(Attribute::ReadOnly, "false", minute, 50),
            of(Attribute::EventId, &oldest, None, 1),
            of(Attribute::ResourceName, "00000000-0000-4000-8000-000000000017", None, 0),
            of(Attribute::ResourceType, "AWS::KMS::Key", None, 50),
            of(Attribute::EventSource, "iam.amazonaws.com", None, 0),
            of(Attribute::AccessKeyId, "AKIA0000000000000007", None, 10),
        ]
    }
}
