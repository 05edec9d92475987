//! Where the public keys of OpenID Connect providers come from. Fetching them is I/O: the server does it.
//! OpenID Connect Discovery 1.0: <https://openid.net/specs/openid-connect-discovery-1_0.html>

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;

use super::Identity;

/// Where the keys of an issuer are to be asked for.
#[derive(Debug, Clone, Copy)]
pub struct IssuerSite<'a> {
    /// `https://…`, as the tokens of the issuer name it.
    pub url: &'a str,
    /// SHA-1 of certificates that the account trusts for this issuer, 40 hexadecimal digits each.
    pub thumbprints: &'a [String],
}

/// Why an issuer's keys are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFault {
    /// It does not answer, or not in time, or over a connection that is not trusted.
    #[error("{0}")]
    Unreachable(String),
    /// Its answers are no discovery document or no key set.
    #[error("{0}")]
    Malformed(String),
}

/// Keys of an issuer, or why not, once it is known.
pub type KeyAnswer<'a> = Pin<Box<dyn Future<Output = Result<Arc<JwkSet>, IssuerFault>> + Send + 'a>>;

/// Fetches and keeps the public keys of issuers.
pub trait IssuerKeys: Send + Sync + Debug + 'static {
    /// The keys of an issuer. Where the kept ones lack `key_id`, newer ones, unless they were fetched just now.
    ///
    /// # Errors
    /// [`IssuerFault`].
    fn keys<'a>(&'a self, site: IssuerSite<'a>, key_id: Option<&'a str>) -> KeyAnswer<'a>;
}

/// Where nobody fetches keys.
#[derive(Debug)]
pub(super) struct NoIssuerKeys;

impl IssuerKeys for NoIssuerKeys {
    fn keys<'a>(&'a self, _: IssuerSite<'a>, _: Option<&'a str>) -> KeyAnswer<'a> {
        let fault = IssuerFault::Unreachable("this process asks no identity providers".to_owned());
        Box::pin(std::future::ready(Err(fault)))
    }
}

impl Identity {
    /// Who fetches the keys of identity providers.
    pub(super) fn issuer_keys(&self) -> &dyn IssuerKeys {
        self.issuer_keys.get().map_or(&NoIssuerKeys, |keys| keys.as_ref())
    }
}
