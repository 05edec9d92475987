//! One connection from its first byte to its close: handshake, recognising the protocol, serving, and the timer that
//! ends it when it waits too long.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep_until, timeout};

use super::activity::{Activity, Verdict, Waiting};
use super::exchange::{Handler, Refusal, TlsFacts};
use super::server::Stopping;
use super::service::{Connected, serve};
use super::wire::{Protocol, Wire};
use super::{raw_answer, request_id};
use crate::limits::Limits;
use crate::tls::TlsServer;

/// What ends the wait for a connection's future.
enum End {
    /// The connection closed, by either side.
    Closed,
    /// The peer began a request and did not finish its headers in time.
    HeadTooSlow,
    /// The peer did not finish closing in time.
    Abandoned,
}

/// Makes the TLS handshake within its time. `None` if it fails: rustls has sent its alert.
pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    tls: &TlsServer,
    stream: S,
    limits: &Limits,
    stopping: &mut Stopping,
) -> Option<(tokio_rustls::server::TlsStream<S>, TlsFacts)> {
    let shaken = tokio::select! {
        biased;
        shaken = timeout(limits.handshake_time, tls.acceptor().accept(stream)) => shaken,
        () = stopping.begun() => return None,
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            return None;
        }
        Err(_elapsed) => {
            tracing::debug!("TLS handshake too slow");
            return None;
        }
    };
    let facts = crate::tls::facts(stream.get_ref().1);
    Some((stream, facts))
}

/// Serves a connection of which it is not known yet which protocol it speaks.
pub(super) async fn serve_any<H, S>(stream: S, connected: Arc<Connected<H>>, mut stopping: Stopping)
where
    H: Handler,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &connected.door.limits;
    let mut wire = Wire::new(stream, Arc::clone(&connected.activity), limits);
    let recognised = tokio::select! {
        biased;
        recognised = timeout(limits.head_time, wire.recognise()) => recognised,
        () = stopping.begun() => return,
    };
    match recognised {
        Ok(Ok(Protocol::H1)) => serve_h1(wire, connected, stopping).await,
        Ok(Ok(Protocol::H2)) => serve_h2(wire, connected, stopping).await,
        // The first letters of a method are also those of the preface: a slow head can be met here already.
        Err(_elapsed) if connected.activity.may_be_sending() => {
            refuse(wire, &connected, Refusal::HeadTooSlow).await;
        }
        // A reset, or silence: there is nobody to answer.
        Ok(Err(_)) | Err(_) => {}
    }
}

/// Serves a connection that agreed on HTTP/1.1, or may speak nothing else.
pub(super) async fn serve_h1<H, S>(wire: Wire<S>, connected: Arc<Connected<H>>, stopping: Stopping)
where
    H: Handler,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = {
        let connected = Arc::clone(&connected);
        service_fn(move |request| serve(Arc::clone(&connected), request))
    };
    let mut connection = http1::Builder::new()
        // libmongocrypt finds `Content-Length` in this spelling only.
        .title_case_headers(true)
        // A client that has sent its request may close its sending side and still wants its answer.
        .half_close(true)
        .max_header_size(connected.door.limits.head_bytes)
        // The timer of `watch_over` knows more than hyper's: it tells an idle connection from a slow head.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(wire), service);
    match watch_over(Pin::new(&mut connection), |h1| h1.graceful_shutdown(), &connected, stopping).await {
        End::Closed | End::Abandoned => {}
        End::HeadTooSlow => {
            let wire = connection.into_parts().io.into_inner();
            refuse(wire, &connected, Refusal::HeadTooSlow).await;
        }
    }
}

/// Serves a connection that agreed on HTTP/2, or began with its preface.
pub(super) async fn serve_h2<H, S>(wire: Wire<S>, connected: Arc<Connected<H>>, stopping: Stopping)
where
    H: Handler,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    connected.activity.multiplex();
    let limits = &connected.door.limits;
    let service = {
        let connected = Arc::clone(&connected);
        service_fn(move |request| serve(Arc::clone(&connected), request))
    };
    let mut connection = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .serve_connection(TokioIo::new(wire), service);
    watch_over(Pin::new(&mut connection), |h2| h2.graceful_shutdown(), &connected, stopping).await;
}

/// Drives a connection until it closes, the server stops, or it waits too long.
/// `finish` asks it to end after the requests that it is serving.
async fn watch_over<H, C>(
    mut connection: Pin<&mut C>,
    finish: fn(Pin<&mut C>),
    connected: &Connected<H>,
    mut stopping: Stopping,
) -> End
where
    H: Handler,
    C: Future<Output = hyper::Result<()>>,
{
    let (limits, activity) = (&connected.door.limits, &connected.activity);
    let mut timer = std::pin::pin!(sleep_until(first_look(activity, limits).into()));
    let mut finishing = Finishing::No;
    loop {
        tokio::select! {
            biased;
            // First, so that a request that has arrived when the stop begins is still read and answered.
            result = connection.as_mut() => {
                if let Err(error) = result {
                    note(&error, connected);
                }
                return End::Closed;
            }
            () = stopping.begun(), if finishing == Finishing::No => {
                finish(connection.as_mut());
                finishing = Finishing::Asked;
            }
            () = timer.as_mut() => {
                let now = Instant::now();
                match activity.verdict(now, limits) {
                    Verdict::Until(then) => timer.as_mut().reset(then.into()),
                    Verdict::Expired(Waiting::MidHead) => return End::HeadTooSlow,
                    Verdict::Expired(_) if finishing == Finishing::TimeIsUp => return End::Abandoned,
                    Verdict::Expired(_) => {
                        // Also asked already by a stop: the peer may be one that never answers a GOAWAY.
                        finish(connection.as_mut());
                        finishing = Finishing::TimeIsUp;
                        timer.as_mut().reset((now + limits.linger_time).into());
                    }
                }
            }
        }
    }
}

/// How far a connection has been asked to finish.
#[derive(PartialEq, Eq)]
enum Finishing {
    No,
    /// The server stops.
    Asked,
    /// It waited too long; it has the linger time left.
    TimeIsUp,
}

fn first_look(activity: &Activity, limits: &Limits) -> Instant {
    let now = Instant::now();
    match activity.verdict(now, limits) {
        Verdict::Until(then) => then,
        Verdict::Expired(_) => now,
    }
}

/// Counts what hyper refused by itself, and leaves a trace of why a connection ended.
fn note<H: Handler>(error: &hyper::Error, connected: &Connected<H>) {
    if error.is_parse() {
        connected.door.traffic.refuse(Refusal::Malformed);
    }
    tracing::debug!(%error, "connection ended");
}

/// Answers outside of hyper, and closes so that the answer arrives.
pub(super) async fn refuse<H: Handler, S: AsyncRead + AsyncWrite + Unpin>(
    mut wire: Wire<S>,
    connected: &Connected<H>,
    refusal: Refusal,
) {
    let request_id = request_id::draw();
    let answer = connected.door.refuse(refusal, request_id);
    let bytes = raw_answer::render(&answer, request_id, SystemTime::now());
    connected.activity.leave_unread();
    let linger = connected.door.limits.linger_time;
    // A peer that reads nothing gets no more than this time.
    let written = timeout(linger, wire.write_all(&bytes)).await;
    if matches!(written, Ok(Ok(()))) {
        // The drain inside has its own limits.
        let _ = timeout(linger * 2, wire.shutdown()).await;
    }
}
