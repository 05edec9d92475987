//! HTTP/1.1 as clients use it: keep-alive, pipelining, `Expect`, chunks; and what is not HTTP/1.1.

use std::collections::BTreeMap;
use std::net::Shutdown;

use keyreeve_server::limits::Limits;
use keyreeve_server::listener::{Refusal, Stopped};

use crate::rig::{PATIENCE, Rig};

#[test]
fn a_connection_is_kept_for_further_requests() {
    let rig = Rig::plain(Limits::default());
    let mut client = rig.connect();
    let first = client.post("/a%2Fb//../c?x=%41&x", "one");
    assert_eq!(first.status, 200);
    assert_eq!(first.body.lines().next(), Some("POST /a%2Fb//../c?x=%41&x HTTP/1.1"));
    assert_eq!(first.told("peer"), "tcp 127.0.0.1");
    assert_eq!(first.told("tls"), "");
    let second = client.post("/", "two");
    assert_eq!((first.told("body"), second.told("body")), ("3 one", "3 two"));
    for reply in [&first, &second] {
        assert_eq!(reply.headers["x-amzn-requestid"], reply.told("id"));
        assert!(reply.headers["date"].ends_with(" GMT"));
        assert_eq!(reply.headers["content-type"], "text/plain");
    }
    assert_ne!(first.told("id"), second.told("id"));
    assert_eq!(rig.traffic.connections(), 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let rig = Rig::plain(Limits::default());
    let mut client = rig.connect();
    client.send(
        "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nonePOST /2 HTTP/1.1\r\nhost: a\r\n\r\nGET /3",
    );
    client.send(" HTTP/1.1\r\nhost: a\r\n\r\n");
    let replies = [client.reply(), client.reply(), client.reply()];
    let seen = replies.each_ref().map(|reply| reply.body.lines().next().unwrap());
    assert_eq!(seen, ["POST /1 HTTP/1.1", "POST /2 HTTP/1.1", "GET /3 HTTP/1.1"]);
    assert_eq!(replies[0].told("body"), "3 one");
}

#[test]
fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let rig = Rig::plain(Limits::default());
    let mut client = rig.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    assert_eq!(client.line(), "HTTP/1.1 100 Continue");
    assert_eq!(client.line(), "");
    client.send("body");
    assert_eq!(client.reply().told("body"), "4 body");
}

#[test]
fn a_chunked_body_is_put_together() {
    let rig = Rig::plain(Limits::default());
    let mut client = rig.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    client.send("2\r\nde\r\n0\r\n\r\n");
    assert_eq!(client.reply().told("body"), "5 abcde");
    assert_eq!(client.post("/", "next").told("body"), "4 next");
}

#[test]
fn a_client_that_closed_its_sending_side_still_gets_its_answer() {
    let rig = Rig::plain(Limits::default());
    let mut client = rig.held();
    client.stream().shutdown(Shutdown::Write).unwrap();
    rig.release();
    assert_eq!(client.reply().body, "released");
    client.end();
}

#[test]
fn http_1_0_is_refused_in_words() {
    let rig = Rig::plain(Limits::default());
    let mut client = rig.connect();
    client.send("POST / HTTP/1.0\r\ncontent-length: 4\r\n\r\nbo");
    client.reply().is_refusal(Refusal::HttpVersion);
    client.end();
}

/// What is not HTTP gets a 400, or nothing, and an orderly close: never an answer of the handler.
#[test]
fn garbage_is_refused_and_the_server_lives() {
    let rig = Rig::plain(Limits::default());
    let garbage: [&[u8]; 7] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client on the wrong port\r\n\r\n",
        b"GET\0/ HTTP/1.1\r\n\r\n",
        b"\xff\xfe\xfd\xfc\r\n\r\n",
        b"POST / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ];
    for bytes in garbage {
        let mut client = rig.connect();
        client.send(bytes);
        client.stream().shutdown(Shutdown::Write).unwrap();
        let status = client.line();
        assert!(status.starts_with("HTTP/1.1 400"), "{status} for {}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(rig.connect().post("/", "still").told("body"), "5 still");
    // They are counted when their connection ends.
    assert_eq!(rig.server.stop(PATIENCE), Stopped::Finished);
    assert_eq!(rig.traffic.refused(Refusal::Malformed), garbage.len() as u64);
}

/// Two announced lengths are how one request is smuggled inside another. RFC 9112 §6.3 lets a server go by the chunks
/// alone if it closes the connection afterwards, which is what hyper does: what follows is never read as a request.
#[test]
fn a_request_with_both_a_length_and_chunks_is_the_last_of_its_connection() {
    let rig = Rig::plain(Limits::default());
    for lengths in [
        "content-length: 40\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 40",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\ncontent-length: 0",
    ] {
        let mut client = rig.connect();
        let smuggled = "POST /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
        client.send(format!("POST / HTTP/1.1\r\nhost: a\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}"));
        let reply = client.reply();
        assert_eq!(reply.headers["connection"], "close");
        assert!(!reply.body.contains("smuggled"), "{reply:?}");
        client.gone();
    }
}

#[test]
fn a_body_with_broken_chunks_is_refused() {
    let rig = Rig::plain(Limits::default());
    let mut client = rig.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nno number\r\n");
    client.reply().is_refusal(Refusal::BodyMalformed);
    client.end();
    let mut client = rig.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\ncut");
    client.stream().shutdown(Shutdown::Write).unwrap();
    client.reply().is_refusal(Refusal::BodyMalformed);
}

#[test]
fn a_panic_of_the_handler_is_an_answer_and_the_connection_lives() {
    let rig = Rig::plain(Limits::default());
    let mut client = rig.connect();
    client.post("/panic", "").is_refusal(Refusal::HandlerPanicked);
    assert_eq!(client.post("/", "next").told("body"), "4 next");
    assert_eq!(rig.traffic.in_flight(), 0);
}

#[test]
fn connections_go_to_the_worker_with_the_fewest() {
    let rig = Rig::plain(Limits::default());
    let mut clients = Vec::new();
    let mut by_thread = BTreeMap::new();
    for _ in 0..6 {
        let mut client = rig.connect();
        *by_thread.entry(client.post("/", "").told("thread").to_owned()).or_insert(0) += 1;
        clients.push(client);
    }
    let expected = [("keyreeve-worker-0".to_owned(), 3), ("keyreeve-worker-1".to_owned(), 3)];
    assert_eq!(by_thread, BTreeMap::from(expected));
}
