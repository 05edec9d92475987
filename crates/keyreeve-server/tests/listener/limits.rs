//! Each limit of the listener: what goes over it gets an answer at once, and an orderly close where one is due.

use std::time::Duration;

use keyreeve_server::limits::Limits;
use keyreeve_server::listener::{Refusal, Stopped};

use crate::rig::{PATIENCE, Rig, SHORT};

/// Time limits far beyond a test's patience, so that each test meets only the limit that it shrinks.
fn patient() -> Limits {
    let long = PATIENCE * 10;
    Limits { idle_time: long, head_time: long, body_time: long, ..Limits::default() }
}

#[test]
fn an_announced_body_over_the_limit_is_refused_before_it_is_sent() {
    let rig = Rig::plain(Limits { body_bytes: 10, ..patient() });
    let mut client = rig.connect();
    assert_eq!(client.post("/", "0123456789").told("body"), "10 0123456789");
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n");
    let reply = client.reply();
    reply.is_refusal(Refusal::BodyTooLarge);
    assert_eq!(reply.headers["connection"], "close");
    client.end();
    assert_eq!(rig.traffic.refused(Refusal::BodyTooLarge), 1);
}

/// Many megabytes are on their way when the answer is sent: without draining them the client would see a reset.
#[test]
fn a_client_that_sends_on_regardless_still_reads_the_refusal() {
    let rig = Rig::plain(Limits { body_bytes: 10, linger_time: PATIENCE, ..patient() });
    let mut client = rig.connect();
    let body = vec![b'x'; 8 * 1024 * 1024];
    client.send(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len()));
    client.send(&body);
    client.reply().is_refusal(Refusal::BodyTooLarge);
    client.end();
}

#[test]
fn a_client_that_never_stops_sending_is_cut_off() {
    let rig =
        Rig::plain(Limits { body_bytes: 10, linger_bytes: 100_000, linger_time: PATIENCE, ..patient() });
    let mut client = rig.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000000\r\n\r\n");
    // More than the drain and all socket buffers take: this ends only because the server closes.
    client.try_send(&vec![b'x'; 64 * 1024 * 1024]);
    drop(client);
    assert_eq!(rig.connect().post("/", "").status, 200);
}

#[test]
fn a_chunked_body_is_counted_while_it_is_read() {
    let rig = Rig::plain(Limits { body_bytes: 10, ..patient() });
    let mut client = rig.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n6\r\n012345\r\n");
    client.send("5\r\n67890\r\n");
    client.reply().is_refusal(Refusal::BodyTooLarge);
    client.end();
}

#[test]
fn large_bodies_share_a_limited_memory() {
    let large = 100_000;
    let rig = Rig::plain(Limits { large_bodies_bytes: large, ..patient() });
    let begin = format!("POST /hold HTTP/1.1\r\nhost: a\r\ncontent-length: {large}\r\n\r\n");
    let mut first = rig.connect();
    first.send(&begin);
    first.send(vec![b'x'; large]);
    rig.started.recv_timeout(PATIENCE).unwrap();
    let mut second = rig.connect();
    second.send(&begin);
    second.reply().is_refusal(Refusal::TooManyRequests);
    assert_eq!(rig.connect().post("/", "small").told("body"), "5 small");
    rig.release();
    assert_eq!(first.reply().status, 200);
    assert_eq!(first.post("/", &"x".repeat(large)).status, 200);
}

#[test]
fn a_slow_body_is_refused() {
    let rig = Rig::plain(Limits { body_time: SHORT, ..patient() });
    let mut client = rig.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbo");
    client.reply().is_refusal(Refusal::BodyTooSlow);
    client.end();
}

