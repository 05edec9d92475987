//! Who calls: a signature, checked against the secret of its access key.

use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_service::caller::{Caller, Principal};
use keyreeve_service::identity::Credential;
use keyreeve_service::{RegionRule, Service};
use keyreeve_sigv4::{Expectations, Presigned, Request, SecretAccessKey, SigV4Error, Unverified, Verifier};

use crate::listener::Incoming;

/// Signing keys kept ready.
const SIGNING_KEYS_MAX: usize = 10_000;

/// The secret of the root users of `dev`: `test`, or one that was generated when `dev` listens beyond loopback.
#[derive(Debug)]
pub struct WellKnownSecret(SecretAccessKey);

impl WellKnownSecret {
    /// From the secret's text.
    ///
    /// # Errors
    /// When it is empty or longer than a secret access key may be.
    pub fn new(secret: &[u8]) -> Result<Self, keyreeve_sigv4::InvalidSecret> {
        SecretAccessKey::new(secret).map(Self)
    }

    /// The account whose root user this access key id names: `test` is account 000000000000, twelve digits are
    /// themselves.
    fn account(access_key_id: &str) -> Option<AccountId> {
        if access_key_id == "test" { Some(AccountId::ZERO) } else { AccountId::parse(access_key_id) }
    }
}

/// Checks signatures.
#[derive(Debug)]
pub struct Authenticator {
    verifier: Verifier,
    regions: RegionRule,
    well_known: Option<WellKnownSecret>,
}

/// Why a caller is not known: AWS's own code and text, or a store that does not answer.
#[derive(Debug)]
pub(super) enum Unauthenticated {
    Signature(SigV4Error),
    Service(KmsError),
}

/// Where the secret of an access key comes from.
enum Known<'a> {
    WellKnown(&'a WellKnownSecret, AccountId),
    Stored(Arc<Credential>),
}

impl Authenticator {
    /// Serves these Regions. A well-known secret exists in `dev` only.
    pub fn new(regions: RegionRule, well_known: Option<WellKnownSecret>) -> Self {
        Self { verifier: Verifier::new(SIGNING_KEYS_MAX), regions, well_known }
    }

    /// The caller of a request that must be signed for this service.
    pub(super) async fn caller(
        &self,
        service: &Service,
        incoming: &Incoming,
        signed_for: &'static str,
    ) -> Result<Caller, Unauthenticated> {
        let headers: Vec<(&str, &[u8])> =
            incoming.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = Request {
            method: incoming.method.as_str(),
            path: incoming.target.path(),
            query: incoming.target.query().unwrap_or_default(),
            headers: &headers,
            body: &incoming.body,
        };
        let unverified = self.parse(&request, signed_for, service).map_err(Unauthenticated::Signature)?;
        let access_key_id = unverified.access_key_id();
        let known = self.known(service, access_key_id).await.map_err(Unauthenticated::Service)?;
        // No session tokens are issued yet: one that is presented is not ours.
        let known = known.filter(|_| unverified.session_token().is_none());
        let stored_secret = match &known {
            Some(Known::Stored(credential)) => SecretAccessKey::new(credential.secret.expose_secret()).ok(),
            Some(Known::WellKnown(..)) | None => None,
        };
        let secret = match &known {
            Some(Known::WellKnown(secret, _)) => Some(&secret.0),
            Some(Known::Stored(_)) => stored_secret.as_ref(),
            None => None,
        };
        let verified = self.verifier.verify(unverified, secret).map_err(Unauthenticated::Signature)?;
        let principal = match known {
            Some(Known::WellKnown(_, account)) => Principal::Root(account),
            Some(Known::Stored(credential)) => credential.principal.clone(),
            None => return Err(Unauthenticated::Service(KmsError::Internal)),
        };
        let region = Region::parse(verified.region()).ok_or(Unauthenticated::Service(KmsError::Internal))?;
        Ok(Caller { principal, region, request_id: incoming.request_id })
    }

    fn parse<'r>(
        &self,
        request: &Request<'r>,
        signed_for: &'static str,
        service: &Service,
    ) -> Result<Unverified<'r>, SigV4Error> {
        let serves = |region: &str| self.regions.serves(region);
        let services = [signed_for];
        let mut expectations = Expectations::new(&services, &serves);
        expectations.presigned = Presigned::Accepted;
        Unverified::parse(request, &expectations, service.clock().now().as_seconds())
    }

    async fn known<'a>(
        &'a self,
        service: &Service,
        access_key_id: &str,
    ) -> Result<Option<Known<'a>>, KmsError> {
        if let (Some(secret), Some(account)) = (&self.well_known, WellKnownSecret::account(access_key_id)) {
            return Ok(Some(Known::WellKnown(secret, account)));
        }
        Ok(service.identity().credential(access_key_id).await?.map(Known::Stored))
    }
}
