//! How a Region introduces itself: the file that `keyreeve region init` prints and an operator of another Region trusts.
//! Nothing in it is secret; that it is the right one is seen by its fingerprint, which people compare on another way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::digest::sha256_of_parts;
use keyreeve_crypto::transport::TransportPublicKey;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::Peer;

/// What an introduction begins with.
const FORMAT: &str = "keyreeve-region-introduction/1";
/// Hexadecimal digits of a fingerprint, of the 64 of the digest: to find another introduction with the same 128 bits is
/// out of reach, and people read no more.
const FINGERPRINT_DIGITS: usize = 32;
const GROUP_DIGITS: usize = 4;

/// Why an introduction is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntroductionFault {
    /// Not JSON with these members.
    #[error("this is not what `keyreeve region init` prints: {0}")]
    Malformed(String),
    /// Of another version.
    #[error("the introduction is of a format that this version does not know: {0}")]
    Format(String),
    /// The endpoint is not one.
    #[error("the endpoint `{0}` is not https://host:port")]
    Endpoint(String),
    /// A key is not one.
    #[error("{0} is damaged: take the file from `keyreeve region init` again")]
    Key(&'static str),
}

/// A Region's own description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Introduction {
    /// What it is.
    format: String,
    /// The Region.
    pub region: Region,
    /// Where it answers.
    pub endpoint: String,
    /// SHA-256 of the `SubjectPublicKeyInfo` of its certificate, in hexadecimal.
    certificate_pin: String,
    /// Its public transport key, base64.
    transport_key: String,
}

impl Introduction {
    /// Of this Region.
    pub(crate) fn new(
        region: Region,
        endpoint: &str,
        pin: [u8; 32],
        transport_key: &TransportPublicKey,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            region,
            endpoint: endpoint.to_owned(),
            certificate_pin: hex::encode(pin),
            transport_key: STANDARD.encode(transport_key.as_bytes()),
        }
    }

    /// Reads and checks an introduction.
    ///
    /// # Errors
    /// [`IntroductionFault`].
    pub fn parse(json: &str) -> Result<Self, IntroductionFault> {
        let read: Self =
            serde_json::from_str(json).map_err(|error| IntroductionFault::Malformed(error.to_string()))?;
        if read.format != FORMAT {
            return Err(IntroductionFault::Format(read.format));
        }
        if !is_endpoint(&read.endpoint) {
            return Err(IntroductionFault::Endpoint(read.endpoint));
        }
        read.keys()?;
        Ok(read)
    }

    fn keys(&self) -> Result<([u8; 32], TransportPublicKey), IntroductionFault> {
        let pin = hex::decode(&self.certificate_pin).ok().and_then(|bytes| bytes.try_into().ok());
        let key = STANDARD.decode(&self.transport_key).ok();
        let key = key.and_then(|bytes| TransportPublicKey::parse(&bytes).ok());
        Ok((
            pin.ok_or(IntroductionFault::Key("the pin of the certificate"))?,
            key.ok_or(IntroductionFault::Key("the transport key"))?,
        ))
    }

    /// What it says about the Region, trusted from now on.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(crate) fn peer(&self, trusted: Timestamp, home: bool) -> Result<Peer, IntroductionFault> {
        let (pin, transport_key) = self.keys()?;
        let (region, endpoint) = (self.region.clone(), self.endpoint.clone());
        Ok(Peer { region, endpoint, pin, transport_key, trusted, home })
    }

    /// Eight groups of four hexadecimal digits, over everything that the introduction says.
    pub fn fingerprint(&self) -> String {
        let parts = [
            self.format.as_bytes(),
            self.region.as_str().as_bytes(),
            self.endpoint.as_bytes(),
            self.certificate_pin.as_bytes(),
            self.transport_key.as_bytes(),
        ];
        grouped(&hex::encode(sha256_of_parts(parts)))
    }
}

fn grouped(digest: &str) -> String {
    let groups = digest.as_bytes().chunks(GROUP_DIGITS).take(FINGERPRINT_DIGITS / GROUP_DIGITS);
    groups.map(|group| std::str::from_utf8(group).unwrap_or_default()).collect::<Vec<_>>().join("-")
}

/// `https://host:port` or `https://host`, without a path: what is asked there is ours to say.
pub fn is_endpoint(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("https://") else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let host_is_plain = !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
        && (!host.contains(':') || host.starts_with('['));
    host_is_plain && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyreeve_crypto::transport::TransportKeyPair;

    fn introduction() -> Introduction {
        let pair = TransportKeyPair::parse(&TransportKeyPair::generate().unwrap()).unwrap();
        let region = Region::parse("eu-central-1").unwrap();
        Introduction::new(region, "https://kms.example:8443", [7; 32], pair.public())
    }

    #[test]
    fn an_introduction_survives_json_and_becomes_the_peer_it_describes() {
        let made = introduction();
        let read = Introduction::parse(&serde_json::to_string(&made).unwrap()).unwrap();
        assert_eq!((read.fingerprint(), &read), (made.fingerprint(), &made));
        let peer = read.peer(Timestamp::from_millis(1), true).unwrap();
        assert_eq!(
            (peer.pin, peer.endpoint.as_str(), peer.home),
            ([7; 32], "https://kms.example:8443", true)
        );
        assert_eq!(STANDARD.encode(peer.transport_key.as_bytes()), made.transport_key);
    }

    #[test]
    fn every_member_changes_the_fingerprint_and_only_whole_introductions_are_read() {
        let made = introduction();
        let changed = [
            Introduction { region: Region::parse("eu-west-1").unwrap(), ..made.clone() },
            Introduction { endpoint: "https://evil.example:8443".to_owned(), ..made.clone() },
            Introduction { certificate_pin: hex::encode([8; 32]), ..made.clone() },
            Introduction { transport_key: introduction().transport_key, ..made.clone() },
        ];
        for other in &changed {
            assert_ne!(other.fingerprint(), made.fingerprint());
        }
        assert_eq!(made.fingerprint().len(), 39);
        let json = |introduction: &Introduction| serde_json::to_string(introduction).unwrap();
        let wrong = [
            json(&Introduction { format: "other".to_owned(), ..made.clone() }),
            json(&Introduction { endpoint: "http://kms.example".to_owned(), ..made.clone() }),
            json(&Introduction { certificate_pin: "00".to_owned(), ..made.clone() }),
            json(&Introduction { transport_key: "AAAA".to_owned(), ..made.clone() }),
            json(&made).replace("eu-central-1", "Europe"),
            json(&made).replacen('{', r#"{"Extra":1,"#, 1),
            "{}".to_owned(),
        ];
        for text in wrong {
            assert!(Introduction::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn endpoints_are_https_with_a_host_and_no_more() {
        for (text, right) in [
            ("https://kms.example:8443", true),
            ("https://kms.example", true),
            ("https://192.0.2.1:1", true),
            ("https://[2001:db8::1]:8443", true),
            ("https://[2001:db8::1]", true),
            ("http://kms.example", false),
            ("https://", false),
            ("https://:8443", false),
            ("https://kms.example:0", false),
            ("https://kms.example:99999", false),
            ("https://kms.example/path", false),
            ("https://user@kms.example", false),
            ("https://2001:db8::1", false),
            ("kms.example:8443", false),
        ] {
            assert_eq!(is_endpoint(text), right, "{text}");
        }
    }
}
