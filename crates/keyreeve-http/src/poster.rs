//! POSTs to one URL, over one connection that is kept open between them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, RETRY_AFTER, USER_AGENT};
use hyper::{Request, StatusCode};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use tokio::sync::OnceCell;

use crate::authorities::only;
use crate::{AuthoritiesError, Url, connection, read_certificates, roots};

/// Largest answer that is read.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long an exchange may take, the connection included.
const PATIENCE: Duration = Duration::from_secs(15);

/// POSTs to one URL.
#[derive(Debug)]
pub struct Poster {
    url: Url,
    configured: Vec<CertificateDer<'static>>,
    /// Whether those of the system are believed too.
    system: bool,
    /// Made for the first connection, once for all that were made of one.
    tls: Arc<OnceCell<Arc<ClientConfig>>>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its whole body, at most 64 KiB.
    pub body: Bytes,
    /// `Retry-After` in seconds; a date there is not read.
    pub retry_after: Option<Duration>,
}

impl Poster {
    /// To this URL, whose certificate may be of an authority of this file too.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn new(url: Url, ca_file: Option<&Path>) -> Result<Self, AuthoritiesError> {
        let configured = ca_file.map(read_certificates).transpose()?.unwrap_or_default();
        Ok(Self { url, configured, system: true, tls: Arc::default(), sender: None })
    }

    /// To this URL, whose certificate is of an authority of this file, and not of the system; without a file, of the system.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn believing(url: Url, ca_file: Option<&Path>) -> Result<Self, AuthoritiesError> {
        Ok(Self { system: ca_file.is_none(), ..Self::new(url, ca_file)? })
    }

    /// Another one to the same URL, with a connection of its own.
    #[must_use]
    pub fn another(&self) -> Self {
        Self {
            url: self.url.clone(),
            configured: self.configured.clone(),
            system: self.system,
            tls: Arc::clone(&self.tls),
            sender: None,
        }
    }

    /// Posts JSON; a header in `more` replaces one of the same name.
    ///
    /// # Errors
    /// A sentence for the log. The receiver may have taken what was posted, or not.
    pub async fn post(&mut self, more: &HeaderMap, body: Bytes) -> Result<Reply, String> {
        let done = tokio::time::timeout(PATIENCE, self.exchange(more, body)).await;
        let done = done.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        if done.is_err() {
            self.sender = None;
        }
        done.map_err(|why| format!("{}: {why}", self.url))
    }

    async fn exchange(&mut self, more: &HeaderMap, body: Bytes) -> Result<Reply, String> {
        let mut request = Request::post(&self.url.path)
            .header(HOST, &self.url.authority)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "keyreeve")
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        request.headers_mut().extend(more.clone());
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        sender.ready().await.map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
        self.sender = Some(sender);
        let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        Ok(Reply { status: head.status, body: body.to_bytes(), retry_after })
    }

    async fn connect(&mut self) -> Result<SendRequest<Full<Bytes>>, String> {
        let tcp = connection::open(&self.url, |_| true).await?;
        if !self.url.secure {
            let (sender, connection) = connection::handshake(tcp).await?;
            drop(tokio::spawn(connection));
            return Ok(sender);
        }
        let config = self.tls.get_or_try_init(|| tls(self.system, &self.configured)).await?;
        let stream = connection::secure(tcp, &self.url, Arc::clone(config)).await?;
        let (sender, connection) = connection::handshake(stream).await?;
        drop(tokio::spawn(connection));
        Ok(sender)
    }
}

async fn tls(system: bool, configured: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, String> {
    let roots = if system { roots(configured).await? } else { only(configured) };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
