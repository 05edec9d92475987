//! A URL of HTTP: with TLS to anywhere, without it to this machine only. RFC 3986, RFC 9110 §4.2.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

/// A URL that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// With TLS.
    pub secure: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// 443 or 80 where the URL names none.
    pub port: u16,
    /// As it stands in `Host`.
    pub authority: String,
    /// Path and query; at least `/`.
    pub path: String,
}

/// Why a URL is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Not a URL of HTTP, or one with a name and password in it.
    #[error("not a URL such as https://host.example:8443")]
    Malformed,
    /// `http` to another machine.
    #[error("without TLS and not on this machine: use https, or http on 127.0.0.1, [::1] or localhost")]
    Open,
}

impl Url {
    /// `https://…`, or `http://…` on loopback.
    ///
    /// # Errors
    /// [`UrlFault`].
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let uri: Uri = text.parse().map_err(|_| UrlFault::Malformed)?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(UrlFault::Malformed),
        };
        let authority = uri.authority().ok_or(UrlFault::Malformed)?;
        // Nobody has a name and password here, and `https://good@evil` would look like good.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(UrlFault::Malformed);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if !secure && !is_loopback(&host) {
            return Err(UrlFault::Open);
        }
        Ok(Self {
            secure,
            host,
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }

    /// This URL with another path where it has none.
    #[must_use]
    pub fn or_path(mut self, path: &str) -> Self {
        if self.path == "/" {
            path.clone_into(&mut self.path);
        }
        self
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_without_userinfo_are_asked() {
        for (url, expected) in [
            ("https://a.example/k?x=1", Ok(("a.example", 443, "/k?x=1"))),
            ("https://a.example:8443", Ok(("a.example", 8443, "/"))),
            ("https://[::1]:8443/k", Ok(("::1", 8443, "/k"))),
            ("http://127.0.0.1:4318", Ok(("127.0.0.1", 4318, "/"))),
            ("http://[::1]/k", Ok(("::1", 80, "/k"))),
            ("http://localhost:1/", Ok(("localhost", 1, "/"))),
            ("http://a.example/k", Err(UrlFault::Open)),
            ("http://localhost.evil.example/k", Err(UrlFault::Open)),
            ("http://127.0.0.1@evil.example/k", Err(UrlFault::Malformed)),
            ("https://good.example@evil.example/k", Err(UrlFault::Malformed)),
            ("file:///etc/passwd", Err(UrlFault::Malformed)),
            ("/k", Err(UrlFault::Malformed)),
        ] {
            let found = Url::parse(url);
            let parts = found.as_ref().map(|url| (url.host.as_str(), url.port, url.path.as_str()));
            assert_eq!(parts, expected.as_ref().map(|parts| *parts), "{url}");
        }
        let url = Url::parse("https://a.example:4318").unwrap();
        assert_eq!(url.clone().or_path("/v1/logs").to_string(), "https://a.example:4318/v1/logs");
        assert_eq!(Url::parse("https://a.example/x").unwrap().or_path("/v1/logs").path, "/x");
    }
}
