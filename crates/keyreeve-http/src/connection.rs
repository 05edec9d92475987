//! Connections: TCP to one of the addresses of a host, TLS over it, HTTP/1.1 over that.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Body;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Url;

/// How long one address may take to accept a connection, before the next one is tried.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// Addresses of a host that are tried.
const ADDRESSES_MAX: usize = 4;

/// A connection to one of the addresses of the host. The name is resolved once, and what it resolved to is checked.
///
/// # Errors
/// A sentence for the log.
pub async fn open(url: &Url, allowed: fn(IpAddr) -> bool) -> Result<TcpStream, String> {
    let found = tokio::net::lookup_host((url.host.as_str(), url.port)).await;
    let found = found.map_err(|error| error.to_string())?;
    let mut why = "it has no address where it may be".to_owned();
    let addresses = found.filter(|address: &SocketAddr| allowed(address.ip())).take(ADDRESSES_MAX);
    for address in addresses {
        match tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = format!("{address}: {error}"),
            Err(_) => why = format!("{address} does not accept"),
        }
    }
    Err(why)
}

/// TLS over a connection, for the host of the URL.
///
/// # Errors
/// A sentence for the log.
pub async fn secure(
    tcp: TcpStream,
    url: &Url,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(url.host.clone()).map_err(|error| error.to_string())?;
    TlsConnector::from(config).connect(name, tcp).await.map_err(|error| error.to_string())
}

/// HTTP/1.1 over a stream: what requests are sent by, and what must be polled beside them.
///
/// # Errors
/// A sentence for the log.
pub async fn handshake<S, B>(stream: S) -> Result<(SendRequest<B>, Connection<TokioIo<S>, B>), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())
}
