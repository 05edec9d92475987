//! Stopping: no request that was begun is lost.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::json;

use crate::rig::{Place, REGION, connect, exists, reply};

#[test]
fn sigterm_lets_a_request_in_flight_finish() {
    let place = Place::initialised();
    let server = place.serve();
    let (kms, account) = (server.kms(), place.account("mine"));
    let body = json!({"Description": "made while the server stops"}).to_string();
    let mut stream = connect(&kms);
    let head = account.signed_head(&kms, REGION, "CreateKey", &body, "expect: 100-continue\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body: it has taken the request on.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.signal(Signal::TERM);
    server.logs("stopping: requests in flight finish first");
    stream.write_all(body.as_bytes()).unwrap();
    let (status, made) = reply(&mut stream);
    assert_eq!(status, 200, "{made}");
    assert!(server.wait().success());
    TcpStream::connect(&kms).unwrap_err();
    assert!(!exists(&place.path("data/admin.sock")));

    let server = place.serve();
    let key = json!({"KeyId": made["KeyMetadata"]["KeyId"]});
    assert_eq!(account.call(&server.kms(), REGION, "DescribeKey", key).0, 200);
}
