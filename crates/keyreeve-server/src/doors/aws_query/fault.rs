//! Errors as query APIs spell them: codes, HTTP statuses, `<ErrorResponse>`.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>

use hyper::StatusCode;
use keyreeve_model::error::{Blame, KmsError};
use uuid::Uuid;

use super::dialect::Dialect;
use super::form::{Form, Malformed};
use super::{XML, xml};
use crate::listener::Answer;

/// Namespace of refusals that come before an API is known.
pub(super) const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// Errors that the JSON protocol spells otherwise: its code, the code here, the status here, and the text where the
/// JSON protocol has none.
const ERRORS: &[(&str, &str, u16, &str)] = &[
    ("AccessDeniedException", "AccessDenied", 403, ""),
    ("ValidationException", "ValidationError", 400, ""),
    ("SerializationException", "MalformedInput", 400, ""),
    ("UnsupportedOperationException", "InvalidInput", 400, "The operation is not supported."),
    ("MalformedPolicyDocumentException", "MalformedPolicyDocument", 400, ""),
    ("LimitExceededException", "LimitExceeded", 409, ""),
    ("TagException", "InvalidInput", 400, ""),
    ("InvalidMarkerException", "ValidationError", 400, "Invalid Marker."),
    ("ThrottlingException", "Throttling", 400, ""),
    ("DependencyTimeoutException", "ServiceUnavailable", 503, ""),
    ("ServiceUnavailableException", "ServiceUnavailable", 503, ""),
];

/// Errors of signatures: the code of the JSON protocol, the code and the status here, and a text of its own.
const SIGNATURES: &[(&str, &str, u16, &str)] = &[
    ("InvalidSignatureException", "SignatureDoesNotMatch", 403, ""),
    ("UnrecognizedClientException", "InvalidClientTokenId", 403, ""),
    ("ExpiredTokenException", "ExpiredToken", 403, ""),
    ("IncompleteSignatureException", "IncompleteSignature", 400, ""),
    (
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        403,
        "Request is missing Authentication Token",
    ),
    ("InternalFailure", "InternalFailure", 500, ""),
];

/// An error of the service.
pub(in crate::doors) fn error(dialect: Option<&Dialect>, error: &KmsError, request_id: Uuid) -> Answer {
    if let KmsError::Iam(refused) = error {
        return body(dialect, refused.status(), refused.code(), refused.message(), request_id);
    }
    let wire = error.wire();
    let row = ERRORS.iter().find(|(json, ..)| *json == wire.code);
    let (code, status, text) = match (row, wire.blame) {
        (Some((_, code, status, text)), _) => (*code, *status, *text),
        (None, Blame::Client) => (wire.code, 400, ""),
        (None, Blame::Server) => {
            (dialect.map_or("InternalFailure", |dialect| dialect.internal_code), 500, "")
        }
    };
    let message = if matches!(error, KmsError::Conflict) {
        "Other requests change the same things at this moment. Retry the request."
    } else {
        wire.message.as_deref().unwrap_or(text)
    };
    body(dialect, status, code, message, request_id)
}

/// A signature that does not hold.
pub(in crate::doors) fn signature(
    dialect: Option<&Dialect>,
    code: &'static str,
    message: &str,
    request_id: Uuid,
) -> Answer {
    let row = SIGNATURES.iter().find(|(json, ..)| *json == code);
    let (code, status, text) = row.map_or((code, 403, ""), |(_, code, status, text)| (*code, *status, *text));
    let message = if text.is_empty() { message } else { text };
    body(dialect, status, code, message, request_id)
}

/// A form that cannot be read.
pub(in crate::doors) fn malformed(fault: &Malformed, request_id: Uuid) -> Answer {
    let (code, message) = match fault {
        Malformed::TooMany => ("MalformedQueryString", "The request has too many parameters.".to_owned()),
        Malformed::NotUtf8 => ("MalformedQueryString", "A parameter is not encoded in UTF-8.".to_owned()),
        Malformed::Repeated(name) => {
            ("MalformedQueryString", format!("The parameter {} is given more than once.", shortened(name)))
        }
        Malformed::Misplaced(name) => {
            ("MalformedInput", format!("The parameter {} does not fit the operation.", shortened(name)))
        }
    };
    body(None, 400, code, &message, request_id)
}

/// An action that no API here has.
pub(in crate::doors) fn unknown_action(form: &Form<'_>, request_id: Uuid) -> Answer {
    let Some(action) = form.get("Action") else {
        return body(
            None,
            400,
            "MissingAction",
            "The request must contain the parameter Action.",
            request_id,
        );
    };
    let version = form.get("Version").unwrap_or("NO_VERSION_SPECIFIED");
    let message =
        format!("Could not find operation {} for version {}", shortened(action), shortened(version));
    body(None, 400, "InvalidAction", &message, request_id)
}

/// A text of the caller's, not to be sent back by the mebibyte.
fn shortened(text: &str) -> String {
    text.chars().take(256).collect()
}

