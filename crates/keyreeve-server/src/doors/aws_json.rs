//! AWS JSON 1.1 on the wire: the target header, `__type` bodies, statuses.
//! Smithy: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use hyper::StatusCode;
use keyreeve_model::error::{Blame, KmsError};
use keyreeve_service::catalogue::Api;
use serde_json::{Map, Value};

use super::authenticate::SignedFor;
use crate::listener::{Answer, Refusal};

/// An API that speaks JSON.
#[derive(Debug)]
pub(super) struct Dialect {
    pub(super) api: Api,
    pub(super) signed_for: SignedFor,
    /// What every target begins with: any of these.
    targets: &'static [&'static str],
    /// Errors of the server that have another code in this API.
    server_faults: &'static [(&'static str, &'static str)],
}

/// Of KMS, of operators, and of what names no API.
pub(super) static KMS: Dialect =
    Dialect { api: Api::Kms, signed_for: SignedFor::KMS, targets: &["TrentService."], server_faults: &[] };

static CLOUDTRAIL: Dialect = Dialect {
    api: Api::CloudTrail,
    signed_for: SignedFor::CLOUDTRAIL,
    // Clients made of the older model and of the newer one.
    targets: &["com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.", "CloudTrail_20131101."],
    server_faults: &[
        ("KMSInternalException", "InternalFailure"),
        ("DependencyTimeoutException", "ServiceUnavailable"),
    ],
};

/// The API of a target.
pub(super) fn dialect_of(target: &str) -> &'static Dialect {
    if CLOUDTRAIL.operation(target).is_some() { &CLOUDTRAIL } else { &KMS }
}

impl Dialect {
    /// The operation in a target of this API.
    pub(super) fn operation<'t>(&self, target: &'t str) -> Option<&'t str> {
        self.targets.iter().find_map(|prefix| target.strip_prefix(prefix))
    }

    /// The answer to a call.
    pub(super) fn answer(&self, result: Result<Vec<u8>, KmsError>) -> Answer {
        match result {
            Ok(body) => Answer::new(StatusCode::OK, CONTENT_TYPE, body),
            Err(refused) => self.error(&refused),
        }
    }

    /// An error of the service.
    pub(super) fn error(&self, error: &KmsError) -> Answer {
        let wire = error.wire();
        let status = match wire.blame {
            Blame::Client => StatusCode::BAD_REQUEST,
            Blame::Server => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let other = self.server_faults.iter().find(|(code, _)| *code == wire.code);
        let code = other.map_or(wire.code, |(_, code)| code);
        // AWS writes AccessDenied's message with a capital letter, and only that one.
        let name = if matches!(error, KmsError::AccessDenied(_)) { "Message" } else { "message" };
        body(status, code, wire.message.as_deref().map(|message| (name, message)))
    }
}

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// An error of the front end: a signature that does not hold.
pub(super) fn fault(code: &'static str, message: &str) -> Answer {
    body(StatusCode::BAD_REQUEST, code, (!message.is_empty()).then_some(("message", message)))
}

/// A request that a limit of the listener refused.
pub(super) fn refusal(refusal: Refusal) -> Answer {
    let (code, message) = match refusal {
        Refusal::BodyMalformed | Refusal::Malformed => {
            ("SerializationException", "The request could not be read.")
        }
        Refusal::BodyTooLarge => ("RequestEntityTooLargeException", "The request body is larger than 1 MiB."),
        Refusal::BodyTooSlow | Refusal::HeadTooSlow => {
            ("RequestTimeoutException", "The request did not arrive in time.")
        }
        Refusal::HandlerPanicked => ("KMSInternalException", "An internal error occurred."),
        Refusal::HttpVersion => ("SerializationException", "HTTP/1.1 or HTTP/2 is needed."),
        Refusal::TooManyConnections | Refusal::TooManyRequests => {
            ("ServiceUnavailableException", "Too many requests at this moment. Retry the request.")
        }
    };
    body(refusal.status(), code, Some(("message", message)))
}

fn body(status: StatusCode, code: &str, message: Option<(&str, &str)>) -> Answer {
    let mut members = Map::new();
    members.insert("__type".to_owned(), Value::from(code));
    if let Some((name, message)) = message {
        members.insert(name.to_owned(), Value::from(message));
    }
    Answer::new(status, CONTENT_TYPE, Value::Object(members).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_an_api_and_an_operation() {
        for (target, api, operation) in [
            ("TrentService.Encrypt", Api::Kms, Some("Encrypt")),
            ("CloudTrail_20131101.LookupEvents", Api::CloudTrail, Some("LookupEvents")),
            (
                "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.GetTrail",
                Api::CloudTrail,
                Some("GetTrail"),
            ),
            ("CloudTrail_20131102.GetTrail", Api::Kms, None),
            ("", Api::Kms, None),
        ] {
            let dialect = dialect_of(target);
            assert_eq!((dialect.api, dialect.operation(target)), (api, operation), "{target}");
        }
    }

    #[test]
    fn faults_of_the_server_have_the_codes_of_their_api() {
        for (dialect, code) in [(&KMS, "KMSInternalException"), (&CLOUDTRAIL, "InternalFailure")] {
            let answer = dialect.error(&KmsError::Internal);
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(String::from_utf8_lossy(&answer.body).contains(code));
        }
    }
}
