//! HTTP/2 with prior knowledge, by hyper's own client.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use keyreeve_server::limits::Limits;
use keyreeve_server::listener::{Refusal, Stopped};

use crate::rig::{PATIENCE, Rig, SHORT, told_in};

/// A client, and the task that drives its connection until it closes.
pub(crate) async fn client<S>(stream: S) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    let (send, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (send, tokio::spawn(connection))
}

pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let uri = format!("http://kms.test:8080{path}");
    Request::post(uri).body(Full::new(body.into())).unwrap()
}

pub(crate) async fn text(response: Response<hyper::body::Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn connect(rig: &Rig) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
    client(TcpStream::connect(rig.address()).await.unwrap()).await
}

/// Waits on a channel of the rig without blocking the client's tasks.
async fn started(rig: Rig) -> Rig {
    let wait = move || {
        rig.started.recv_timeout(PATIENCE).unwrap();
        rig
    };
    tokio::task::spawn_blocking(wait).await.unwrap()
}

#[tokio::test]
async fn prior_knowledge_is_recognised_and_host_is_filled_from_the_authority() {
    let rig = Rig::plain(Limits::default());
    let (mut send, _driven) = connect(&rig).await;
    let response = send.send_request(post("/x?y=1", "hello")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let id = response.headers()["x-amzn-requestid"].to_str().unwrap().to_owned();
    assert!(response.headers().contains_key("date"));
    let text = text(response).await;
    assert_eq!(text.lines().next(), Some("POST /x?y=1 HTTP/2.0"));
    assert_eq!(told_in(&text, "host"), "kms.test:8080");
    assert_eq!(told_in(&text, "body"), "5 hello");
    assert_eq!(told_in(&text, "id"), id);
}

#[tokio::test]
async fn a_held_request_does_not_hold_up_another_of_its_connection() {
    let rig = Rig::plain(Limits::default());
    let (mut send, _driven) = connect(&rig).await;
    let held = tokio::spawn(send.send_request(post("/hold", "")));
    let rig = started(rig).await;
    assert_eq!(send.send_request(post("/", "")).await.unwrap().status(), StatusCode::OK);
    rig.release();
    assert_eq!(text(held.await.unwrap().unwrap()).await, "released");
}

#[tokio::test]
async fn a_body_over_the_limit_ends_its_stream_and_not_the_connection() {
    let rig = Rig::plain(Limits { body_bytes: 10, ..Limits::default() });
    let (mut send, _driven) = connect(&rig).await;
    let refused = send.send_request(post("/", vec![b'x'; 1_000_000])).await.unwrap();
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(rig.traffic.refused(Refusal::BodyTooLarge), 1);
    assert_eq!(send.send_request(post("/", "small")).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn headers_over_the_limit_are_answered_by_431() {
    let rig = Rig::plain(Limits { head_bytes: 1_000, ..Limits::default() });
    let (mut send, _driven) = connect(&rig).await;
    let mut request = post("/", "");
    request.headers_mut().insert("x", "y".repeat(2_000).parse().unwrap());
    let response = send.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(send.send_request(post("/", "")).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_order() {
    let rig = Rig::plain(Limits { idle_time: SHORT, ..Limits::default() });
    let (mut send, driven) = connect(&rig).await;
    assert_eq!(send.send_request(post("/", "")).await.unwrap().status(), StatusCode::OK);
    driven.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_finishes_the_streams_and_closes_the_connection() {
    let rig = Rig::plain(Limits::default());
    let (mut send, driven) = connect(&rig).await;
    let held = tokio::spawn(send.send_request(post("/hold", "")));
    let (mut other, other_driven) = connect(&rig).await;
    assert_eq!(other.send_request(post("/", "")).await.unwrap().status(), StatusCode::OK);
    let rig = started(rig).await;
    let (releaser, server) = (rig.releaser(), rig.server);
    let stopping = tokio::task::spawn_blocking(move || server.stop(PATIENCE));
    // The idle connection closes first: the stop has begun.
    other_driven.await.unwrap().unwrap();
    releaser.add_permits(1);
    assert_eq!(text(held.await.unwrap().unwrap()).await, "released");
    driven.await.unwrap().unwrap();
    assert_eq!(stopping.await.unwrap(), Stopped::Finished);
}

#[tokio::test]
async fn a_stream_that_is_reset_does_not_cut_its_request() {
    let rig = Rig::plain(Limits::default());
    let (mut send, driven) = connect(&rig).await;
    let held = tokio::spawn(send.send_request(post("/hold", "")));
    let rig = started(rig).await;
    held.abort();
    held.await.unwrap_err();
    // Frames arrive in order: once this is answered, the reset has been seen.
    assert_eq!(send.send_request(post("/", "")).await.unwrap().status(), StatusCode::OK);
    drop(send);
    driven.await.unwrap().unwrap();
    rig.release();
    tokio::task::spawn_blocking(move || rig.finished.recv_timeout(PATIENCE).unwrap()).await.unwrap();
}
