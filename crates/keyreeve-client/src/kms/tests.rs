//! Calls against a scripted endpoint on loopback.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::json;

use super::*;
use crate::settings::{Chosen, Environment};

/// Answers each request with the next of these, closing the connection where the status is 0; returns the requests.
fn endpoint(answers: Vec<(u16, &'static str)>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        let mut heard = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            heard.push(request(&mut stream));
            if status != 0 {
                let head = format!(
                    "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(body.as_bytes()).unwrap();
            }
        }
        heard
    });
    (port, serving)
}

fn request(stream: &mut TcpStream) -> String {
    let mut heard = String::new();
    let mut buffer = [0; 4096];
    // The body of these tests ends with the only closing brace.
    while !heard.ends_with('}') {
        let count = stream.read(&mut buffer).unwrap();
        heard.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    heard
}

fn client(port: u16) -> Kms {
    let get = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("AKID".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("secret".to_owned()),
        "AWS_SESSION_TOKEN" => Some("token".to_owned()),
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ENDPOINT_URL" => Some(format!("http://127.0.0.1:{port}")),
        _ => None,
    };
    let environment = Environment::new(&get, None);
    let mut kms = Kms::new(Settings::find(&Chosen::default(), &environment, None).unwrap()).unwrap();
    kms.backoff = Backoff { attempts: 3, first: Duration::ZERO, longest: Duration::ZERO };
    kms
}

#[test]
fn a_call_is_signed_and_its_answer_read() {
    let (port, serving) = endpoint(vec![(200, r#"{"KeyId":"k"}"#)]);
    assert_eq!(client(port).call("DescribeKey", &json!({"KeyId": "k"})).unwrap(), json!({"KeyId": "k"}));
    let heard = serving.join().unwrap().remove(0);
    for part in [
        "POST / HTTP/1.1",
        "content-type: application/x-amz-json-1.1",
        "x-amz-target: TrentService.DescribeKey",
        "x-amz-security-token: token",
        "/eu-west-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
        r#"{"KeyId":"k"}"#,
    ] {
        assert!(heard.contains(part), "{part}: {heard}");
    }
    assert!(!heard.contains("application/json"));
}

#[test]
fn what_passes_is_tried_again_and_a_refusal_is_not() {
    let (port, serving) = endpoint(vec![
        (0, ""),
        (400, r#"{"__type":"ThrottlingException","message":"slow"}"#),
        (200, r#"{"KeyId":"k"}"#),
    ]);
    assert!(client(port).call("DescribeKey", &json!({})).is_ok());
    assert_eq!(serving.join().unwrap().len(), 3);

    let (port, serving) =
        endpoint(vec![(400, r#"{"__type":"com.amazonaws.kms#NotFoundException","message":"gone"}"#)]);
    let error = client(port).call("DescribeKey", &json!({})).unwrap_err();
    assert_eq!(error.to_string(), "DescribeKey: NotFoundException: gone");
    assert_eq!(serving.join().unwrap().len(), 1);
}

#[test]
fn what_may_not_be_done_twice_is_asked_again_only_where_nobody_looked_at_it() {
    for last in [(0, ""), (500, r#"{"__type":"KMSInternalException"}"#), (502, "<html>")] {
        // The third answer waits for whoever asks once more.
        let answers = vec![(400, r#"{"__type":"ThrottlingException"}"#), last, (200, r#"{"KeyId":"k"}"#)];
        let (port, _) = endpoint(answers);
        let error = client(port).call_once("ImportKeyMaterial", &json!({})).unwrap_err();
        assert!(error.is_passing() && !error.is_throttled(), "{error}");
    }
}

#[test]
fn attempts_end() {
    let (port, serving) =
        endpoint(vec![(500, "{}"), (503, "<html>"), (500, r#"{"__type":"KMSInternalException"}"#)]);
    let error = client(port).call("DescribeKey", &json!({})).unwrap_err();
    assert_eq!(error.code(), Some("KMSInternalException"));
    assert_eq!(serving.join().unwrap().len(), 3);
}

#[test]
fn another_service_is_recognised() {
    let (port, serving) = endpoint(vec![(200, "<html>")]);
    let error = client(port).call("DescribeKey", &json!({})).unwrap_err();
    assert!(matches!(error, CallError::Foreign { status: 200, .. }), "{error:?}");
    drop(serving.join());
}
