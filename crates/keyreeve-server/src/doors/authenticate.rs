//! Who calls: a signature, checked against the secret of its access key.

use std::net::IpAddr;
use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_service::caller::{Caller, Principal, WebIdentity};
use keyreeve_service::identity::{Credential, OpenedSession, Owner, Profile, Session};
use keyreeve_service::{RegionRule, Service};
use keyreeve_sigv4::{Expectations, Presigned, Request, SecretAccessKey, SigV4Error, Unverified, Verifier};

use super::{TrustedProxies, forwarding, session};
use crate::listener::Incoming;

/// Signing keys kept ready.
const SIGNING_KEYS_MAX: usize = 10_000;

/// The Region of a request without a signature, where every Region is served.
const UNSIGNED_REGION: &str = "us-east-1";

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

/// What a request must be signed for.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignedFor {
    /// Services of the credential scope; the first is named in the refusal.
    pub(super) services: &'static [&'static str],
    /// Regions in which a global service is signed, whether they are served here or not.
    global_regions: &'static [&'static str],
}

/// IAM is one service for all Regions of a partition, and signed for one of them.
const IAM_REGIONS: &[&str] = &["us-east-1", "cn-north-1", "us-gov-west-1"];

impl SignedFor {
    /// KMS.
    pub(super) const KMS: Self = Self { services: &["kms"], global_regions: &[] };
    /// CloudTrail.
    pub(super) const CLOUDTRAIL: Self = Self { services: &["cloudtrail"], global_regions: &[] };
    /// STS.
    pub(super) const STS: Self = Self { services: &["sts"], global_regions: &[] };
    /// IAM.
    pub(super) const IAM: Self = Self { services: &["iam"], global_regions: IAM_REGIONS };
    /// A request of the query protocol that does not say of which API it is: it can only be refused.
    pub(super) const QUERY: Self = Self { services: &["sts", "iam"], global_regions: IAM_REGIONS };
}

/// Checks signatures.
#[derive(Debug)]
pub struct Authenticator {
    verifier: Verifier,
    regions: RegionRule,
    well_known: Option<WellKnownSecret>,
    proxies: TrustedProxies,
}

/// Why a caller is not known: AWS's own code and text, or a store that does not answer.
#[derive(Debug)]
pub(super) enum Unauthenticated {
    Signature(SigV4Error),
    Service(KmsError),
}

/// Who signed, and what policies say about them.
pub(super) struct Signer {
    pub(super) principal: Principal,
    pub(super) profile: Arc<Profile>,
    /// With temporary credentials.
    pub(super) session: Option<Arc<Session>>,
}

/// Where the secret of an access key comes from.
enum KeySource<'a> {
    WellKnown(&'a WellKnownSecret, AccountId),
    Stored(Arc<Credential>),
    Temporary(Arc<OpenedSession>),
}

impl Authenticator {
    /// Serves these Regions and believes these proxies. A well-known secret exists in `dev` only.
    pub fn new(regions: RegionRule, well_known: Option<WellKnownSecret>, proxies: TrustedProxies) -> Self {
        Self { verifier: Verifier::new(SIGNING_KEYS_MAX), regions, well_known, proxies }
    }

    /// The caller of an operation that need not be signed: nobody yet. The operation learns from its members who asks.
    pub(super) fn unsigned_caller(
        &self,
        service: &Service,
        incoming: &Incoming,
    ) -> Result<Caller, Unauthenticated> {
        service.check_identities_age().map_err(Unauthenticated::Service)?;
        // No credential scope names a Region.
        let region = match &self.regions {
            RegionRule::Only(served) => served.first().cloned(),
            RegionRule::Every => Region::parse(UNSIGNED_REGION),
        };
        let region = region.ok_or(Unauthenticated::Service(KmsError::Internal))?;
        let nobody = Principal::Federated(Arc::new(WebIdentity { provider: "".into(), subject: "".into() }));
        let connection = self.proxies.connection(incoming);
        Ok(Caller { connection, ..Caller::bare(nobody, region, incoming.request_id) })
    }

