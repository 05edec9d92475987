//! Other Regions, as a process reaches them and is reached: its own certificate, the client, the listener's TLS. What is
//! asked and answered is decided in `keyreeve-service`; the door is `doors/region.rs`.

mod client;

use std::sync::Arc;
use std::time::Duration;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_service::regions::{NoPeers, Site};
use keyreeve_service::{RegionRule, Service};

pub use client::PeerClient;
pub use keyreeve_service::regions::{Action, Confirmation, Introduction, PromotedKeys};

use crate::config::RegionConfig;
use crate::limits::Limits;
use crate::tls::{RegionTls, RegionTlsError, TlsServer, make_certificate};

/// Body of one message, in bytes: a page of identities, the shared state of a key with all its materials.
pub const MESSAGE_BYTES: usize = 8 * 1024 * 1024;
/// Connections at one time: few Regions, and room for strangers who get no further than the handshake.
const CONNECTIONS: usize = 1_024;

/// How long a start waits for other Regions.
const MEETING_PATIENCE: Duration = Duration::from_secs(2);

/// Where Regions ask each other.
pub(crate) const PATH: &str = "/region/v1";

/// Why a process does not find its place among Regions.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The store does not answer, or a row was altered.
    #[error("what is known of the Regions cannot be read: {0}")]
    Service(#[from] KmsError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] RegionTlsError),
}

/// What is accepted from other Regions before a request is refused.
pub fn limits() -> Limits {
    Limits {
        body_bytes: MESSAGE_BYTES,
        connections: CONNECTIONS,
        concurrent_requests: CONNECTIONS,
        ..Limits::default()
    }
}

/// The process serves these Regions and speaks with no other.
///
/// # Errors
/// [`JoinError`].
pub async fn alone(service: &Service, local: RegionRule) -> Result<(), JoinError> {
    Ok(service.join(Site { local, endpoint: None }, Arc::new(NoPeers)).await?)
}

/// Before the first request: asks the others whether this Region was replaced while it was away. Those that do not answer
/// soon are asked again later: nobody waits for them.
pub async fn meet_others(service: &Service, region: &Region) {
    if tokio::time::timeout(MEETING_PATIENCE, service.tend_peers(region)).await.is_err() {
        tracing::warn!("not every trusted Region answers: what it knows is heard later");
    }
}

/// The process serves one Region and speaks with others: makes what it lacks for that, and answers what its listener is to
/// speak.
///
/// # Errors
/// [`JoinError`].
pub async fn among_others(
    service: &Service,
    region: &Region,
    config: &RegionConfig,
) -> Result<Arc<TlsServer>, JoinError> {
    let (regions, now) = (service.regions(), service.clock().now());
    if regions.certificate(region).await?.is_none() {
        regions.keep_certificate(region, &make_certificate(region)?, now).await?;
    }
    // As it was stored, which need not be what was just made.
    let certificate = regions.certificate(region).await?.ok_or(KmsError::Internal)?;
    let tls = RegionTls::new(&certificate)?;
    let server = TlsServer::with_config(tls.server(Arc::clone(regions))?);
    let client = PeerClient::new(Arc::clone(regions), tls);
    let local = RegionRule::Only(vec![region.clone()]);
    service.join(Site { local, endpoint: Some(config.endpoint.clone()) }, Arc::new(client)).await?;
    regions.transport_key(region, now).await?;
    Ok(Arc::new(server))
}
