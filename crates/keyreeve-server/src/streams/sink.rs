//! Where items go: each kind of receiver takes some of them, in order, and says why it took no more.

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::lines::{StdoutLines, UnixLines};
use super::otlp::Otlp;
use super::settings::{Endpoint, FeedSettings, Target};
use super::sieve::Item;
use super::webhook::Webhook;
use crate::tls::TlsError;

/// A receiver.
#[derive(Debug)]
pub(super) enum Sink {
    Stdout(StdoutLines),
    Unix(UnixLines),
    Otlp(Box<Otlp>),
    Webhook(Box<Webhook>),
}

/// What became of items.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// How many of them, from the first, need not be sent again.
    pub(super) taken: usize,
    /// How many of these the receiver refused for good.
    pub(super) rejected: usize,
    /// Why it took no more.
    pub(super) fault: Option<Fault>,
}

/// Why a receiver takes no more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// For the log.
    pub(super) why: String,
    /// When it wants to be asked again.
    pub(super) retry_after: Option<std::time::Duration>,
}

impl Sent {
    pub(super) const fn all(taken: usize) -> Self {
        Self { taken, rejected: 0, fault: None }
    }

    pub(super) const fn some(taken: usize, why: String) -> Self {
        Self { taken, rejected: 0, fault: Some(Fault { why, retry_after: None }) }
    }
}

impl Sink {
    /// The receiver of a stream. Nothing is opened yet.
    ///
    /// # Errors
    /// When its authorities cannot be read.
    pub(super) fn new(settings: &FeedSettings) -> Result<Self, TlsError> {
        Ok(match &settings.target {
            Target::Stdout => Self::Stdout(StdoutLines::default()),
            Target::Unix(path) => Self::Unix(UnixLines::new(path.clone())),
            Target::Otlp(endpoint) => Self::Otlp(Box::new(Otlp::new(endpoint)?)),
            Target::Webhook(endpoint) => Self::Webhook(Box::new(Webhook::new(endpoint)?)),
        })
    }

    /// Sends items; what was not taken is to be sent again, from the first of it.
    pub(super) async fn send(&mut self, items: &[Item]) -> Sent {
        match self {
            Self::Stdout(lines) => lines.send(items).await,
            Self::Unix(lines) => lines.send(items).await,
            Self::Otlp(otlp) => otlp.send(items).await,
            Self::Webhook(webhook) => webhook.send(items).await,
        }
    }
}

/// The headers of an endpoint's files.
///
/// # Errors
/// A sentence for the log, which names the file and shows nothing of it.
pub(super) fn credentials(endpoint: &Endpoint) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    if let Some(path) = &endpoint.headers_file {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (name, value) = header(line)
                .ok_or_else(|| format!("{}: line {} is not `Name: value`", path.display(), index + 1))?;
            headers.append(name, value);
        }
    }
    if let Some(path) = &endpoint.token_file {
        let token = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let value = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
        let mut value = value.map_err(|_| format!("{} does not hold a token", path.display()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_client::Url;

    #[test]
    fn files_hold_headers_and_errors_show_nothing_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let (headers, token) = (folder.path().join("headers"), folder.path().join("token"));
        let url = Url::parse("https://a.example").unwrap();
        let endpoint = Endpoint {
            headers_file: Some(headers.clone()),
            token_file: Some(token.clone()),
            ..Endpoint::new(url)
        };
        std::fs::write(&headers, "X-Tenant: a:b\n\nx-tenant: c\n").unwrap();
        std::fs::write(&token, "secret\n").unwrap();
        let found = credentials(&endpoint).unwrap();
        assert_eq!(found.get(AUTHORIZATION).unwrap(), "Bearer secret");
        let tenants: Vec<_> = found.get_all("x-tenant").iter().collect();
        assert_eq!(tenants, ["a:b", "c"]);
        assert!(!format!("{found:?}").contains("secret"));
        std::fs::write(&headers, "X-Tenant: a\nsecret\n").unwrap();
        let why = credentials(&endpoint).unwrap_err();
        assert!(why.ends_with("headers: line 2 is not `Name: value`"), "{why}");
        std::fs::remove_file(&headers).unwrap();
        assert!(credentials(&endpoint).unwrap_err().contains("No such file"));
    }
}
