//! AWS JSON 1.1 on the wire: the target header, `__type` bodies, statuses.
//! Smithy: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use hyper::StatusCode;
use keyreeve_model::error::{Blame, KmsError};
use serde_json::{Map, Value};

use crate::listener::{Answer, Refusal};

/// What every KMS target begins with.
pub(super) const TARGET_PREFIX: &str = "TrentService.";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The answer to a call.
pub(super) fn answer(result: Result<Vec<u8>, KmsError>) -> Answer {
    match result {
        Ok(body) => Answer::new(StatusCode::OK, CONTENT_TYPE, body),
        Err(refused) => error(&refused),
    }
}

/// An error of the service.
pub(super) fn error(error: &KmsError) -> Answer {
    let wire = error.wire();
    let status = match wire.blame {
        Blame::Client => StatusCode::BAD_REQUEST,
        Blame::Server => StatusCode::INTERNAL_SERVER_ERROR,
    };
    // AWS writes AccessDenied's message with a capital letter, and only that one.
    let name = if matches!(error, KmsError::AccessDenied(_)) { "Message" } else { "message" };
    body(status, wire.code, wire.message.as_deref().map(|message| (name, message)))
}

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