fn body(dialect: Option<&Dialect>, status: u16, code: &str, message: &str, request_id: Uuid) -> Answer {
    let namespace = dialect.map_or(FAULT_NAMESPACE, |dialect| dialect.namespace);
    let kind = if status >= 500 { "Receiver" } else { "Sender" };
    // Statuses come from tables; a test makes an answer of every row.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer::new(status, XML, xml::refusal(namespace, kind, code, message, request_id))
}

#[cfg(test)]
mod tests {
    use keyreeve_model::error::{Invalid, SerializationFault};
    use keyreeve_model::iam_error::IamError;

    use super::*;

    fn sts() -> Option<&'static Dialect> {
        Dialect::of_version("2011-06-15")
    }

    fn iam() -> Option<&'static Dialect> {
        Dialect::of_version("2010-05-08")
    }

    fn shown(answer: &Answer) -> (u16, String) {
        (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
    }

    #[test]
    fn errors_of_the_service_have_the_codes_of_query_apis() {
        let violation = "Value null at 'userName' failed to satisfy constraint: Member must not be null";
        let wrong = SerializationFault::WrongType { found: "A string", expected: "an integer" };
        for (cause, status, code, message) in [
            (KmsError::AccessDenied("User: u".to_owned()), 403, "AccessDenied", "User: u"),
            (
                KmsError::Violations(vec![violation.to_owned()]),
                400,
                "ValidationError",
                "1 validation error detected: Value null at",
            ),
            (KmsError::Invalid(Invalid::NumberOfBytesRequired), 400, "ValidationError", "NumberOfBytes"),
            (KmsError::Serialization(wrong), 400, "MalformedInput", "A string found where an integer"),
            (KmsError::NotHonoured { member: "TokenCode" }, 400, "InvalidInput", "The parameter TokenCode"),
            (KmsError::InvalidMarker, 400, "ValidationError", "Invalid Marker."),
            (KmsError::DependencyTimeout, 503, "ServiceUnavailable", "The system timed out"),
            (KmsError::Internal, 500, "ServiceFailure", "An internal error occurred."),
            (KmsError::Conflict, 500, "ServiceFailure", "Other requests"),
            (
                KmsError::Iam(IamError::NoSuchEntity("The user with name <x> cannot be found.".to_owned())),
                404,
                "NoSuchEntity",
                "The user with name &lt;x&gt; cannot be found.",
            ),
            (KmsError::Iam(IamError::DeleteConflict("d".to_owned())), 409, "DeleteConflict", "d"),
            (KmsError::Iam(IamError::PolicyEvaluation("p".to_owned())), 500, "PolicyEvaluation", "p"),
        ] {
            let (got, xml) = shown(&error(iam(), &cause, Uuid::nil()));
            assert_eq!(got, status, "{cause:?}");
            let kind = if status >= 500 { "Receiver" } else { "Sender" };
            let begin = format!(
                r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}"#
            );
            assert!(xml.starts_with(&begin), "{xml}");
            assert!(xml.ends_with(
                "</Message></Error><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
            ));
        }
        let (status, xml) = shown(&error(sts(), &KmsError::Internal, Uuid::nil()));
        assert!(status == 500 && xml.contains("<Code>InternalFailure</Code>"), "{xml}");
    }

    #[test]
    fn signatures_that_do_not_hold_are_answered_with_403_but_for_incomplete_ones() {
        for (json, code, status, text) in SIGNATURES {
            let (got, xml) = shown(&signature(sts(), json, "given", Uuid::nil()));
            assert_eq!(got, *status);
            let text = if text.is_empty() { "given" } else { text };
            assert!(xml.contains(&format!("<Code>{code}</Code><Message>{text}</Message>")), "{xml}");
        }
    }

    #[test]
    fn what_is_asked_of_no_api_is_answered_by_the_front_end() {
        for (form, code, message) in [
            (
                "Action=X&Version=2011-06-15",
                "InvalidAction",
                "Could not find operation X for version 2011-06-15",
            ),
            ("Action=X", "InvalidAction", "Could not find operation X for version NO_VERSION_SPECIFIED"),
            ("Version=2011-06-15", "MissingAction", "The request must contain the parameter Action."),
        ] {
            let form = Form::parse(form.as_bytes()).unwrap();
            let (status, xml) = shown(&unknown_action(&form, Uuid::nil()));
            assert_eq!(status, 400);
            let begin = format!(
                r#"<ErrorResponse xmlns="{FAULT_NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}<"#
            );
            assert!(xml.starts_with(&begin), "{xml}");
        }
    }

    #[test]
    fn malformed_forms_are_refused_without_sending_them_back() {
        for (fault, code) in [
            (Malformed::TooMany, "MalformedQueryString"),
            (Malformed::NotUtf8, "MalformedQueryString"),
            (Malformed::Repeated("x".repeat(100_000)), "MalformedQueryString"),
            (Malformed::Misplaced("x".repeat(100_000)), "MalformedInput"),
        ] {
            let (status, xml) = shown(&malformed(&fault, Uuid::nil()));
            assert!(
                status == 400 && xml.contains(&format!("<Code>{code}</Code>")) && xml.len() < 1024,
                "{xml}"
            );
        }
    }
}
