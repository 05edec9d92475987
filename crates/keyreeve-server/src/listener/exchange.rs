//! What the listener hands to a [`Handler`] and takes back: one request, one answer, or the reason why a request was
//! refused before the handler saw it. Nothing here knows a protocol above HTTP.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode, Uri, Version};
use uuid::Uuid;

/// One request, read completely.
pub struct Incoming {
    /// The method as sent.
    pub method: Method,
    /// The request target; its path and query are the raw bytes of the request line, never normalised.
    pub target: Uri,
    /// The HTTP version of this request.
    pub version: Version,
    /// The headers as sent. On HTTP/2 `host` is filled from `:authority` (RFC 9113 §8.3.1), so that a signature over
    /// `host` is checked in the same way whatever the version.
    pub headers: HeaderMap,
    /// The body, at most [`Limits::body_bytes`](crate::limits::Limits::body_bytes) long.
    pub body: Bytes,
    /// Who is connected.
    pub peer: Peer,
    /// What TLS agreed on; `None` on a connection without TLS.
    pub tls: Option<Arc<TlsFacts>>,
    /// Drawn by the listener for this request; it goes into `x-amzn-RequestId` of the answer.
    pub request_id: Uuid,
}

/// Headers carry session tokens and bodies carry plaintext: neither is printed.
impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("method", &self.method)
            .field("version", &self.version)
            .field("body_len", &self.body.len())
            .field("peer", &self.peer)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A process on this machine, as the kernel names it (`SO_PEERCRED`).
    Unix {
        /// Effective user id at connect time.
        uid: u32,
        /// Effective group id at connect time.
        gid: u32,
        /// Process id, where the kernel tells it.
        pid: Option<i32>,
    },
}

/// What a TLS handshake agreed on, in the words of CloudTrail's `tlsDetails`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The IANA name of the cipher suite, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: String,
    /// The server name that the client asked for.
    pub sni: Option<String>,
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`) of the certificate that the client showed, where it was asked for.
    pub client_pin: Option<[u8; 32]>,
}

/// One answer. The listener adds `x-amzn-RequestId`, `Date` and `Content-Length`.
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// Further headers; most answers have none.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// An answer without further headers.
    pub fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, headers: Vec::new(), body: body.into() }
    }
}

/// A body can hold plaintext: only its length is printed.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Whoever answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. The future runs to its end even when the client hangs up half-way.
    fn handle(&self, incoming: Incoming) -> impl Future<Output = Answer> + Send;

    /// What to answer when a limit of the listener refuses a request before the handler saw it.
    fn refuse(&self, refusal: Refusal, request_id: Uuid) -> Answer;

    /// Whether HTTP/1.0 is spoken. Some load balancers still check health with it; no SDK uses it.
    fn http_1_0(&self) -> Http10 {
        Http10::Refused
    }
}

/// What happens to a request in HTTP/1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http10 {
    /// It is refused with [`Refusal::HttpVersion`].
    Refused,
    /// It is served, and the connection closed after it unless it asks for keep-alive.
    Served,
}

/// Why the listener refused a request (or a connection).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The body was cut short, or its chunks were malformed.
    BodyMalformed,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The handler panicked. Nothing is known about how far it came.
    HandlerPanicked,
    /// The headers did not arrive in time.
    HeadTooSlow,
    /// A request in HTTP/1.0 where it is not spoken.
    HttpVersion,
    /// A head that is malformed or too large. Counted only: hyper answers 400, 414 or 431 itself.
    Malformed,
    /// The listener has all the connections that it may have.
    TooManyConnections,
    /// The listener has all the requests (or the body memory) that it may have.
    TooManyRequests,
}

/// One row a refusal: itself, the label in metrics, the natural HTTP status.
const REFUSALS: [(Refusal, &str, StatusCode); 9] = [
    (Refusal::BodyMalformed, "body_malformed", StatusCode::BAD_REQUEST),
    (Refusal::BodyTooLarge, "body_too_large", StatusCode::PAYLOAD_TOO_LARGE),
    (Refusal::BodyTooSlow, "body_too_slow", StatusCode::REQUEST_TIMEOUT),
    (Refusal::HandlerPanicked, "handler_panicked", StatusCode::INTERNAL_SERVER_ERROR),
    (Refusal::HeadTooSlow, "head_too_slow", StatusCode::REQUEST_TIMEOUT),
    (Refusal::HttpVersion, "http_version", StatusCode::BAD_REQUEST),
    (Refusal::Malformed, "malformed", StatusCode::BAD_REQUEST),
    (Refusal::TooManyConnections, "too_many_connections", StatusCode::SERVICE_UNAVAILABLE),
    (Refusal::TooManyRequests, "too_many_requests", StatusCode::SERVICE_UNAVAILABLE),
];

impl Refusal {
    /// Every refusal, in the order of the enum.
    pub const ALL: [Self; REFUSALS.len()] = {
        let [a, b, c, d, e, f, g, h, i] = REFUSALS;
        [a.0, b.0, c.0, d.0, e.0, f.0, g.0, h.0, i.0]
    };

    /// The label under which it is counted.
    pub fn label(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status that says the same.
    pub fn status(self) -> StatusCode {
        self.row().2
    }

    #[expect(clippy::indexing_slicing, reason = "the table has one row a variant, in order: a test holds it")]
    fn row(self) -> &'static (Self, &'static str, StatusCode) {
        static ROWS: [(Refusal, &str, StatusCode); REFUSALS.len()] = REFUSALS;
        &ROWS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_row() {
        for (index, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, index);
            assert_eq!(refusal.row().0, refusal);
            assert!(refusal.status().is_client_error() || refusal.status().is_server_error());
        }
    }

    #[test]
    fn debug_shows_no_header_and_no_body() {
        let incoming = Incoming {
            method: Method::POST,
            target: Uri::from_static("/?secret-query"),
            version: Version::HTTP_11,
            headers: HeaderMap::from_iter([(
                HeaderName::from_static("x-amz-security-token"),
                HeaderValue::from_static("secret-token"),
            )]),
            body: Bytes::from_static(b"secret-body"),
            peer: Peer::Unix { uid: 1, gid: 2, pid: None },
            tls: None,
            request_id: Uuid::nil(),
        };
        let answer = Answer::new(StatusCode::OK, "text/plain", "secret-answer");
        assert!(!format!("{incoming:?}{answer:?}").contains("secret"));
    }
}
