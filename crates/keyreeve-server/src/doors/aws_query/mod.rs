//! The AWS query protocol of IAM and STS: a form in, XML out.
//! Smithy: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>

mod dialect;
mod fault;
mod form;
mod members;
mod xml;

use hyper::StatusCode;
use keyreeve_model::error::KmsError;
use keyreeve_service::catalogue::Row;
use uuid::Uuid;

pub(super) use dialect::Dialect;
pub(super) use fault::{error, malformed, signature, unknown_action};
pub(super) use form::Form;
pub(super) use members::to_json;

use crate::listener::Answer;

/// Content type of a form.
pub(super) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
/// Content type of an answer.
const XML: &str = "text/xml";

/// The answer to a call.
pub(super) fn answer(
    dialect: Option<&Dialect>,
    row: &Row,
    result: Result<Vec<u8>, KmsError>,
    request_id: Uuid,
) -> Answer {
    let written = result.and_then(|reply| {
        let namespace = dialect.map_or(fault::FAULT_NAMESPACE, |dialect| dialect.namespace);
        xml::response(namespace, row.name, &reply, request_id).ok_or(KmsError::Internal)
    });
    match written {
        Ok(body) => Answer::new(StatusCode::OK, XML, body),
        Err(refused) => error(dialect, &refused, request_id),
    }
}
