//! The AWS query protocol: a form in, XML out.
//! Smithy: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>

use std::fmt::Write as _;

use hyper::StatusCode;
use keyreeve_model::error::{Blame, KmsError};
use keyreeve_service::catalogue::Row;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::listener::Answer;

/// Content type of a form.
pub(super) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
const XML: &str = "text/xml";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The parameters of a request.
#[derive(Debug)]
pub(super) struct Form {
    parameters: Vec<(String, String)>,
}

impl Form {
    /// Parses a form; what is not UTF-8 is replaced, as no name or value of the API needs it.
    pub(super) fn parse(body: &[u8]) -> Self {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let parameters = pairs.map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            (decode(halves.next().unwrap_or_default()), decode(halves.next().unwrap_or_default()))
        });
        Self { parameters: parameters.collect() }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The operation.
    pub(super) fn action(&self) -> Option<&str> {
        self.get("Action")
    }

    /// The members as the corridor reads them.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let members =
            self.parameters.iter().filter(|(name, _)| !matches!(name.as_str(), "Action" | "Version"));
        let members: Map<_, _> =
            members.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        Value::Object(members).to_string().into_bytes()
    }
}

fn decode(text: &[u8]) -> String {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

/// The answer to a call.
pub(super) fn answer(row: &Row, result: Result<Vec<u8>, KmsError>, request_id: Uuid) -> Answer {
    let reply = match result {
        Ok(body) => body,
        Err(refused) => return error(&refused, request_id),
    };
    let members: Map<String, Value> = serde_json::from_slice(&reply).unwrap_or_default();
    let name = row.name;
    let mut xml = format!(r#"<{name}Response xmlns="{NAMESPACE}"><{name}Result>"#);
    members.iter().for_each(|(name, value)| element(&mut xml, name, value));
    // Writing to a String cannot fail.
    let _ = write!(
        xml,
        "</{name}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    );
    Answer::new(StatusCode::OK, XML, xml)
}

fn element(xml: &mut String, name: &str, value: &Value) {
    let _ = write!(xml, "<{name}>");
    match value {
        Value::Null => {}
        Value::Bool(flag) => xml.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(xml, "{number}");
        }
        Value::String(text) => escape(xml, text),
        Value::Array(items) => items.iter().for_each(|item| element(xml, "member", item)),
        Value::Object(members) => members.iter().for_each(|(name, value)| element(xml, name, value)),
    }
    let _ = write!(xml, "</{name}>");
}

fn escape(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            other => xml.push(other),
        }
    }
}

/// An error of the service.
pub(super) fn error(error: &KmsError, request_id: Uuid) -> Answer {
    let wire = error.wire();
    let status = match wire.blame {
        Blame::Client => StatusCode::BAD_REQUEST,
        Blame::Server => StatusCode::INTERNAL_SERVER_ERROR,
    };
    error_body(status, wire.code, wire.message.as_deref().unwrap_or_default(), request_id)
}

/// How the front end's errors are spelt in query APIs, and their statuses.
const FAULTS: &[(&str, &str, StatusCode)] = &[
    ("InvalidSignatureException", "SignatureDoesNotMatch", StatusCode::FORBIDDEN),
    ("UnrecognizedClientException", "InvalidClientTokenId", StatusCode::FORBIDDEN),
    ("ExpiredTokenException", "ExpiredToken", StatusCode::FORBIDDEN),
    ("IncompleteSignatureException", "IncompleteSignature", StatusCode::BAD_REQUEST),
    ("MissingAuthenticationTokenException", "MissingAuthenticationToken", StatusCode::FORBIDDEN),
];

/// An error of the front end: a signature that does not hold.
pub(super) fn fault(code: &'static str, message: &str, request_id: Uuid) -> Answer {
    let known = FAULTS.iter().find(|(json, _, _)| *json == code);
    let (code, status) = known.map_or((code, StatusCode::FORBIDDEN), |(_, query, status)| (*query, *status));
    error_body(status, code, message, request_id)
}

/// An action that no API here has.
pub(super) fn unknown_action(form: &Form, request_id: Uuid) -> Answer {
    let action = form.action().unwrap_or_default();
    let version = form.get("Version").unwrap_or_default();
    let message = format!("Could not find operation {action} for version {version}");
    error_body(StatusCode::BAD_REQUEST, "InvalidAction", &message, request_id)
}

fn error_body(status: StatusCode, code: &str, message: &str, request_id: Uuid) -> Answer {
    let kind = if status.is_server_error() { "Receiver" } else { "Sender" };
    let mut xml = format!(
        r#"<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{kind}</Type><Code>{code}</Code><Message>"#
    );
    escape(&mut xml, message);
    let _ = write!(xml, "</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>");
    Answer::new(status, XML, xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let form = Form::parse(b"Action=GetCallerIdentity&Version=2011-06-15&X=a%20b+c&Y");
        assert_eq!(form.action(), Some("GetCallerIdentity"));
        assert_eq!(form.to_json(), br#"{"X":"a b c","Y":""}"#);
    }

    #[test]
    fn text_is_escaped() {
        let mut xml = String::new();
        element(&mut xml, "A", &serde_json::json!({"B": "<&>", "C": ["x", true, 3]}));
        assert_eq!(
            xml,
            "<A><B>&lt;&amp;&gt;</B><C><member>x</member><member>true</member><member>3</member></C></A>"
        );
    }
}
