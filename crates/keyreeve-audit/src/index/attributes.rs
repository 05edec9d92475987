//! What an event is found by: the attributes of LookupEvents, read from its record.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupAttribute.html>

use std::borrow::Cow;

use keyreeve_crypto::digest::sha256_of_parts;
use keyreeve_model::region::{AccountId, Region};
use serde::Deserialize;

/// An attribute of LookupEvents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// `accessKeyId` of the identity.
    AccessKeyId,
    /// `eventID`.
    EventId,
    /// `eventName`.
    EventName,
    /// `eventSource`.
    EventSource,
    /// `readOnly`: `true` or `false`.
    ReadOnly,
    /// An ARN of `resources`, or what it ends with: a key id, `alias/…`.
    ResourceName,
    /// A type of `resources`.
    ResourceType,
    /// The user's name, the name of a role's session, or `root`.
    Username,
}

/// Each with its name in the API and its byte in what is hashed; these never change.
const ATTRIBUTES: [(Attribute, &str, u8); 8] = [
    (Attribute::AccessKeyId, "AccessKeyId", 1),
    (Attribute::EventId, "EventId", 2),
    (Attribute::EventName, "EventName", 3),
    (Attribute::EventSource, "EventSource", 4),
    (Attribute::ReadOnly, "ReadOnly", 5),
    (Attribute::ResourceName, "ResourceName", 6),
    (Attribute::ResourceType, "ResourceType", 7),
    (Attribute::Username, "Username", 8),
];

/// The byte that stands for "every event".
const EVERY: u8 = 0;

impl Attribute {
    /// The attribute of this name.
    pub fn parse(name: &str) -> Option<Self> {
        ATTRIBUTES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    fn code(self) -> u8 {
        self.row().map_or(EVERY, |row| row.2)
    }

    fn row(self) -> Option<&'static (Self, &'static str, u8)> {
        ATTRIBUTES.iter().find(|row| row.0 == self)
    }
}

/// What stands in the index for a value: 64 bits of a SHA-256. Two values that share them are told apart when the event
/// is read.
pub(super) type Term = u64;

/// The term of a value, or of every event, of an account in a Region.
pub(super) fn term(account: AccountId, region: &Region, wanted: Option<(Attribute, &str)>) -> Term {
    let (code, value) = wanted.map_or((EVERY, ""), |(attribute, value)| (attribute.code(), value));
    let parts = [account.as_str().as_bytes(), region.as_str().as_bytes(), &[code], value.as_bytes()];
    sha256_of_parts(parts).first_chunk::<8>().map_or(0, |bytes| Term::from_be_bytes(*bytes))
}

/// The attributes of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventAttributes<'a> {
    pairs: Vec<(Attribute, Cow<'a, str>)>,
}

impl<'a> EventAttributes<'a> {
    /// Of a record; none of what is no record.
    pub fn of(event: &'a [u8]) -> Self {
        let event: Event<'_> = serde_json::from_slice(event).unwrap_or_default();
        let identity = event.user_identity.unwrap_or_default();
        let mut attributes = Self::default();
        let username = identity.username();
        attributes.add(Attribute::EventId, event.event_id);
        attributes.add(Attribute::EventName, event.event_name);
        attributes.add(Attribute::EventSource, event.event_source);
        attributes.add(Attribute::Username, username);
        attributes.add(Attribute::AccessKeyId, identity.access_key_id);
        let read_only = event.read_only.map(|yes| Cow::Borrowed(if yes { "true" } else { "false" }));
        attributes.add(Attribute::ReadOnly, read_only);
        for resource in event.resources.unwrap_or_default() {
            attributes.add(Attribute::ResourceType, resource.kind);
            let Some(arn) = resource.arn else { continue };
            if let Some(name) = short_name(&arn) {
                attributes.add(Attribute::ResourceName, Some(Cow::Owned(name.to_owned())));
            }
            attributes.add(Attribute::ResourceName, Some(arn));
        }
        attributes
    }

