//! Where a request came from: the peer, or, behind proxies that the operator trusts, whom they name in
//! `X-Forwarded-For`. MDN: <https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For>

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hyper::HeaderMap;
use hyper::header::{AsHeaderName, HOST, REFERER, USER_AGENT};
use ipnet::IpNet;
use keyreeve_service::caller::{Connection, TlsDetails};

use crate::listener::{Incoming, Peer};

/// Proxies that a request may pass. Longer chains are not believed, so that the work is bounded.
const HOPS_MAX: usize = 32;

/// The networks whose hosts may say for whom they forward.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A text is neither a network nor an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a network, such as 10.0.0.0/8 or fd00::/8, nor an address")]
pub struct NotANetwork;

impl TrustedProxies {
    /// From networks such as `10.0.0.0/8`; an address alone is a network of one. Bits beyond the prefix are ignored.
    ///
    /// # Errors
    /// [`NotANetwork`].
    pub fn parse<'t>(networks: impl IntoIterator<Item = &'t str>) -> Result<Self, NotANetwork> {
        networks.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// The networks, as they are configured.
    pub fn networks(&self) -> impl Iterator<Item = impl fmt::Display + use<>> {
        self.0.clone().into_iter()
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// How this request came.
    pub(super) fn connection(&self, incoming: &Incoming) -> Connection {
        let source_ip = match incoming.peer {
            Peer::Tcp(address) => self.source(address.ip().to_canonical(), &incoming.headers),
            Peer::Unix { .. } => None,
        };
        Connection {
            source_ip,
            secure: incoming.tls.is_some(),
            tls: incoming.tls.as_deref().map(|facts| TlsDetails {
                tls_version: facts.version,
                cipher_suite: facts.cipher_suite.clone(),
                client_provided_host_header: text(&incoming.headers, HOST).map(String::from),
            }),
            user_agent: text(&incoming.headers, USER_AGENT),
            referer: text(&incoming.headers, REFERER),
        }
    }

    /// The nearest hop that is no trusted proxy. Each proxy appends whom it answered, so the list is read from its end,
    /// and only as far as trusted hands wrote it. Where one of them wrote no address, nothing is known: taking the
    /// proxy for the source would give its network's rights to everybody behind it.
    fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if self.0.is_empty() || !self.contains(peer) {
            return Some(peer);
        }
        let lines: Vec<&[u8]> =
            headers.get_all("x-forwarded-for").iter().map(|line| line.as_bytes()).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        let mut source = peer;
        for (index, hop) in hops.enumerate() {
            source = hop_address(hop).filter(|_| index < HOPS_MAX)?;
            if !self.contains(source) {
                break;
            }
        }
        Some(source)
    }
}

fn network(text: &str) -> Result<IpNet, NotANetwork> {
    let text = text.trim();
    let network = IpNet::from_str(text).or_else(|_| IpAddr::from_str(text).map(IpNet::from));
    network.map(|network| network.trunc()).map_err(|_| NotANetwork)
}

