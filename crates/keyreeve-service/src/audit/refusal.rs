//! The record of a call that no operation saw: its caller is known, and what they ask for is not, or not in a form that is
//! read.

use keyreeve_audit::Entry;
use keyreeve_model::timestamp::Timestamp;
use serde_json::Value;

use super::event_id;
use super::record::{EVENT_VERSION, Record, source_of, user_agent_of};
use super::user_identity::UserIdentity;
use crate::caller::Caller;
use crate::catalogue::Api;

/// The most characters of a name that nobody knows.
const NAME_CHARACTERS_MAX: usize = 128;
/// The name of an operation whose own name is none.
const UNNAMED: &str = "UnknownOperation";

/// What a door refused.
#[derive(Debug, Clone, Copy)]
pub struct RefusedCall<'a> {
    /// The API that the request turned to.
    pub api: Api,
    /// The operation, as the request has it.
    pub name: &'a str,
    /// Code of the error.
    pub code: &'a str,
    /// Its text.
    pub message: Option<&'a str>,
    /// Whether the operation is known and only reads; of an unknown one the worst is assumed.
    pub read_only: bool,
}

/// The name, if it looks like the name of an operation.
fn name_of(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).take(NAME_CHARACTERS_MAX).collect();
    if plain.is_empty() { UNNAMED.to_owned() } else { plain }
}

/// Its entry.
pub(super) fn entry(caller: &Caller, refusal: RefusedCall<'_>, now: Timestamp) -> Entry {
    let (id, account, name) = (event_id::draw(), caller.account(), name_of(refusal.name));
    let record = Record {
        event_version: EVENT_VERSION,
        user_identity: UserIdentity::of(caller, None),
        event_time: now.to_iso_8601(),
        event_source: refusal.api.event_source(),
        event_name: &name,
        aws_region: caller.region.as_str(),
        source_ip_address: source_of(caller),
        user_agent: user_agent_of(caller),
        error_code: Some(refusal.code.to_owned()),
        error_message: refusal.message.map(str::to_owned),
        request_parameters: None,
        response_elements: Value::Null,
        additional_event_data: None,
        request_id: Some(caller.request_id),
        event_id: id,
        read_only: refusal.read_only,
        resources: Vec::new(),
        event_type: "AwsApiCall",
        management_event: true,
        recipient_account_id: account,
        shared_event_id: None,
        service_event_details: None,
        event_category: "Management",
        tls_details: caller.connection.tls.as_ref(),
    };
    Entry { id, time: now, account, region: caller.region.clone(), event: record.to_json(), rows: Vec::new() }
}