    fn add(&mut self, attribute: Attribute, value: Option<Cow<'a, str>>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let pair = (attribute, value);
            if !self.pairs.contains(&pair) {
                self.pairs.push(pair);
            }
        }
    }

    /// Each attribute with a value, once.
    pub fn pairs(&self) -> impl Iterator<Item = (Attribute, &str)> {
        self.pairs.iter().map(|(attribute, value)| (*attribute, value.as_ref()))
    }

    /// The first value of an attribute.
    pub fn first(&self, wanted: Attribute) -> Option<&str> {
        self.pairs().find(|(attribute, _)| *attribute == wanted).map(|(_, value)| value)
    }

    /// Whether it has this value.
    pub fn has(&self, wanted: Attribute, value: &str) -> bool {
        self.pairs().any(|pair| pair == (wanted, value))
    }
}

/// A key's id, `alias/name`, or whatever else an ARN names.
fn short_name(arn: &str) -> Option<&str> {
    let name = arn.splitn(6, ':').nth(5)?;
    Some(name.strip_prefix("key/").unwrap_or(name))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, default, rename = "eventID")]
    event_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    event_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    event_source: Option<Cow<'a, str>>,
    #[serde(default)]
    read_only: Option<bool>,
    #[serde(borrow, default)]
    user_identity: Option<Identity<'a>>,
    #[serde(borrow, default)]
    resources: Option<Vec<Resource<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    principal_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    access_key_id: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default, rename = "ARN")]
    arn: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

impl<'a> Identity<'a> {
    fn username(&self) -> Option<Cow<'a, str>> {
        match self.kind.as_deref() {
            Some("Root") => Some(Cow::Borrowed("root")),
            Some("AssumedRole") => {
                let principal = self.principal_id.as_deref()?;
                principal.split_once(':').map(|(_, session)| Cow::Owned(session.to_owned()))
            }
            _ => self.user_name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_username_is_the_users_the_sessions_or_root() {
        for (identity, wanted) in [
            (json!({"type": "IAMUser", "userName": "Alice", "principalId": "AIDA1"}), Some("Alice")),
            (json!({"type": "AssumedRole", "principalId": "AROA1:session-1"}), Some("session-1")),
            (json!({"type": "Root", "principalId": "111122223333"}), Some("root")),
            (json!({"type": "WebIdentityUser", "userName": "sub"}), Some("sub")),
            (json!({"type": "AWSService", "invokedBy": "x"}), None),
        ] {
            let event = json!({"userIdentity": identity}).to_string();
            assert_eq!(EventAttributes::of(event.as_bytes()).first(Attribute::Username), wanted);
        }
    }

    #[test]
    fn a_resource_is_found_by_its_arn_and_by_what_that_ends_with() {
        let arn = |name| format!("arn:aws:kms:eu-central-1:111122223333:{name}");
        let event = json!({"eventID": "1", "readOnly": false, "resources": [
            {"ARN": arn("key/1234"), "accountId": "111122223333", "type": "AWS::KMS::Key"},
            {"ARN": arn("alias/a/b"), "type": "AWS::KMS::Key"},
        ]});
        let event = event.to_string();
        let attributes = EventAttributes::of(event.as_bytes());
        for value in [&arn("key/1234"), "1234", &arn("alias/a/b"), "alias/a/b"] {
            assert!(attributes.has(Attribute::ResourceName, value), "{value}");
        }
        assert!(attributes.has(Attribute::ReadOnly, "false"));
        assert_eq!(attributes.pairs().filter(|pair| pair.0 == Attribute::ResourceType).count(), 1);
        assert_eq!(EventAttributes::of(b"no record"), EventAttributes::default());
    }

    #[test]
    fn terms_differ_by_account_region_attribute_and_value() {
        let account = |number| AccountId::from_number(number);
        let region = |name| Region::parse(name).unwrap();
        let terms = [
            term(account(1), &region("us-east-1"), None),
            term(account(2), &region("us-east-1"), None),
            term(account(1), &region("us-east-2"), None),
            term(account(1), &region("us-east-1"), Some((Attribute::Username, "a"))),
            term(account(1), &region("us-east-1"), Some((Attribute::Username, "b"))),
            term(account(1), &region("us-east-1"), Some((Attribute::EventName, "a"))),
        ];
        assert_eq!(terms.iter().collect::<std::collections::BTreeSet<_>>().len(), terms.len());
        assert!(ATTRIBUTES.iter().all(|row| Attribute::parse(row.1) == Some(row.0) && row.0.name() == row.1));
    }
}