/// `192.0.2.1`, `2001:db8::1`; some proxies add a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// The first value of a header. Bytes beyond ASCII are replaced: no condition could name them otherwise.
fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Box<str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use hyper::header::HeaderValue;
    use hyper::{Method, Uri, Version};
    use uuid::Uuid;

    use super::*;
    use crate::listener::TlsFacts;

    fn source(trusted: &[&str], peer: &str, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
        }
        let trusted = TrustedProxies::parse(trusted.iter().copied()).unwrap();
        trusted.source(peer.parse::<IpAddr>().unwrap().to_canonical(), &headers).map(|ip| ip.to_string())
    }

    #[test]
    fn only_a_trusted_peer_may_name_another_source() {
        let proxies = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"];
        for (peer, lines, expected) in [
            ("203.0.113.9", &["198.51.100.1"] as &[_], Some("203.0.113.9")),
            ("10.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            ("::ffff:10.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            ("192.0.2.7", &["198.51.100.1"], Some("198.51.100.1")),
            ("192.0.2.8", &["198.51.100.1"], Some("192.0.2.8")),
            ("fd00::1", &["2001:db8::1"], Some("2001:db8::1")),
            // A trusted proxy that names nobody asks for itself.
            ("10.0.0.1", &[], Some("10.0.0.1")),
        ] {
            assert_eq!(source(&proxies, peer, lines).as_deref(), expected, "{peer} {lines:?}");
        }
        assert_eq!(source(&[], "10.0.0.1", &["198.51.100.1"]).as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn what_stands_left_of_the_first_untrusted_hop_is_not_believed() {
        let long = vec!["10.0.0.2"; 40].join(",");
        for (lines, expected) in [
            (&["6.6.6.6, 198.51.100.1"] as &[_], Some("198.51.100.1")),
            (&["6.6.6.6, 198.51.100.1, 10.0.0.2"], Some("198.51.100.1")),
            (&["6.6.6.6", "198.51.100.1 ,10.0.0.2"], Some("198.51.100.1")),
            (&["nonsense, 198.51.100.1"], Some("198.51.100.1")),
            (&["10.0.0.3,10.0.0.2"], Some("10.0.0.3")),
            (&["198.51.100.1:4711"], Some("198.51.100.1")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["[2001:db8::1]"], Some("2001:db8::1")),
            (&["::ffff:198.51.100.1"], Some("198.51.100.1")),
            // A trusted proxy wrote no address: nothing is known.
            (&["198.51.100.1, unknown"], None),
            (&["198.51.100.1,"], None),
            (&[""], None),
            (&[long.as_str()], None),
        ] {
            assert_eq!(source(&["10.0.0.0/8"], "10.0.0.1", lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_connection_is_described_by_its_peer_its_tls_and_two_headers() {
        let mut incoming = Incoming {
            method: Method::POST,
            target: Uri::from_static("/"),
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            peer: Peer::Tcp(([192, 0, 2, 1], 4711).into()),
            tls: None,
            request_id: Uuid::nil(),
        };
        let trusted = TrustedProxies::default();
        let source_ip = Some([192, 0, 2, 1].into());
        assert_eq!(trusted.connection(&incoming), Connection { source_ip, ..Connection::default() });
        incoming.peer = Peer::Unix { uid: 1, gid: 2, pid: None };
        incoming.headers.insert(USER_AGENT, HeaderValue::from_static("aws-cli/2"));
        incoming.headers.insert(HOST, HeaderValue::from_static("kms.example"));
        incoming.headers.insert(REFERER, HeaderValue::from_bytes(b"r\xff").unwrap());
        let cipher_suite = "TLS_AES_128_GCM_SHA256".to_owned();
        incoming.tls =
            Some(Arc::new(TlsFacts { version: "TLSv1.3", cipher_suite, sni: None, client_pin: None }));
        let expected = Connection {
            source_ip: None,
            secure: true,
            tls: Some(TlsDetails {
                tls_version: "TLSv1.3",
                cipher_suite: "TLS_AES_128_GCM_SHA256".to_owned(),
                client_provided_host_header: Some("kms.example".to_owned()),
            }),
            user_agent: Some("aws-cli/2".into()),
            referer: Some("r\u{fffd}".into()),
        };
        assert_eq!(trusted.connection(&incoming), expected);
    }

    #[test]
    fn networks_are_read_with_and_without_a_prefix() {
        let trusted = TrustedProxies::parse(["10.1.2.3/8", " 192.0.2.7 ", "fd00::1"]).unwrap();
        let shown: Vec<_> = trusted.networks().map(|network| network.to_string()).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.7/32", "fd00::1/128"]);
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "proxy.example", "10.0.0.0/-1"] {
            assert_eq!(TrustedProxies::parse([wrong]), Err(NotANetwork), "{wrong}");
        }
    }
}
