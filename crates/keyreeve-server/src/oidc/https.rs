//! One GET over HTTPS: bounded in size, redirected nowhere, and only to addresses where an issuer may be.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CACHE_CONTROL, HOST, HeaderMap, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use keyreeve_service::identity::IssuerFault;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::is_allowed;
use super::trust::Trust;

/// Largest answer: a key set of a hundred RSA keys with their certificates is below it.
const BODY_BYTES_MAX: usize = 512 * 1024;
/// How long one address may take to accept a connection, before the next one is tried.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// Addresses of a host that are tried.
const ADDRESSES_MAX: usize = 4;

/// Makes GETs.
#[derive(Debug)]
pub(super) struct Https {
    trust: Trust,
}

/// An answer with status 200.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// `max-age` of `Cache-Control`.
    pub(super) max_age: Option<Duration>,
}

/// The parts of an `https` URL.
struct Target {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Target {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok().filter(|uri: &Uri| uri.scheme_str() == Some("https"))?;
        let authority = uri.authority()?;
        // Nobody has a name and password here, and `https://good@evil` would look like good.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(Self { host, port: authority.port_u16().unwrap_or(443), authority: authority.to_string(), path })
    }
}

impl Https {
    pub(super) const fn new(trust: Trust) -> Self {
        Self { trust }
    }

    /// Gets one URL. The certificate must be of a trusted authority, or have one of these SHA-1 thumbprints in its chain.
    ///
    /// # Errors
    /// [`IssuerFault::Unreachable`].
    pub(super) async fn get(&self, url: &str, thumbprints: &[String]) -> Result<Answer, IssuerFault> {
        let failed = |what: String| IssuerFault::Unreachable(format!("{url}: {what}"));
        let target = Target::parse(url).ok_or_else(|| failed("not an https URL".to_owned()))?;
        let stream = self.connect(&target, thumbprints).await.map_err(failed)?;
        exchange(stream, &target).await.map_err(failed)
    }

    async fn connect(&self, target: &Target, thumbprints: &[String]) -> Result<TlsStream<TcpStream>, String> {
        let config = self.trust.config(thumbprints).await?;
        let name = ServerName::try_from(target.host.clone()).map_err(|error| error.to_string())?;
        let tcp = open(target).await?;
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|error| error.to_string())
    }
}

/// A connection to one of the addresses of the host. The name is resolved once, and what it resolved to is checked.
async fn open(target: &Target) -> Result<TcpStream, String> {
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    let found = found.map_err(|error| error.to_string())?;
    let allowed: Vec<SocketAddr> =
        found.filter(|address| is_allowed(address.ip())).take(ADDRESSES_MAX).collect();
    let mut why = "it has no address where an identity provider may be".to_owned();
    for address in allowed {
        match tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = format!("{address}: {error}"),
            Err(_) => why = format!("{address} does not accept"),
        }
    }
    Err(why)
}

async fn exchange(stream: TlsStream<TcpStream>, target: &Target) -> Result<Answer, String> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let request = Request::get(&target.path)
        .header(HOST, &target.authority)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, "keyreeve")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let asking = async move {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        if head.status != StatusCode::OK {
            return Err(format!("it answered with status {}", head.status));
        }
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
        Ok(Answer { body: body.to_bytes(), max_age: max_age(&head.headers) })
    };
    match select(pin!(asking), pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        // The connection may end before everything that it brought was read.
        Either::Right((_, asking)) => asking.await,
    }
}

/// RFC 9111 §5.2.2: an answer that may not be kept is one of age zero.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut found = None;
    for directive in lines.flat_map(|line| line.split(',')).map(str::trim) {
        if directive.eq_ignore_ascii_case("no-store") || directive.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        if let Some((name, value)) = directive.split_once('=')
            && name.trim().eq_ignore_ascii_case("max-age")
        {
            found = value.trim().trim_matches('"').parse().ok().map(Duration::from_secs).or(found);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_without_userinfo_is_asked() {
        for (url, expected) in [
            ("https://a.example/k?x=1", Some(("a.example", 443, "/k?x=1"))),
            ("https://a.example:8443", Some(("a.example", 8443, "/"))),
            ("https://[::1]:8443/k", Some(("::1", 8443, "/k"))),
            ("http://a.example/k", None),
            ("https://good.example@evil.example/k", None),
            ("file:///etc/passwd", None),
            ("/k", None),
        ] {
            let target = Target::parse(url);
            let parts =
                target.as_ref().map(|target| (target.host.as_str(), target.port, target.path.as_str()));
            assert_eq!(parts, expected, "{url}");
        }
    }

    #[test]
    fn the_age_of_an_answer_is_what_its_cache_control_says() {
        for (line, expected) in [
            ("max-age=300, must-revalidate", Some(300)),
            ("public, Max-Age=\"60\"", Some(60)),
            ("no-store", Some(0)),
            ("max-age=60, no-cache", Some(0)),
            ("max-age=x", None),
            ("private", None),
        ] {
            let headers = [(CACHE_CONTROL, line.parse().unwrap())].into_iter().collect();
            assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{line}");
        }
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
