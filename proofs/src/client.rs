//! A small KMS client: AWS JSON 1.1 over one HTTP/1.1 connection, signed by keyreeve-sigv4.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use keyreeve_sigv4::{Credential, Request, SecretAccessKey, Target, sign};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::failure::Failure;

/// The Region that the proofs use.
pub(crate) const REGION: &str = "us-east-1";
/// A server that answers nothing for so long hangs, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(120);
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// One connection.
#[derive(Debug)]
pub(crate) struct Kms {
    sender: SendRequest<Full<Bytes>>,
    secret: SecretAccessKey,
    host: String,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Status 200: the request is acknowledged.
    Done(Value),
    /// The service refused it, with the name of its error and all of its body.
    Refused {
        /// Such as `DisabledException`.
        error: String,
        /// Status and body, to be shown.
        text: String,
    },
    /// The connection ended without a whole answer: the request may have been carried out or not.
    Gone,
}

impl Answer {
    /// The answer of a request that must succeed on a server that lives.
    pub(crate) fn done(self, operation: &str) -> Result<Value, Failure> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Refused { text, .. } => Err(Failure::Broken(format!("{operation} is refused: {text}"))),
            Self::Gone => Err(Failure::Server(format!("the connection broke during {operation}"))),
        }
    }
}

impl Kms {
    /// Connects; `None` where nobody listens.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Option<Self>, Failure> {
        let secret = SecretAccessKey::new(b"test");
        let secret = secret.map_err(|_| Failure::Setting("the secret is refused".to_owned()))?;
        let Ok(stream) = TcpStream::connect(address).await else { return Ok(None) };
        drop(stream.set_nodelay(true));
        let Ok((sender, connection)) = handshake(TokioIo::new(stream)).await else { return Ok(None) };
        tokio::spawn(async move { drop(connection.await) });
        Ok(Some(Self { sender, secret, host: address.to_string() }))
    }

    /// Connects to a server that must be there.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let gone = || Failure::Server("nobody answers where it said that it listens".to_owned());
        Self::connect(address).await?.ok_or_else(gone)
    }

    /// Sends one request.
    pub(crate) async fn call(&mut self, operation: &str, input: &Value) -> Result<Answer, Failure> {
        let body = Bytes::from(input.to_string());
        let request = self.signed(operation, body)?;
        if self.sender.ready().await.is_err() {
            return Ok(Answer::Gone);
        }
        let exchange = async {
            let response = self.sender.send_request(request).await.ok()?;
            let status = response.status();
            Some((status, response.into_body().collect().await.ok()?.to_bytes()))
        };
        let hangs = |_| Failure::Broken(format!("{operation} got no answer in {PATIENCE:?}"));
        let Some((status, body)) = timeout(PATIENCE, exchange).await.map_err(hangs)? else {
            return Ok(Answer::Gone);
        };
        let parsed = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        match parsed {
            Ok(value) if status == 200 => Ok(Answer::Done(value)),
            Ok(value) => {
                let error = value.get("__type").and_then(Value::as_str).unwrap_or_default();
                let text = format!("{status} {value}");
                Ok(Answer::Refused { error: error.to_owned(), text })
            }
            Err(_) => Err(Failure::Server(format!("{operation} answered {status} and no JSON"))),
        }
    }

    fn signed(&self, operation: &str, body: Bytes) -> Result<hyper::Request<Full<Bytes>>, Failure> {
        let target = format!("TrentService.{operation}");
        let headers: [(&str, &[u8]); 3] = [
            ("host", self.host.as_bytes()),
            ("content-type", CONTENT_TYPE.as_bytes()),
            ("x-amz-target", target.as_bytes()),
        ];
        let request = Request { method: "POST", path: "/", query: "", headers: &headers, body: &body };
        let credential = Credential { access_key_id: "test", secret: &self.secret, session_token: None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let signed = sign(&request, &credential, &Target { region: REGION, service: "kms" }, now);
        let signed = signed.map_err(|error| Failure::Setting(error.to_string()))?;
        let mut builder = hyper::Request::builder().method("POST").uri("/");
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        for (name, value) in signed.headers() {
            builder = builder.header(*name, value);
        }
        builder.body(Full::new(body)).map_err(|error| Failure::Setting(error.to_string()))
    }
}
