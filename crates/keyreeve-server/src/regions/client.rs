//! Asks other Regions: HTTP/1.1 over TLS with both certificates, over connections that are kept.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use keyreeve_model::region::Region;
use keyreeve_service::regions::{Peer, PeerAnswer, PeerFault, PeerReply, PeerRequest, Peers, Regions};
use tokio::task::JoinHandle;

use super::{MESSAGE_BYTES, PATH};
use crate::http_client::{Url, handshake, open, secure};
use crate::tls::RegionTls;

/// How long TCP and TLS may take together.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);
/// Idle connections that are kept, to all Regions together.
const KEPT_MAX: usize = 16;

/// How long the task of a connection that is closed may take to end.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// Asks the trusted Regions.
#[derive(Debug)]
pub struct PeerClient {
    regions: Arc<Regions>,
    tls: RegionTls,
    kept: Mutex<Vec<Kept>>,
}

/// An idle connection, and whom it was opened to: it is not used for a Region that is trusted under other keys since.
#[derive(Debug)]
struct Kept {
    peer: Arc<Peer>,
    line: Line,
}

/// A connection, and the task that drives it.
#[derive(Debug)]
struct Line {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<hyper::Result<()>>,
}

/// Whether the kept connections to a Region lead anywhere. They are forgotten when one gives no answer, also when whoever
/// asked waits no longer: what was cut without a word is not tried again and again.
struct Doubt<'a> {
    client: &'a PeerClient,
    peer: Option<&'a Arc<Peer>>,
}

impl Doubt<'_> {
    fn dispel(mut self) {
        self.peer = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(peer) = self.peer {
            self.client.forget(peer);
        }
    }
}

impl Peers for PeerClient {
    fn regions(&self) -> Vec<Region> {
        self.regions.trusted().iter().map(|peer| peer.region.clone()).collect()
    }

    fn ask<'a>(&'a self, _: &'a Region, to: &'a Region, request: &'a PeerRequest) -> PeerAnswer<'a> {
        Box::pin(async move {
            let peer = self.regions.peer(to).ok_or_else(|| {
                PeerFault::Unreachable(format!(
                    "{to} is not trusted here: `keyreeve region trust` makes it so"
                ))
            })?;
            let body = serde_json::to_vec(request).map(Bytes::from);
            let body = body.map_err(|error| PeerFault::Unreachable(error.to_string()))?;
            let answered =
                tokio::time::timeout(CONNECT_PATIENCE + ANSWER_PATIENCE, self.exchange(&peer, body));
            let answered = answered.await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            let reply =
                answered.map_err(|why| PeerFault::Unreachable(format!("{to} at {}: {why}", peer.endpoint)));
            reply.inspect_err(
                |fault| tracing::debug!(%fault, request = request.name(), "a Region gave no answer"),
            )?
        })
    }
}

impl PeerClient {
    /// Of a Region that speaks so.
    pub fn new(regions: Arc<Regions>, tls: RegionTls) -> Self {
        Self { regions, tls, kept: Mutex::default() }
    }

    async fn exchange(&self, peer: &Arc<Peer>, body: Bytes) -> Result<Result<PeerReply, PeerFault>, String> {
        let url = Url::parse(&peer.endpoint).map_err(|fault| fault.to_string())?;
        if let Some(line) = self.take(peer) {
            // The other side may have closed it meanwhile, or the network lost it: then it lost the others too. Messages
            // may be doubled, so it is asked again.
            let doubt = Doubt { client: self, peer: Some(peer) };
            if let Ok(reply) = self.post(peer, &url, line, body.clone()).await {
                doubt.dispel();
                return Ok(reply);
            }
        }
        let line = tokio::time::timeout(CONNECT_PATIENCE, self.connect(peer, &url)).await;
        let line = line.unwrap_or_else(|_| Err("it does not accept connections".to_owned()))?;
        self.post(peer, &url, line, body).await
    }

