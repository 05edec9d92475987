//! The CloudTrail record of a call: one for the caller's account, and one for each other account whose keys it used.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use keyreeve_audit::Entry;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::principal::Principal;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::answer::response_elements;
use super::context_keys::HashedContextKeys;
use super::event_id;
use super::notes::{DECIDED_BY, Noted, Resource};
use super::parameters::{SECRET_MEMBERS, request_parameters};
use super::user_identity::UserIdentity;
use crate::caller::{Caller, TlsDetails};
use crate::catalogue::{Api, Effect, Row};
use crate::corridor::Outcome;
use crate::desk::Desk;

/// The version of the form of a record.
pub(super) const EVENT_VERSION: &str = "1.11";

/// A record; members in CloudTrail's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    pub(super) event_version: &'static str,
    pub(super) user_identity: UserIdentity<'a>,
    pub(super) event_time: String,
    pub(super) event_source: &'static str,
    pub(super) event_name: &'a str,
    pub(super) aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    pub(super) source_ip_address: String,
    pub(super) user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_message: Option<String>,
    pub(super) request_parameters: Option<&'a RawValue>,
    pub(super) response_elements: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_event_data: Option<Value>,
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<Uuid>,
    #[serde(rename = "eventID")]
    pub(super) event_id: Uuid,
    pub(super) read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<ResourceElement<'a>>,
    pub(super) event_type: &'static str,
    pub(super) management_event: bool,
    pub(super) recipient_account_id: AccountId,
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    pub(super) shared_event_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_event_details: Option<Value>,
    pub(super) event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_details: Option<&'a TlsDetails>,
}

/// One of `resources`.
#[derive(Serialize)]
pub(super) struct ResourceElement<'a> {
    #[serde(rename = "accountId")]
    pub(super) account_id: AccountId,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(rename = "ARN")]
    pub(super) arn: &'a str,
}

impl<'a> ResourceElement<'a> {
    fn of(resource: &'a Resource) -> Self {
        Self { account_id: resource.account(), kind: resource.kind(), arn: resource.arn() }
    }
}

impl Api {
    /// `eventSource`.
    pub(crate) const fn event_source(self) -> &'static str {
        match self {
            Self::Kms => "kms.amazonaws.com",
            Self::Sts => "sts.amazonaws.com",
            Self::Iam => "iam.amazonaws.com",
            Self::CloudTrail => "cloudtrail.amazonaws.com",
            Self::Operator => OPERATOR_SOURCE,
        }
    }
}

/// `eventSource` of what no AWS service does.
pub(super) const OPERATOR_SOURCE: &str = "admin.keyreeve";

/// CloudTrail's name for an error: AccessDenied without its ending, the others as the service model names their shapes.
fn error_code(row: &Row, error: &KmsError) -> String {
    let code = error.wire().code;
    match (row.api, code) {
        (_, "AccessDeniedException") => "AccessDenied".to_owned(),
        (Api::Iam | Api::Sts, "ValidationError") => "ValidationException".to_owned(),
        (Api::Iam | Api::Sts, code) if !code.ends_with("Exception") && !code.ends_with("Error") => {
            format!("{code}Exception")
        }
        (Api::Kms | Api::Iam | Api::Sts | Api::CloudTrail | Api::Operator, code) => code.to_owned(),
    }
}

/// `errorMessage`. A violation names its member without the value, where that is a secret.
fn error_message(error: &KmsError) -> Option<String> {
    let message = if let KmsError::Violations(texts) = error {
        KmsError::Violations(texts.iter().map(|text| without_secret(text)).collect()).wire().message
    } else {
        error.wire().message
    };
    message.map(|message| first_kilobyte(&message).to_owned())
}

/// `Value 'abc' at 'grantTokens.1.member' failed …` without `'abc'`.
fn without_secret(violation: &str) -> String {
    let Some((_, rest)) = violation.rsplit_once("' at '") else { return violation.to_owned() };
    let member = rest.split(['.', '\'']).next().unwrap_or_default();
    if SECRET_MEMBERS.iter().any(|secret| secret.eq_ignore_ascii_case(member)) {
        format!("Value at '{rest}")
    } else {
        violation.to_owned()
    }
}

/// What CloudTrail keeps of texts that a caller makes as long as it likes.
fn first_kilobyte(text: &str) -> &str {
    text.get(..text.floor_char_boundary(1024)).unwrap_or(text)
}

/// `sourceIPAddress` of a connection.
pub(super) fn source_of(caller: &Caller) -> String {
    match (&caller.forwarding, caller.connection.source_ip) {
        (Some(forwarding), _) => forwarding.service.to_string(),
        (None, Some(ip)) => ip.to_string(),
        (None, None) if matches!(caller.principal, Principal::Operator(_)) => "admin socket".to_owned(),
        (None, None) => "unix socket".to_owned(),
    }
}

/// `userAgent` of a caller.
pub(super) fn user_agent_of(caller: &Caller) -> Option<&str> {
    match &caller.forwarding {
        Some(forwarding) => Some(&forwarding.service),
        None => caller.connection.user_agent.as_deref().map(first_kilobyte),
    }
}

impl Record<'_> {
    /// The record as JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut event = Vec::with_capacity(1024);
        // Text and numbers in a vector: nothing can fail.
        drop(serde_json::to_writer(&mut event, self));
        event
    }
}

/// Writes the records of one call.
pub(super) struct Writer<'a> {
    pub(super) desk: &'a Desk<'a>,
    pub(super) noted: &'a Noted,
    pub(super) hashed: Option<&'a HashedContextKeys>,
}

