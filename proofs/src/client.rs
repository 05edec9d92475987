//! A small client of KMS, IAM and CloudTrail: AWS JSON 1.1 and AWS Query over one HTTP/1.1 connection, signed by
//! keyreeve-sigv4.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
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
const REQUEST_ID: &str = "x-amzn-requestid";

/// One of the APIs of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    Kms,
    CloudTrail,
    /// AWS Query: inputs are flat, and of an answer only the error is read.
    Iam,
}

impl Api {
    /// The name that requests are signed for; with `.amazonaws.com` behind it the source of an event.
    pub(crate) const fn service(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::CloudTrail => "cloudtrail",
            Self::Iam => "iam",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Kms | Self::CloudTrail => "application/x-amz-json-1.1",
            Self::Iam => "application/x-www-form-urlencoded",
        }
    }

    fn target(self, operation: &str) -> Option<String> {
        match self {
            Self::Kms => Some(format!("TrentService.{operation}")),
            Self::CloudTrail => Some(format!("CloudTrail_20131101.{operation}")),
            Self::Iam => None,
        }
    }

    fn body(self, operation: &str, input: &Value) -> Bytes {
        if self != Self::Iam {
            return Bytes::from(input.to_string());
        }
        let mut form = format!("Action={operation}&Version=2010-05-08");
        for (name, value) in input.as_object().into_iter().flatten() {
            // Letters, digits, dots and dashes only: nothing that a form writes otherwise.
            form.push_str(&format!("&{name}={}", value.as_str().unwrap_or_default()));
        }
        Bytes::from(form)
    }
}

/// Whose credentials sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The root user of the account whose keys the proofs make.
    Owner,
    /// The root user of another account.
    Stranger,
}

impl Who {
    const fn access_key_id(self) -> &'static str {
        match self {
            Self::Owner => "test",
            Self::Stranger => self.account(),
        }
    }

    /// The account.
    pub(crate) const fn account(self) -> &'static str {
        match self {
            Self::Owner => "000000000000",
            Self::Stranger => "111122223333",
        }
    }
}

/// That a request got its answer.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// As the answer names it.
    pub(crate) request_id: String,
    pub(crate) who: Who,
    pub(crate) api: Api,
    pub(crate) operation: String,
    /// The code of the error, without its namespace; `None` for status 200.
    pub(crate) error: Option<String>,
}

/// Whose access key signs, and for which Region, where it is not [`Who`] in [`REGION`].
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) region: String,
    /// Seconds that the server's clock is ahead of the machine's.
    pub(crate) ahead: i64,
}

/// Every answer of the connections that share it.
pub(crate) type Book = Rc<RefCell<Vec<Answered>>>;