#[test]
fn a_head_over_the_limit_is_answered_by_431() {
    let rig = Rig::plain(Limits { head_bytes: 1_000, linger_time: PATIENCE, ..patient() });
    let mut client = rig.connect();
    client.send(format!("POST / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(900)));
    assert_eq!(client.reply().status, 200);
    client.send(format!("POST / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(500_000)));
    assert_eq!(client.reply().status, 431);
    client.end();
    drop(client);
    assert_eq!(rig.server.stop(PATIENCE), Stopped::Finished);
    assert_eq!(rig.traffic.refused(Refusal::Malformed), 1);
}

#[test]
fn a_slow_head_is_refused() {
    let rig = Rig::plain(Limits { head_time: SHORT, ..patient() });
    for head in ["P", "POST / HTTP/1.1\r\nhost:"] {
        let mut client = rig.connect();
        client.send(head);
        let reply = client.reply();
        reply.is_refusal(Refusal::HeadTooSlow);
        assert!(reply.headers["date"].ends_with(" GMT"));
        client.end();
    }
}

#[test]
fn a_slow_second_head_is_refused_too() {
    let rig = Rig::plain(Limits { head_time: SHORT, ..patient() });
    let mut client = rig.connect();
    assert_eq!(client.post("/", "").status, 200);
    client.send("P");
    client.reply().is_refusal(Refusal::HeadTooSlow);
    client.end();
}

#[test]
fn a_connection_without_a_byte_is_closed() {
    let rig = Rig::plain(Limits { head_time: SHORT, ..patient() });
    rig.connect().end();
}

#[test]
fn an_idle_connection_is_closed() {
    let rig = Rig::plain(Limits { idle_time: SHORT, ..patient() });
    let mut client = rig.connect();
    assert_eq!(client.post("/", "").status, 200);
    client.end();
}

#[test]
fn a_request_that_takes_longer_than_the_waiting_limits_is_answered() {
    let tiny = Duration::from_millis(1);
    let rig = Rig::plain(Limits { idle_time: tiny, head_time: SHORT, ..patient() });
    let mut client = rig.held();
    // Another connection outlives both limits meanwhile.
    rig.connect().end();
    rig.release();
    assert_eq!(client.reply().body, "released");
}

/// Its answers fill every buffer, after which nothing moves.
#[test]
fn a_client_that_reads_no_answer_is_cut_off() {
    let rig = Rig::plain(Limits { idle_time: SHORT, linger_time: SHORT, ..patient() });
    let mut client = rig.connect();
    client.stream().set_write_timeout(Some(PATIENCE)).unwrap();
    client.try_send(&b"POST / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1_000_000));
    assert_eq!(rig.server.stop(PATIENCE), Stopped::Finished);
    assert_eq!(rig.traffic.connections(), 0);
    drop(client);
}

#[test]
fn requests_over_the_limit_are_refused_at_once_and_keep_their_connection() {
    let rig = Rig::plain(Limits { concurrent_requests: 1, ..patient() });
    let mut held = rig.held();
    let mut other = rig.connect();
    other.post("/", "body").is_refusal(Refusal::TooManyRequests);
    rig.release();
    assert_eq!(held.reply().status, 200);
    assert_eq!(other.post("/", "again").told("body"), "5 again");
}

/// It must not be asked for a body that nobody wants.
#[test]
fn a_refused_client_that_waits_to_be_asked_is_not_asked() {
    let rig = Rig::plain(Limits { concurrent_requests: 0, ..patient() });
    let mut client = rig.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    client.reply().is_refusal(Refusal::TooManyRequests);
    client.end();
}

#[test]
fn connections_over_the_limit_are_told_so() {
    let rig = Rig::plain(Limits { connections: 1, ..patient() });
    let mut first = rig.connect();
    assert_eq!(first.post("/", "").status, 200);
    let mut second = rig.connect();
    second.reply().is_refusal(Refusal::TooManyConnections);
    second.end();
    assert_eq!(first.post("/", "").status, 200);
    assert_eq!(rig.traffic.connections(), 1);
}

/// The answer must arrive also if the request was already on its way.
#[test]
fn a_connection_over_the_limit_that_sends_reads_its_refusal() {
    let rig = Rig::plain(Limits { connections: 0, linger_time: PATIENCE, ..patient() });
    let mut client = rig.connect();
    client
        .send(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{}", "x".repeat(100_000)));
    client.reply().is_refusal(Refusal::TooManyConnections);
    client.end();
}
