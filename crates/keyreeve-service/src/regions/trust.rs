//! The Regions that this one trusts: where they answer, and by which keys they are known.

use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::transport::TransportPublicKey;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::Regions;
use crate::audit::Cause;
use crate::records::path;

/// A trusted Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub region: Region,
    /// Where it answers: `https://host:port`.
    pub endpoint: String,
    /// SHA-256 of the `SubjectPublicKeyInfo` of its certificate: nobody else is that Region.
    pub pin: [u8; 32],
    /// What is sealed for it is sealed to this key.
    pub transport_key: TransportPublicKey,
    /// Since when it is trusted.
    pub trusted: Timestamp,
    /// Whether the identities of this deployment are kept there.
    pub home: bool,
}

/// The row.
#[derive(Debug, Serialize, Deserialize)]
struct PeerRecord {
    endpoint: String,
    /// 64 hexadecimal digits.
    pin: String,
    /// Base64.
    transport_key: String,
    trusted: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    home: bool,
}

impl PeerRecord {
    fn of(peer: &Peer) -> Self {
        Self {
            endpoint: peer.endpoint.clone(),
            pin: hex::encode(peer.pin),
            transport_key: STANDARD.encode(peer.transport_key.as_bytes()),
            trusted: peer.trusted,
            home: peer.home,
        }
    }

    fn peer(self, region: Region) -> Option<Peer> {
        let pin = hex::decode(&self.pin).ok()?.try_into().ok()?;
        let transport_key = STANDARD.decode(&self.transport_key).ok()?;
        let transport_key = TransportPublicKey::parse(&transport_key).ok()?;
        let Self { endpoint, trusted, home, .. } = self;
        Some(Peer { region, endpoint, pin, transport_key, trusted, home })
    }
}

/// Trusted Regions read at once.
const PAGE: usize = 1000;

impl Regions {
    /// Reads the trusted Regions from the store. To be called before the first request.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when a row was altered; store errors.
    pub async fn load(&self) -> Result<(), KmsError> {
        let _alone = self.changing.lock().await;
        let (mut peers, mut after) = (Vec::new(), None);
        loop {
            let page = self.records.page::<PeerRecord>(path::PEERS_PREFIX, after.as_ref(), PAGE).await?;
            for (place, record) in page.rows {
                let region = place.as_str().strip_prefix(path::PEERS_PREFIX).and_then(Region::parse);
                let peer = region.and_then(|region| record.peer(region)).ok_or(KmsError::Internal)?;
                peers.push(Arc::new(peer));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        *self.trusted.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(peers);
        Ok(())
    }

    /// The trusted Regions, by name.
    pub fn trusted(&self) -> Arc<Vec<Arc<Peer>>> {
        Arc::clone(&self.trusted.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A trusted Region.
    pub fn peer(&self, region: &Region) -> Option<Arc<Peer>> {
        self.trusted().iter().find(|peer| peer.region == *region).cloned()
    }

    /// The trusted Region whose certificate has this public key.
    pub fn peer_with_pin(&self, pin: &[u8; 32]) -> Option<Arc<Peer>> {
        self.trusted().iter().find(|peer| peer.pin == *pin).cloned()
    }

    /// Where the identities of this deployment are kept, when that is elsewhere.
    pub fn home(&self) -> Option<Arc<Peer>> {
        self.trusted().iter().find(|peer| peer.home).cloned()
    }

    /// Trusts a Region; in place of what was known of it, if it was known.
    pub(crate) async fn trust(&self, peer: &Peer, cause: Cause<'_>) -> Result<(), KmsError> {
        let _alone = self.changing.lock().await;
        let place = path::region_peer(&peer.region)?;
        let before = self.records.read::<PeerRecord>(&place).await?.map(|row| row.stamp);
        let draft = self.records.draft()?.put(&place, before, &PeerRecord::of(peer))?;
        self.records.commit(draft, cause).await?;
        self.remember(&peer.region, Some(Arc::new(peer.clone())));
        Ok(())
    }

    /// Trusts a Region no more. Whether it was trusted. It is nobody from before this is stored, and also where nobody
    /// knows whether it was.
    pub(crate) async fn untrust(&self, region: &Region, cause: Cause<'_>) -> Result<bool, KmsError> {
        let _alone = self.changing.lock().await;
        let place = path::region_peer(region)?;
        let Some(row) = self.records.read::<PeerRecord>(&place).await? else { return Ok(false) };
        let draft = self.records.draft()?.delete(&place, row.stamp);
        self.remember(region, None);
        self.records.commit(draft, cause).await?;
        Ok(true)
    }

    /// To be called while [`Self::changing`] is held: what is remembered follows what was stored, in the same order.
    fn remember(&self, region: &Region, peer: Option<Arc<Peer>>) {
        let mut trusted = self.trusted.write().unwrap_or_else(PoisonError::into_inner);
        let others = trusted.iter().filter(|known| known.region != *region).cloned();
        let mut peers: Vec<_> = others.chain(peer).collect();
        peers.sort_by(|one, other| one.region.cmp(&other.region));
        *trusted = Arc::new(peers);
    }
}
