//! Buckets on an S3 server: one signed PUT an object.
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::USER_AGENT;
use keyreeve_service::clock::Clock;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::credentials::Credentials;
use super::destination::{Object, PutFault, S3Destination};
use super::exchange::{Exchange, between};
use super::role::Signer;
use crate::http_client::Url;
use crate::tls::TlsError;

/// Everything but letters, digits and `-._~/` is escaped in paths.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    endpoint: Url,
    exchange: Exchange,
    signer: Signer,
}

impl Client {
    pub(super) fn new(server: S3Destination, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let S3Destination { endpoint, region, credentials, role, ca_file } = server;
        let exchange = Exchange::new(ca_file.as_deref())?;
        Ok(Self { endpoint, exchange, signer: Signer::new(credentials, role, region, clock) })
    }

    /// Puts an object, in place of what has its name: the same object put twice is there once.
    ///
    /// # Errors
    /// [`PutFault`].
    pub(super) async fn put(&self, object: &Object) -> Result<(), PutFault> {
        let credentials = self.signer.credentials(&self.exchange).await?;
        let request = self.request(object, &credentials)?;
        let (status, body) = self.exchange.send(&self.endpoint, request).await?;
        if status.is_success() {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&body);
        let code = between(&body, "<Code>", "</Code>").unwrap_or("ServiceUnavailable");
        let (endpoint, Object { bucket, key, .. }) = (&self.endpoint, object);
        let status = status.as_u16();
        let why = format!("{endpoint}: PUT {bucket}/{key} was answered with status {status} ({code})");
        Err(PutFault { code: code.to_owned(), why })
    }

    fn request(&self, object: &Object, credentials: &Credentials) -> Result<Request<Full<Bytes>>, String> {
        let base = self.endpoint.path.trim_end_matches('/');
        let key = utf8_percent_encode(&object.key, ESCAPED);
        let path = format!("{base}/{}/{key}", object.bucket);
        let mut headers = vec![
            ("host".to_owned(), self.endpoint.authority.clone()),
            ("content-type".to_owned(), "application/json".to_owned()),
            ("content-encoding".to_owned(), "gzip".to_owned()),
        ];
        let metadata = object.metadata.iter();
        headers.extend(metadata.map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone())));
        let bytes: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let signed = keyreeve_sigv4::Request {
            method: "PUT",
            path: &path,
            query: "",
            headers: &bytes,
            body: &object.body,
        };
        let signed = self.signer.sign("s3", credentials, &signed)?;
        let mut request = Request::put(&path).header(USER_AGENT, "keyreeve");
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        for (name, value) in signed {
            request = request.header(name, value);
        }
        request.body(Full::new(Bytes::from(object.body.clone()))).map_err(|error| error.to_string())
    }
}
