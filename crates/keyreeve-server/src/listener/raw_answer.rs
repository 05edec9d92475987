//! An answer as the bytes of HTTP/1.1, for the two cases in which there is no request that hyper could answer: a
//! connection over the limit, and a head that does not arrive in time. It always closes the connection.

use std::fmt::Write as _;
use std::time::SystemTime;

use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE};
use uuid::Uuid;

use super::exchange::Answer;
use super::service::REQUEST_ID;

/// The whole answer, ready to be written.
pub(super) fn render(answer: &Answer, request_id: Uuid, now: SystemTime) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {}\r\n{REQUEST_ID}: {request_id}\r\n{CONTENT_TYPE}: {}\r\n{CONTENT_LENGTH}: {}\r\n",
        answer.status,
        answer.content_type,
        answer.body.len()
    );
    if let Some(date) = http_date(now) {
        // Writing to a string does not fail.
        let _ = write!(head, "{DATE}: {date}\r\n");
    }
    let _ = write!(head, "{CONNECTION}: close\r\n");
    let mut bytes = head.into_bytes();
    for (name, value) in &answer.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&answer.body);
    bytes
}

/// The IMF-fixdate of RFC 9110 §5.6.7; `None` for a clock outside the calendar.
fn http_date(now: SystemTime) -> Option<String> {
    let now = jiff::Timestamp::try_from(now).ok()?;
    Some(now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;
    use hyper::header::{HeaderName, HeaderValue};
    use std::time::Duration;

    #[test]
    fn an_answer_outside_hyper_is_complete_http() {
        let mut answer = Answer::new(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "busy");
        answer.headers.push((HeaderName::from_static("retry-after"), HeaderValue::from_static("1")));
        // The example of RFC 9110 §5.6.7.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(
            String::from_utf8(render(&answer, Uuid::nil(), now)).unwrap(),
            "HTTP/1.1 503 Service Unavailable\r\n\
             x-amzn-requestid: 00000000-0000-0000-0000-000000000000\r\n\
             content-type: text/plain\r\n\
             content-length: 4\r\n\
             date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             connection: close\r\n\
             retry-after: 1\r\n\
             \r\n\
             busy"
        );
    }
}
