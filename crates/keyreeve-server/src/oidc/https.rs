//! One GET over HTTPS: bounded in size, redirected nowhere, and only to addresses where an issuer may be.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::header::{ACCEPT, CACHE_CONTROL, HOST, HeaderMap, USER_AGENT};
use hyper::{Request, StatusCode};
use keyreeve_service::identity::IssuerFault;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::address::is_allowed;
use super::trust::Trust;
use crate::http_client::{self, Url};

/// Largest answer: a key set of a hundred RSA keys with their certificates is below it.
const BODY_BYTES_MAX: usize = 512 * 1024;

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
        let target = Url::parse(url).ok().filter(|target| target.secure);
        let target = target.ok_or_else(|| failed("not an https URL".to_owned()))?;
        let stream = self.connect(&target, thumbprints).await.map_err(failed)?;
        exchange(stream, &target).await.map_err(failed)
    }

    async fn connect(&self, target: &Url, thumbprints: &[String]) -> Result<TlsStream<TcpStream>, String> {
        let config = self.trust.config(thumbprints).await?;
        let tcp = http_client::open(target, is_allowed).await?;
        http_client::secure(tcp, target, Arc::new(config)).await
    }
}

async fn exchange(stream: TlsStream<TcpStream>, target: &Url) -> Result<Answer, String> {
    let (mut sender, connection) = http_client::handshake(stream).await?;
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
