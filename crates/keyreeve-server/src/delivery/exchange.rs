//! One request, one answer: HTTP/1.1 to a server that the operator named, over TLS wherever it is not this machine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, StatusCode};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use tokio::sync::OnceCell;

use crate::http_client::{Url, handshake, open, read_certificates, roots, secure};
use crate::tls::TlsError;

/// Largest answer that is read: errors and credentials are short.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long an exchange may take, the connection included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whose certificates are believed.
#[derive(Debug)]
pub(super) struct Exchange {
    authorities: Vec<CertificateDer<'static>>,
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Exchange {
    /// With the system's authorities and those of a file.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub(super) fn new(ca_file: Option<&Path>) -> Result<Self, TlsError> {
        let authorities = ca_file.map(read_certificates).transpose()?.unwrap_or_default();
        Ok(Self { authorities, tls: OnceCell::new() })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// A sentence for the log. The server may have done what was asked, or not.
    pub(super) async fn send(
        &self,
        url: &Url,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), String> {
        let done = tokio::time::timeout(PATIENCE, self.exchange(url, request)).await;
        let done = done.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        done.map_err(|why| format!("{url}: {why}"))
    }

    async fn exchange(
        &self,
        url: &Url,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), String> {
        let mut sender = self.connect(url).await?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        match body {
            Ok(body) => Ok((status, body.to_bytes())),
            // What was asked is done; how the server says so does not matter.
            Err(_) if status.is_success() => Ok((status, Bytes::new())),
            Err(error) => Err(format!("status {}: {error}", status.as_u16())),
        }
    }

    async fn connect(&self, url: &Url) -> Result<SendRequest<Full<Bytes>>, String> {
        let tcp = open(url, |_| true).await?;
        if !url.secure {
            let (sender, connection) = handshake(tcp).await?;
            drop(tokio::spawn(connection));
            return Ok(sender);
        }
        let config = self.tls.get_or_try_init(|| self.trusting()).await?;
        let (sender, connection) = handshake(secure(tcp, url, Arc::clone(config)).await?).await?;
        drop(tokio::spawn(connection));
        Ok(sender)
    }

    async fn trusting(&self) -> Result<Arc<ClientConfig>, String> {
        let roots = roots(&self.authorities).await?;
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}

/// The text between two others: all that is wanted of XML here.
pub(super) fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}