    async fn post(
        &self,
        peer: &Arc<Peer>,
        url: &Url,
        mut line: Line,
        body: Bytes,
    ) -> Result<Result<PeerReply, PeerFault>, String> {
        let request = Request::post(PATH)
            .header(HOST, &url.authority)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "keyreeve")
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(ANSWER_PATIENCE, async {
            let (head, body) = line.send(request).await?.into_parts();
            let body =
                Limited::new(body, MESSAGE_BYTES).collect().await.map_err(|error| error.to_string())?;
            Ok::<_, String>((head.status, body.to_bytes()))
        });
        let (status, body) = answer.await.unwrap_or_else(|_| Err("no answer in time".to_owned()))?;
        let reply = read(status, &body)?;
        self.keep(peer, line);
        Ok(reply)
    }

    async fn connect(&self, peer: &Peer, url: &Url) -> Result<Line, String> {
        let config = self.tls.client(peer.pin).map_err(|error| error.to_string())?;
        let tcp = open(url, |_| true).await?;
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream = secure(tcp, url, Arc::new(config)).await.map_err(|why| in_words(&why))?;
        let (sender, connection) = handshake(stream).await?;
        Ok(Line { sender, task: tokio::spawn(connection) })
    }

    fn take(&self, peer: &Arc<Peer>) -> Option<Line> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let trusted = self.regions.trusted();
        kept.retain(|idle| !idle.line.sender.is_closed() && trusted.contains(&idle.peer));
        let place = kept.iter().position(|idle| idle.peer == *peer)?;
        Some(kept.swap_remove(place).line)
    }

    fn forget(&self, peer: &Arc<Peer>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).retain(|idle| idle.peer != *peer);
    }

    fn keep(&self, peer: &Arc<Peer>, line: Line) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.push(Kept { peer: Arc::clone(peer), line });
        }
    }
}

impl Line {
    /// Sends a request; answers with the head of what came back.
    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
        let sent = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let error = match sent.await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        // In TLS 1.3 a server refuses a client's certificate after the client's handshake is done. Where that is read before
        // the request was queued, only the task knows why the connection is closed.
        if error.is_closed() || error.is_canceled() {
            let ended = tokio::time::timeout(END_PATIENCE, &mut self.task).await;
            if let Ok(Ok(Err(end))) = ended {
                return Err(said(&end));
            }
        }
        Err(said(&error))
    }
}

/// Only what the door of a Region answers is an answer; whatever else comes, the message may have been acted on before.
fn read(status: StatusCode, body: &[u8]) -> Result<Result<PeerReply, PeerFault>, String> {
    match status {
        StatusCode::OK => {
            serde_json::from_slice(body).map_err(|_| "it answers in words of another version".to_owned())
        }
        StatusCode::FORBIDDEN => Err(NOT_TRUSTED.to_owned()),
        StatusCode::BAD_REQUEST => {
            Err("it does not know this message: is it of an older version?".to_owned())
        }
        other => Err(format!("it answers with HTTP status {other}")),
    }
}

const NOT_TRUSTED: &str =
    "it does not trust this Region: `keyreeve region trust` there, with the introduction of this one";

/// An error with its causes: hyper hides what TLS said.
fn said(error: &hyper::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    in_words(&text)
}

/// What the alerts of a handshake mean here.
fn in_words(text: &str) -> String {
    if text.contains("AccessDenied") {
        NOT_TRUSTED.to_owned()
    } else if text.contains("ApplicationVerificationFailure") {
        "whoever answers there has not the certificate that was trusted".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;

    #[test]
    fn only_an_answer_of_the_door_can_be_a_refusal() {
        let refused = serde_json::to_vec(&Err::<PeerReply, _>(PeerFault::Refused("no".to_owned()))).unwrap();
        assert_eq!(read(StatusCode::OK, &refused).unwrap().unwrap_err(), PeerFault::Refused("no".to_owned()));
        for (status, body) in [
            (StatusCode::FORBIDDEN, refused.as_slice()),
            (StatusCode::BAD_REQUEST, &refused),
            (StatusCode::SERVICE_UNAVAILABLE, &refused),
            (StatusCode::OK, b"{}"),
            (StatusCode::OK, b""),
        ] {
            assert!(read(status, body).is_err(), "{status}");
        }
    }

    /// A server that accepts the handshake and then says no.
    struct Refusing;

    impl AsyncRead for Refusing {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::Error::other("received fatal alert: AccessDenied")))
        }
    }

    impl AsyncWrite for Refusing {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_refusal_is_told_whether_it_comes_before_the_request_or_after() {
        for before in [true, false] {
            let (sender, connection) = handshake(Refusing).await.unwrap();
            let mut line = Line { sender, task: tokio::spawn(connection) };
            while before && !line.sender.is_closed() {
                tokio::task::yield_now().await;
            }
            let request = Request::post(PATH).body(Full::new(Bytes::from_static(b"{}"))).unwrap();
            assert_eq!(line.send(request).await.unwrap_err(), NOT_TRUSTED, "before: {before}");
        }
    }
}