/// Where a server answers, and where its answers are booked.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) book: Option<Book>,
    pub(crate) signer: Option<Signer>,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { address, book: None, signer: None }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Kms {
    sender: SendRequest<Full<Bytes>>,
    secret: SecretAccessKey,
    host: String,
    book: Option<Book>,
    signer: Option<Signer>,
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
    pub(crate) async fn connect(endpoint: impl Into<Endpoint>) -> Result<Option<Self>, Failure> {
        let Endpoint { address, book, signer } = endpoint.into();
        let secret = signer.as_ref().map_or("test", |signer| &signer.secret);
        let secret = SecretAccessKey::new(secret.as_bytes());
        let secret = secret.map_err(|_| Failure::Setting("the secret is refused".to_owned()))?;
        let Ok(stream) = TcpStream::connect(address).await else { return Ok(None) };
        drop(stream.set_nodelay(true));
        let Ok((sender, connection)) = handshake(TokioIo::new(stream)).await else { return Ok(None) };
        tokio::spawn(async move { drop(connection.await) });
        Ok(Some(Self { sender, secret, host: address.to_string(), book, signer }))
    }

    /// Connects to a server that must be there.
    pub(crate) async fn open(endpoint: impl Into<Endpoint>) -> Result<Self, Failure> {
        let gone = || Failure::Server("nobody answers where it said that it listens".to_owned());
        Self::connect(endpoint).await?.ok_or_else(gone)
    }

    /// Sends one request to KMS.
    pub(crate) async fn call(&mut self, operation: &str, input: &Value) -> Result<Answer, Failure> {
        self.call_as(Who::Owner, Api::Kms, operation, input).await
    }

    /// Sends one request.
    pub(crate) async fn call_as(
        &mut self,
        who: Who,
        api: Api,
        operation: &str,
        input: &Value,
    ) -> Result<Answer, Failure> {
        let request = self.signed(who, api, operation, api.body(operation, input))?;
        if self.sender.ready().await.is_err() {
            return Ok(Answer::Gone);
        }
        let exchange = async {
            let response = self.sender.send_request(request).await.ok()?;
            let (status, id) = (response.status(), response.headers().get(REQUEST_ID).cloned());
            Some((status, id, response.into_body().collect().await.ok()?.to_bytes()))
        };
        let hangs = |_| Failure::Broken(format!("{operation} got no answer in {PATIENCE:?}"));
        let Some((status, id, body)) = timeout(PATIENCE, exchange).await.map_err(hangs)? else {
            return Ok(Answer::Gone);
        };
        let answer = read(api, status.as_u16(), &body)
            .ok_or_else(|| Failure::Server(format!("{operation} answered {status} and no JSON")))?;
        if let Some(book) = &self.book {
            let id = id.and_then(|id| id.to_str().ok().map(str::to_owned));
            let request_id =
                id.ok_or_else(|| Failure::Server(format!("{operation} answered without {REQUEST_ID}")))?;
            let error = match &answer {
                Answer::Refused { error, .. } => {
                    Some(error.rsplit('#').next().unwrap_or_default().to_owned())
                }
                Answer::Done(_) | Answer::Gone => None,
            };
            let operation = operation.to_owned();
            book.borrow_mut().push(Answered { request_id, who, api, operation, error });
        }
        Ok(answer)
    }

    fn signed(
        &self,
        who: Who,
        api: Api,
        operation: &str,
        body: Bytes,
    ) -> Result<hyper::Request<Full<Bytes>>, Failure> {
        let target = api.target(operation);
        let mut headers: Vec<(&str, &[u8])> =
            vec![("host", self.host.as_bytes()), ("content-type", api.content_type().as_bytes())];
        headers.extend(target.as_ref().map(|target| ("x-amz-target", target.as_bytes())));
        let request = Request { method: "POST", path: "/", query: "", headers: &headers, body: &body };
        let signer = self.signer.as_ref();
        let access_key_id = signer.map_or(who.access_key_id(), |signer| &signer.access_key_id);
        let region = signer.map_or(REGION, |signer| &signer.region);
        let credential = Credential { access_key_id, secret: &self.secret, session_token: None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX) + signer.map_or(0, |signer| signer.ahead);
        let signed = sign(&request, &credential, &Target { region, service: api.service() }, now);
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

/// What a body says; `None` when it is not of the API's form.
fn read(api: Api, status: u16, body: &[u8]) -> Option<Answer> {
    let value = match api {
        Api::Iam => Value::String(std::str::from_utf8(body).ok()?.to_owned()),
        Api::Kms | Api::CloudTrail if body.is_empty() => Value::Null,
        Api::Kms | Api::CloudTrail => serde_json::from_slice(body).ok()?,
    };
    if status == 200 {
        return Some(Answer::Done(value));
    }
    let error = match value.as_str() {
        Some(xml) => xml.split_once("<Code>")?.1.split_once("</Code>")?.0,
        None => value.get("__type").and_then(Value::as_str).unwrap_or_default(),
    };
    Some(Answer::Refused { error: error.to_owned(), text: format!("{status} {value}") })
}
