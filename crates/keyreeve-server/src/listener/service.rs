//! One request's way through the listener: an id, a place, the body, the handler, the answer's fixed headers.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, Version};
use tracing::Instrument;
use uuid::Uuid;

use super::activity::Activity;
use super::body::{self, LargeBodies};
use super::detached::Detached;
use super::exchange::{Answer, Handler, Http10, Incoming, Peer, Refusal, TlsFacts};
use super::request_id;
use super::server::Stopping;
use crate::limits::{Limits, SMALL_BODY_BYTES};
use crate::observe::Traffic;

/// The name under which AWS returns the request id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What all connections of one listener share.
pub(super) struct Door<H> {
    pub(super) handler: H,
    pub(super) limits: Limits,
    pub(super) traffic: Traffic,
    large_bodies: Arc<LargeBodies>,
}

impl<H: Handler> Door<H> {
    pub(super) fn new(handler: H, limits: Limits, traffic: Traffic) -> Arc<Self> {
        Arc::new(Self { handler, limits, traffic, large_bodies: Arc::default() })
    }

    /// Counts a refusal and asks the handler for its words.
    pub(super) fn refuse(&self, refusal: Refusal, request_id: Uuid) -> Answer {
        self.traffic.refuse(refusal);
        self.handler.refuse(refusal, request_id)
    }
}

/// Held by whatever a stopping server has to wait for.
pub(super) type Alive = Sender<Infallible>;

/// What all requests of one connection share.
pub(super) struct Connected<H> {
    pub(super) door: Arc<Door<H>>,
    pub(super) peer: Peer,
    pub(super) tls: Option<Arc<TlsFacts>>,
    pub(super) activity: Arc<Activity>,
    pub(super) stopping: Stopping,
    /// Kept here, not only by the connection, because a handler may outlive its connection.
    pub(super) _alive: Alive,
}

/// Whether a connection can carry another request after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// The request was read completely.
    KeepOpen,
    /// A part of the request was left unread.
    Close,
}

/// Answers one request.
pub(super) async fn serve<H: Handler>(
    connected: Arc<Connected<H>>,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let _serving = connected.activity.serve();
    let request_id = request_id::draw();
    let version = request.version();
    let span = tracing::debug_span!("request", %request_id);
    let (answer, after) = answer(&connected, request, request_id).instrument(span).await;
    // On HTTP/2 the stream alone is given up, by its own frame.
    let single = version < Version::HTTP_2;
    if after == After::Close && single {
        connected.activity.leave_unread();
    }
    let close = single && (after == After::Close || connected.stopping.has_begun());
    Ok(respond(answer, request_id, close))
}

async fn answer<H: Handler>(
    connected: &Arc<Connected<H>>,
    request: Request<hyper::body::Incoming>,
    request_id: Uuid,
) -> (Answer, After) {
    let door = &connected.door;
    let (parts, body) = request.into_parts();
    if parts.version < Version::HTTP_11 && door.handler.http_1_0() == Http10::Refused {
        return (door.refuse(Refusal::HttpVersion, request_id), After::Close);
    }
    let Some(place) = door.traffic.take_request(door.limits.concurrent_requests) else {
        let after = step_over(&parts, body, &door.limits).await;
        return (door.refuse(Refusal::TooManyRequests, request_id), after);
    };
    let (body, share) = match body::read(body, &door.limits, &door.large_bodies).await {
        Ok(read) => read,
        Err(refusal) => return (door.refuse(refusal, request_id), After::Close),
    };
    let incoming = incoming(parts, body, connected, request_id);
    let kept = Arc::clone(connected);
    let handled = async move {
        // Both end with the handler, not with the connection that may hang up before.
        let _held = (place, share);
        kept.door.handler.handle(incoming).await
    };
    // A panic is a defect, but it must not take the other requests of this connection with it.
    match Detached::new(AssertUnwindSafe(handled).catch_unwind().in_current_span()).await {
        Ok(answer) => (answer, After::KeepOpen),
        Err(_panic) => (door.refuse(Refusal::HandlerPanicked, request_id), After::KeepOpen),
    }
}

/// Under overload: reads past a small body so that the client need not connect (and shake hands) again, unless the
/// client waits to be asked for the body.
async fn step_over(parts: &Parts, body: hyper::body::Incoming, limits: &Limits) -> After {
    let small = body.size_hint().exact().is_some_and(|bytes| bytes <= SMALL_BODY_BYTES as u64);
    if small && !parts.headers.contains_key(EXPECT) && body::discard(body, limits.linger_time).await.is_ok() {
        return After::KeepOpen;
    }
    After::Close
}

fn incoming<H>(mut parts: Parts, body: Bytes, connected: &Connected<H>, request_id: Uuid) -> Incoming {
    if parts.version == Version::HTTP_2
        && let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(HOST, host);
    }
    Incoming {
        method: parts.method,
        target: parts.uri,
        version: parts.version,
        headers: parts.headers,
        body,
        peer: connected.peer,
        tls: connected.tls.clone(),
        request_id,
    }
}

fn respond(answer: Answer, request_id: Uuid, close: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.extend(answer.headers.into_iter().map(|(name, value)| (Some(name), value)));
    headers.insert(REQUEST_ID, id_value(request_id));
    if let Ok(content_type) =
        HeaderValue::from_maybe_shared(Bytes::from_static(answer.content_type.as_bytes()))
    {
        headers.insert(CONTENT_TYPE, content_type);
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn id_value(request_id: Uuid) -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text = request_id.hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
}