    /// Where a request came from.
    pub(super) fn source(&self, incoming: &Incoming) -> Option<IpAddr> {
        self.proxies.connection(incoming).source_ip
    }

    /// The caller of a request that must be signed.
    pub(super) async fn caller(
        &self,
        service: &Service,
        incoming: &Incoming,
        signed_for: SignedFor,
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
        let (access_key_id, token) = (unverified.access_key_id(), unverified.session_token());
        let known = self.known(service, access_key_id, token).await.map_err(Unauthenticated::Service)?;
        let stored_secret = match &known {
            Some(KeySource::Stored(credential)) => {
                SecretAccessKey::new(credential.secret.expose_secret()).ok()
            }
            Some(KeySource::Temporary(session)) => SecretAccessKey::new(session.secret.expose_secret()).ok(),
            Some(KeySource::WellKnown(..)) | None => None,
        };
        let secret = match &known {
            Some(KeySource::WellKnown(secret, _)) => Some(&secret.0),
            Some(KeySource::Stored(_) | KeySource::Temporary(_)) => stored_secret.as_ref(),
            None => None,
        };
        let verified = self.verifier.verify(unverified, secret).map_err(Unauthenticated::Signature)?;
        let known = known.ok_or(Unauthenticated::Service(KmsError::Internal))?;
        if let KeySource::Stored(_) = known {
            let (id, now) = (verified.access_key_id(), service.clock().now());
            service.identity().note_key_use(id, verified.service(), verified.region(), now);
        }
        let Signer { principal, profile, session } = signer(service, &known).await?;
        let region = Region::parse(verified.region()).ok_or(Unauthenticated::Service(KmsError::Internal))?;
        let connection = self.proxies.connection(incoming);
        let bare = Caller::new(principal, profile, region, incoming.request_id);
        let access_key_id = Some(verified.access_key_id().into());
        let caller = Caller { session, connection, access_key_id, ..bare };
        let caller = forwarding::apply(service, caller, &incoming.headers, &verified).await;
        caller.map_err(Unauthenticated::Service)
    }

    fn parse<'r>(
        &self,
        request: &Request<'r>,
        signed_for: SignedFor,
        service: &Service,
    ) -> Result<Unverified<'r>, SigV4Error> {
        let serves =
            |region: &str| signed_for.global_regions.contains(&region) || self.regions.serves(region);
        let mut expectations = Expectations::new(signed_for.services, &serves);
        expectations.presigned = Presigned::Accepted;
        Unverified::parse(request, &expectations, service.clock().now().as_seconds())
    }

    /// Whose access key it is. With a token it must be that of the token.
    async fn known<'a>(
        &'a self,
        service: &Service,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<Option<KeySource<'a>>, KmsError> {
        service.check_identities_age()?;
        if let Some(token) = session_token {
            let opened = service.identity().open_session(access_key_id, token).await?;
            return Ok(opened.map(KeySource::Temporary));
        }
        if let (Some(secret), Some(account)) = (&self.well_known, WellKnownSecret::account(access_key_id)) {
            return Ok(Some(KeySource::WellKnown(secret, account)));
        }
        let credential = service.identity().credential(access_key_id).await?;
        Ok(credential.filter(|credential| credential.active).map(KeySource::Stored))
    }
}

/// Who signed, once the signature holds.
async fn signer(service: &Service, known: &KeySource<'_>) -> Result<Signer, Unauthenticated> {
    let owner = match known {
        KeySource::WellKnown(_, account) => &Owner::Root(*account),
        KeySource::Stored(credential) => &credential.owner,
        KeySource::Temporary(opened) => return session::signer(service, opened).await,
    };
    let signer = service.identity().signer(owner).await.map_err(Unauthenticated::Service)?;
    let (principal, profile) = signer.ok_or(Unauthenticated::Signature(SigV4Error::UnknownAccessKey))?;
    Ok(Signer { principal, profile, session: None })
}
