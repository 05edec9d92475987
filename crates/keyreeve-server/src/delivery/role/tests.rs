//! A role is assumed once, with the configured credentials, and again when its credentials have nearly expired.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// 2026-01-01T00:00:00Z.
const START_MILLIS: i64 = 1_767_225_600_000;

/// Reads one request and answers it.
async fn answer_one(listener: &TcpListener, status: &str, body: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = vec![0; 8192];
    let mut len = 0;
    while !String::from_utf8_lossy(&request[..len]).contains(&format!("RoleSessionName={SESSION}")) {
        len += stream.read(&mut request[len..]).await.unwrap();
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8_lossy(&request[..len]).into_owned()
}

fn credentials_xml(id: &str, expires: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>s\
         </SecretAccessKey><SessionToken>t</SessionToken><Expiration>{expires}</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    )
}

#[tokio::test]
async fn a_role_is_assumed_once_and_again_before_it_expires() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sts = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    std::fs::write(&path, "[default]\naws_access_key_id=OWN\naws_secret_access_key=x\n").unwrap();
    let own = CredentialsSource::File { path, profile: "default".into() };
    let role = RoleSource { arn: "arn:aws:iam::111122223333:role/audit".into(), sts };
    let clock = Arc::new(TestClock(AtomicI64::new(START_MILLIS)));
    let signer = Signer::new(own, Some(role), "eu-west-1".into(), clock.clone());
    let exchange = Exchange::new(None).unwrap();

    let first = credentials_xml("ONE", "2026-01-01T01:00:00Z");
    let (asked, found) = tokio::join!(answer_one(&listener, "200 OK", &first), signer.credentials(&exchange));
    assert_eq!(found.unwrap().access_key_id, "ONE");
    assert!(asked.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Faudit"), "{asked}");
    assert!(asked.contains("Credential=OWN/20260101/eu-west-1/sts/aws4_request"), "{asked}");
    // Kept: nobody answers now.
    assert_eq!(signer.credentials(&exchange).await.unwrap().access_key_id, "ONE");
    clock.0.fetch_add((3600 - LEFT_SECONDS) * 1000, Ordering::Relaxed);
    let second = credentials_xml("TWO", "2026-01-01T02:00:00Z");
    let (_, found) = tokio::join!(answer_one(&listener, "200 OK", &second), signer.credentials(&exchange));
    assert_eq!(found.unwrap().access_key_id, "TWO");

    clock.0.fetch_add(3600 * 1000, Ordering::Relaxed);
    let refusal = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
    let (_, found) =
        tokio::join!(answer_one(&listener, "403 Forbidden", refusal), signer.credentials(&exchange));
    let why = found.unwrap_err();
    assert!(why.contains("403 (AccessDenied)"), "{why}");
}
