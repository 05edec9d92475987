//! OpenTelemetry logs: OTLP over HTTP in JSON. A record is the body of a log record, word for word; attributes say what
//! a collector sorts by. <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use bytes::Bytes;
use hyper::StatusCode;
use keyreeve_audit::Entry;
use serde::Deserialize;
use serde_json::{Value, json};

use super::settings::Endpoint;
use super::sieve::Item;
use super::sink::{Fault, Sent, credentials};
use crate::http_client::{Poster, Reply};
use crate::tls::TlsError;

/// Where logs go on a collector whose URL has no path.
const LOGS_PATH: &str = "/v1/logs";

/// Severities of <https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber>.
const INFO: (u8, &str) = (9, "INFO");
const WARN: (u8, &str) = (13, "WARN");

/// An OTLP receiver.
#[derive(Debug)]
pub(super) struct Otlp {
    endpoint: Endpoint,
    poster: Poster,
}

/// What is read of a record.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Facts {
    event_name: String,
    event_source: String,
    error_code: Option<String>,
}

/// An ExportLogsServiceResponse.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Exported {
    partial_success: PartialSuccess,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialSuccess {
    /// The JSON mapping writes 64-bit numbers as texts, and takes both.
    rejected_log_records: Value,
    error_message: String,
}

impl Otlp {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, TlsError> {
        let endpoint = Endpoint { url: endpoint.url.clone().or_path(LOGS_PATH), ..endpoint.clone() };
        let poster = Poster::new(endpoint.url.clone(), endpoint.ca_file.as_deref())?;
        Ok(Self { endpoint, poster })
    }

    pub(super) async fn send(&mut self, items: &[Item]) -> Sent {
        let headers = match credentials(&self.endpoint) {
            Ok(headers) => headers,
            Err(why) => return Sent::some(0, why),
        };
        match self.poster.post(&headers, Bytes::from(request(items).to_string())).await {
            Ok(reply) => self.read(&reply, items.len()),
            Err(why) => Sent::some(0, why),
        }
    }

    fn read(&self, reply: &Reply, count: usize) -> Sent {
        let url = &self.endpoint.url;
        match reply.status {
            status if status.is_success() => {
                let rejected = rejected(&reply.body).min(count);
                if rejected > 0 {
                    tracing::error!(%url, rejected, "the collector refused records for good");
                }
                Sent { taken: count, rejected, fault: None }
            }
            // Never to be sent again, says the specification: one such batch would hold up everything behind it.
            StatusCode::BAD_REQUEST => {
                tracing::error!(%url, count, "the collector calls records malformed: they are not sent again");
                Sent { taken: count, rejected: count, fault: None }
            }
            status => {
                let why = format!("{url} answered with status {status}");
                Sent { taken: 0, rejected: 0, fault: Some(Fault { why, retry_after: reply.retry_after }) }
            }
        }
    }
}

/// How many records an answer refuses.
fn rejected(body: &[u8]) -> usize {
    // An empty body, and one that is not JSON, refuses nothing.
    let PartialSuccess { rejected_log_records, error_message } =
        serde_json::from_slice::<Exported>(body).unwrap_or_default().partial_success;
    if !error_message.is_empty() {
        tracing::warn!(
            error_message = error_message.chars().take(200).collect::<String>(),
            "from the collector"
        );
    }
    let text = rejected_log_records.as_str().and_then(|text| text.parse().ok());
    let number = rejected_log_records.as_u64().or(text).unwrap_or_default();
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// An ExportLogsServiceRequest.
fn request(items: &[Item]) -> Value {
    let records: Vec<_> = items.iter().map(|item| log_record(&item.entry, &item.json)).collect();
    json!({
        "resourceLogs": [{
            "resource": { "attributes": [text("service.name", "keyreeve")] },
            "scopeLogs": [{
                "scope": { "name": "keyreeve.audit", "version": env!("CARGO_PKG_VERSION") },
                "logRecords": records,
            }],
        }],
    })
}

fn log_record(entry: &Entry, record: &[u8]) -> Value {
    let facts: Facts = serde_json::from_slice(record).unwrap_or_default();
    let (number, severity) = if facts.error_code.is_some() { WARN } else { INFO };
    let nanos = (i128::from(entry.time.as_millis()) * 1_000_000).max(0).to_string();
    let mut attributes = vec![
        text("log.record.uid", &entry.id.to_string()),
        text("event.name", &facts.event_name),
        text("cloud.account.id", entry.account.as_str()),
        text("cloud.region", entry.region.as_str()),
    ];
    // The service of the call, as traces of AWS SDKs name it.
    if !facts.event_source.is_empty() {
        attributes.push(text("rpc.service", &facts.event_source));
    }
    if let Some(code) = &facts.error_code {
        attributes.push(text("error.type", code));
    }
    json!({
        "timeUnixNano": nanos,
        "observedTimeUnixNano": nanos,
        "severityNumber": number,
        "severityText": severity,
        "body": { "stringValue": String::from_utf8_lossy(record) },
        "attributes": attributes,
        "eventName": facts.event_name,
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_many_records_it_refuses() {
        for (body, expected) in [
            ("", 0),
            ("{}", 0),
            ("not json", 0),
            (r#"{"partialSuccess":{}}"#, 0),
            (r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#, 3),
            (r#"{"partialSuccess":{"rejectedLogRecords":3}}"#, 3),
        ] {
            assert_eq!(rejected(body.as_bytes()), expected, "{body}");
        }
    }
}
