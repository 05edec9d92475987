//! Requests as boto3 sends them, signed and laid out in bytes before any of them is timed.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use keyreeve_sigv4::{Credential, Request, SecretAccessKey, Target, sign};

use crate::Failure;

/// The root user of account 000000000000 in `keyreeve dev` on loopback.
const ACCESS_KEY_ID: &str = "test";
const SECRET: &[u8] = b"test";
const TARGET: Target<'static> = Target { region: "us-east-1", service: "kms" };

/// As long as boto3's own, which names its parts and its environment.
const USER_AGENT: &str = "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.2 md/pyimpl#CPython \
     m/b,Z,D cfg/retry-mode#legacy Botocore/1.44.5";

/// Whoever signs for one server.
#[derive(Debug)]
pub(crate) struct Signer {
    host: String,
    secret: SecretAccessKey,
}

impl Signer {
    /// For the server at this address.
    ///
    /// # Errors
    /// Never with the secret above; its type cannot tell.
    pub(crate) fn new(address: SocketAddr) -> Result<Self, Failure> {
        Ok(Self { host: address.to_string(), secret: SecretAccessKey::new(SECRET)? })
    }

    /// One request, signed now: valid for 300 seconds.
    ///
    /// # Errors
    /// When the clock is before 1970 or the signer refuses.
    pub(crate) fn request(&self, operation: &str, body: &str) -> Result<Vec<u8>, Failure> {
        let now_s = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let target = format!("TrentService.{operation}");
        let headers: [(&str, &[u8]); 3] = [
            ("content-type", b"application/x-amz-json-1.1"),
            ("host", self.host.as_bytes()),
            ("x-amz-target", target.as_bytes()),
        ];
        let request =
            Request { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() };
        let credential =
            Credential { access_key_id: ACCESS_KEY_ID, secret: &self.secret, session_token: None };
        let signed = sign(&request, &credential, &TARGET, now_s)?;
        let mut head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: identity\r\nX-Amz-Target: {target}\r\n\
             Content-Type: application/x-amz-json-1.1\r\nUser-Agent: {USER_AGENT}\r\n",
            self.host
        );
        for (name, value) in signed.headers() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!(
            "amz-sdk-invocation-id: 9f1c6f0e-6a35-4a3f-9f57-0c5f4f6b3a1d\r\namz-sdk-request: attempt=1\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        ));
        head.push_str(body);
        Ok(head.into_bytes())
    }
}