impl Writer<'_> {
    /// The entries of the call: the first is the caller's.
    pub(super) fn entries(&self, outcome: Option<&Outcome>) -> Vec<Entry> {
        let (desk, noted) = (self.desk, self.noted);
        let own = noted.account.unwrap_or_else(|| desk.caller.account());
        let accounts = noted.resources.iter().map(Resource::account);
        let mut others: Vec<AccountId> = accounts.filter(|account| *account != own).collect();
        others.sort_unstable();
        others.dedup();
        let shared = (!others.is_empty()).then(event_id::draw);
        let parameters = self.parameters(outcome);
        let mut entries = Vec::with_capacity(1 + others.len());
        entries.push(self.entry(own, noted.event_id, shared, outcome, &parameters));
        for account in others {
            entries.push(self.entry(account, event_id::draw(), shared, outcome, &parameters));
        }
        entries
    }

    /// What did not read as an input has no parameters.
    fn parameters(&self, outcome: Option<&Outcome>) -> Box<RawValue> {
        let unread = matches!(outcome, Some(Err(KmsError::Serialization(_) | KmsError::Violations(_))));
        let json = if unread {
            b"null".to_vec()
        } else {
            request_parameters(self.desk.row, self.desk.body, self.hashed)
        };
        let text = String::from_utf8(json).unwrap_or_else(|_| "null".to_owned());
        RawValue::from_string(text).unwrap_or_default()
    }

    fn entry(
        &self,
        account: AccountId,
        event_id: Uuid,
        shared: Option<Uuid>,
        outcome: Option<&Outcome>,
        parameters: &RawValue,
    ) -> Entry {
        let (desk, noted) = (self.desk, self.noted);
        let own = event_id == noted.event_id;
        let row = desk.row;
        let error = outcome.and_then(|outcome| outcome.as_ref().err());
        let identity = if own {
            UserIdentity::of(desk.caller, noted.web_identity.as_deref())
        } else {
            UserIdentity::of_stranger(desk.caller)
        };
        let key = noted.resources.iter().find(|resource| matches!(resource, Resource::Key(_)));
        let record = Record {
            event_version: EVENT_VERSION,
            user_identity: identity,
            event_time: desk.now.to_iso_8601(),
            event_source: row.api.event_source(),
            event_name: row.name,
            aws_region: desk.caller.region.as_str(),
            source_ip_address: source_of(desk.caller),
            user_agent: user_agent_of(desk.caller),
            error_code: error.map(|error| error_code(row, error)),
            error_message: error.and_then(error_message),
            request_parameters: Some(parameters),
            response_elements: match outcome {
                Some(Ok(body)) => response_elements(row, key.map(Resource::arn), body),
                Some(Err(_)) | None => Value::Null,
            },
            additional_event_data: self.additional(own, error),
            request_id: Some(desk.caller.request_id),
            event_id,
            read_only: row.effect != Effect::Changes,
            resources: noted
                .resources
                .iter()
                .filter(|resource| own || resource.account() == account)
                .map(ResourceElement::of)
                .collect(),
            event_type: "AwsApiCall",
            management_event: true,
            recipient_account_id: account,
            shared_event_id: shared,
            service_event_details: None,
            event_category: "Management",
            tls_details: desk.caller.connection.tls.as_ref(),
        };
        let region = desk.caller.region.clone();
        Entry { id: event_id, time: desk.now, account, region, event: record.to_json(), rows: Vec::new() }
    }

    /// Another account is not told by which statement a caller was judged.
    fn additional(&self, own: bool, error: Option<&KmsError>) -> Option<Value> {
        let denied = matches!(error, Some(KmsError::AccessDenied(_)));
        let mut members = serde_json::Map::new();
        match self.noted.materials.as_slice() {
            [] => {}
            [only] => drop(members.insert("keyMaterialId".to_owned(), Value::from(only.as_str()))),
            [source, destination, ..] => {
                members.insert("sourceKeyMaterialId".to_owned(), Value::from(source.as_str()));
                members.insert("destinationKeyMaterialId".to_owned(), Value::from(destination.as_str()));
            }
        }
        if own {
            members.extend(
                self.noted
                    .additional
                    .iter()
                    // What a policy did not allow, a grant may have allowed afterwards.
                    .filter(|(name, _)| denied || *name != DECIDED_BY)
                    .map(|(name, value)| ((*name).to_owned(), value.clone())),
            );
        }
        (!members.is_empty()).then_some(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded_and_name_no_secret() {
        let violations = vec![
            "Value 'a' at 'x' failed' at 'grantTokens.1.member' failed to satisfy constraint: C".to_owned(),
            "Value 'alias' at 'keyId' failed to satisfy constraint: C".to_owned(),
            "Value at 'plaintext' failed to satisfy constraint: C".to_owned(),
        ];
        let message = error_message(&KmsError::Violations(violations)).unwrap();
        assert_eq!(
            message,
            "3 validation errors detected: Value at 'grantTokens.1.member' failed to satisfy constraint: C; \
             Value 'alias' at 'keyId' failed to satisfy constraint: C; Value at 'plaintext' failed to satisfy constraint: C"
        );
        let long = error_message(&KmsError::AccessDenied("ä".repeat(10_000))).unwrap();
        assert_eq!(long.len(), 1024);
        assert_eq!(error_message(&KmsError::InvalidCiphertext), None);
    }
}
