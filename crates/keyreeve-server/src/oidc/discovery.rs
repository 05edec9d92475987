//! From the URL of an issuer to its keys: the discovery document, then the key set that it names.

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use keyreeve_service::identity::{IssuerFault, IssuerSite};
use serde::Deserialize;
use serde_json::Value;

use super::https::Https;
use super::kept::Fetched;

const DOCUMENT: &str = "/.well-known/openid-configuration";
/// For both answers together: a client waits for this.
const PATIENCE: Duration = Duration::from_secs(8);
/// Keys of a set that are looked at.
const KEYS_MAX: usize = 100;

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Fetches the keys of an issuer.
///
/// # Errors
/// [`IssuerFault`].
pub(super) async fn fetch(https: &Https, site: IssuerSite<'_>) -> Result<Fetched, IssuerFault> {
    let late = |_| IssuerFault::Unreachable(format!("{} did not answer within {PATIENCE:?}", site.url));
    tokio::time::timeout(PATIENCE, discover(https, site)).await.map_err(late)?
}

async fn discover(https: &Https, site: IssuerSite<'_>) -> Result<Fetched, IssuerFault> {
    let url = format!("{}{DOCUMENT}", site.url.trim_end_matches('/'));
    let answer = https.get(&url, site.thumbprints).await?;
    let document: Document = serde_json::from_slice(&answer.body)
        .map_err(|error| IssuerFault::Malformed(format!("{url} is no discovery document: {error}")))?;
    // Discovery §4.3: else one provider could pass for another that shares its host.
    if document.issuer != site.url {
        return Err(IssuerFault::Malformed(format!("{url} is the document of {}", document.issuer)));
    }
    let answer = https.get(&document.jwks_uri, site.thumbprints).await?;
    let set = key_set(&answer.body)
        .map_err(|error| IssuerFault::Malformed(format!("{} is no key set: {error}", document.jwks_uri)))?;
    Ok(Fetched { set, max_age: answer.max_age })
}

/// Keys of kinds that are not known here are left out, as RFC 7517 §5 wants it.
fn key_set(body: &[u8]) -> Result<JwkSet, serde_json::Error> {
    let set: KeySet = serde_json::from_slice(body)?;
    let keys = set.keys.into_iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    Ok(JwkSet { keys: keys.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_unknown_kinds_do_not_spoil_the_set() {
        let body = r#"{"keys":[{"kty":"AKP","alg":"ML-DSA-44","kid":"pq"},{"kty":"RSA","n":"AQ","e":"AQAB","kid":"r"},7]}"#;
        let set = key_set(body.as_bytes()).unwrap();
        let ids: Vec<_> = set.keys.iter().filter_map(|key| key.common.key_id.as_deref()).collect();
        assert!(ids.contains(&"r"), "{ids:?}");
        assert!(key_set(b"[]").is_err());
    }
}
