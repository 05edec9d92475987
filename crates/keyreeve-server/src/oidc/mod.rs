//! Keys of OpenID Connect providers: discovered, fetched over HTTPS, and kept as long as the provider says.
//! OpenID Connect Discovery 1.0 §4: <https://openid.net/specs/openid-connect-discovery-1_0.html>

mod address;
mod discovery;
mod https;
mod kept;
mod trust;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jsonwebtoken::jwk::JwkSet;
use keyreeve_service::identity::{IssuerFault, IssuerKeys, IssuerSite, KeyAnswer};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use crate::tls::TlsError;
use https::Https;
use kept::Kept;
use trust::Trust;

/// Issuers whose keys are kept.
const ISSUERS_MAX: usize = 1_000;

/// Fetches and keeps keys.
#[derive(Debug)]
pub struct OidcKeys {
    https: Https,
    /// By URL and thumbprints: what one account trusts for an issuer is nothing that another one has to trust.
    issuers: Cache<String, Arc<Issuer>>,
}

/// One issuer. Whoever waits for a fetch holds the lock, so that one fetch serves all who wait.
#[derive(Debug, Default)]
struct Issuer(Mutex<Option<Kept>>);

impl OidcKeys {
    /// Trusts the system's certificate authorities, and those in a PEM file.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, TlsError> {
        Ok(Self { https: Https::new(Trust::new(ca_file)?), issuers: Cache::new(ISSUERS_MAX) })
    }

    async fn answer(&self, site: IssuerSite<'_>, key_id: Option<&str>) -> Result<Arc<JwkSet>, IssuerFault> {
        let name = format!("{} {}", site.url, site.thumbprints.join(" "));
        let issuer = match self.issuers.get(&name) {
            Some(known) => known,
            None => {
                let fresh = Arc::new(Issuer::default());
                self.issuers.insert(name, Arc::clone(&fresh));
                fresh
            }
        };
        let mut kept = issuer.0.lock().await;
        if let Some(answer) = kept.as_ref().and_then(|kept| kept.answer(key_id, Instant::now())) {
            return answer;
        }
        let fetched = discovery::fetch(&self.https, site).await;
        let renewed = Kept::renewed(kept.take(), fetched, Instant::now());
        let answer = renewed.latest();
        *kept = Some(renewed);
        answer
    }
}

impl IssuerKeys for OidcKeys {
    fn keys<'a>(&'a self, site: IssuerSite<'a>, key_id: Option<&'a str>) -> KeyAnswer<'a> {
        Box::pin(self.answer(site, key_id))
    }
}

#[cfg(test)]
mod tests;
