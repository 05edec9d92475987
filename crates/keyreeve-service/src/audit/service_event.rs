//! Events that nobody asked for: what Keyreeve does to keys by itself, and what it notices about itself.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html>

use keyreeve_audit::Entry;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::record::{EVENT_VERSION, OPERATOR_SOURCE, Record, ResourceElement};
use super::user_identity::{INTERNAL, UserIdentity};
use crate::catalogue::Api;

/// An event of Keyreeve's own.
#[derive(Debug, Clone)]
pub(crate) struct ServiceEvent {
    id: Uuid,
    at: Timestamp,
    name: &'static str,
    source: &'static str,
    account: AccountId,
    region: Region,
    key: Option<String>,
    read_only: bool,
    details: Value,
}

impl ServiceEvent {
    fn of_key(name: &'static str, key: &KeyArn, at: Timestamp, mut details: Value) -> Self {
        if let Value::Object(members) = &mut details {
            members.insert("keyId".to_owned(), Value::from(key.key_id.to_string()));
        }
        Self {
            id: Uuid::new_v4(),
            at,
            name,
            source: Api::Kms.event_source(),
            account: key.account,
            region: key.region.clone(),
            key: Some(key.to_string()),
            read_only: false,
            details,
        }
    }

    /// The waiting period of a key has passed, and it is gone.
    pub(crate) fn delete_key(key: &KeyArn, at: Timestamp) -> Self {
        Self::of_key("DeleteKey", key, at, json!({}))
    }

    /// Something is wrong with the log or the store: a sentence, and the path of the row, if it is one.
    pub(crate) fn integrity_alarm(region: Region, at: Timestamp, sentence: &str, path: Option<&str>) -> Self {
        Self {
            id: Uuid::new_v4(),
            at,
            name: "AuditIntegrityAlarm",
            source: OPERATOR_SOURCE,
            account: AccountId::ZERO,
            region,
            key: None,
            read_only: true,
            details: json!({"message": sentence, "path": path}),
        }
    }

    /// Its entry, without the rows of its change.
    pub(super) fn entry(&self) -> Entry {
        let account_id = self.account;
        let resource = |arn| ResourceElement { account_id, kind: "AWS::KMS::Key", arn };
        let record = Record {
            event_version: EVENT_VERSION,
            user_identity: UserIdentity::internal(account_id),
            event_time: self.at.to_iso_8601(),
            event_source: self.source,
            event_name: self.name,
            aws_region: self.region.as_str(),
            source_ip_address: INTERNAL.to_owned(),
            user_agent: Some(INTERNAL),
            error_code: None,
            error_message: None,
            request_parameters: None,
            response_elements: Value::Null,
            additional_event_data: None,
            request_id: None,
            event_id: self.id,
            read_only: self.read_only,
            resources: self.key.as_deref().map(resource).into_iter().collect(),
            event_type: "AwsServiceEvent",
            management_event: true,
            recipient_account_id: account_id,
            shared_event_id: None,
            service_event_details: Some(self.details.clone()),
            event_category: "Management",
            tls_details: None,
        };
        let event = record.to_json();
        let (account, region) = (self.account, self.region.clone());
        Entry { id: self.id, time: self.at, account, region, event, rows: Vec::new() }
    }
}

/// The entry of an event that sums up requests whose callers are not known: they are nobody's calls, and have no records
/// of their own.
pub fn authentication_failures(region: Region, at: Timestamp, details: Value) -> Entry {
    ServiceEvent {
        id: Uuid::new_v4(),
        at,
        name: "AuthenticationFailures",
        source: OPERATOR_SOURCE,
        account: AccountId::ZERO,
        region,
        key: None,
        read_only: true,
        details,
    }
    .entry()
}
