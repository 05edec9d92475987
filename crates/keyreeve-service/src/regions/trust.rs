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
use crate::records::{Draft, path};

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
        self.load_home_term().await
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

    /// Trusts a Region; in place of what was known of it, if it was known. A home stays one, until another Region is named
    /// as the home: then that one is followed, and the former is trusted as any other. Answers what is stored.
    ///
    /// INVARIANT: what follows a home goes on following one, so that there are never two that take changes.
    pub(crate) async fn trust(&self, peer: &Peer, cause: Cause<'_>) -> Result<Arc<Peer>, KmsError> {
        let _alone = self.changing.lock().await;
        let place = path::region_peer(&peer.region)?;
        let before = self.records.read::<PeerRecord>(&place).await?.map(|row| row.stamp);
        let home = peer.home || self.peer(&peer.region).is_some_and(|known| known.home);
        let peer = Arc::new(Peer { home, ..peer.clone() });
        let draft = self.records.draft()?.put(&place, before, &PeerRecord::of(&peer))?;
        let (draft, mut changed) = match home {
            true => self.draft_home(draft, Some(&peer.region)).await?,
            false => (draft, Vec::new()),
        };
        changed.retain(|other| other.region != peer.region);
        changed.push(Arc::clone(&peer));
        self.records.commit(draft, cause).await?;
        changed.into_iter().for_each(|peer| self.remember(&peer.region.clone(), Some(peer)));
        Ok(peer)
    }

    /// The change by which the marks of other Regions become those of this home; the Region of it itself is written by
    /// whoever knows what it is, where it was no home before. To be called while [`Self::changing`] is held.
    pub(super) async fn draft_home(
        &self,
        mut draft: Draft,
        home: Option<&Region>,
    ) -> Result<(Draft, Vec<Arc<Peer>>), KmsError> {
        let mut changed = Vec::new();
        for peer in self.trusted().iter().filter(|peer| peer.home && Some(&peer.region) != home) {
            let place = path::region_peer(&peer.region)?;
            let before = self.records.read::<PeerRecord>(&place).await?.map(|row| row.stamp);
            let peer = Peer { home: false, ..Peer::clone(peer) };
            draft = draft.put(&place, before, &PeerRecord::of(&peer))?;
            changed.push(Arc::new(peer));
        }
        Ok((draft, changed))
    }

    /// As [`Self::draft_home`], and with the mark of the Region that is the home from now on.
    pub(super) async fn draft_new_home(
        &self,
        draft: Draft,
        home: &Region,
    ) -> Result<(Draft, Vec<Arc<Peer>>), KmsError> {
        let (mut draft, mut changed) = self.draft_home(draft, Some(home)).await?;
        let place = path::region_peer(home)?;
        let before = self.records.read::<PeerRecord>(&place).await?;
        let (Some(row), Some(peer)) = (before, self.peer(home)) else { return Err(KmsError::Conflict) };
        let peer = Peer { home: true, ..Peer::clone(&peer) };
        draft = draft.put(&place, Some(row.stamp), &PeerRecord::of(&peer))?;
        changed.push(Arc::new(peer));
        Ok((draft, changed))
    }

    /// Trusts a Region no more. Whether it was trusted. It is nobody from before this is stored, and also where nobody
    /// knows whether it was.
    ///
    /// # Errors
    /// [`KmsError::Refused`] for the home: without it, there would be two. Store errors.
    pub(crate) async fn untrust(&self, region: &Region, cause: Cause<'_>) -> Result<bool, KmsError> {
        let _alone = self.changing.lock().await;
        let place = path::region_peer(region)?;
        let Some(row) = self.records.read::<PeerRecord>(&place).await? else { return Ok(false) };
        if row.value.home {
            return Err(KmsError::Refused(format!(
                "the identities are kept in {region}: without it, changes of them would be accepted here and there. Name \
                 the Region that is their home instead (`keyreeve region trust FILE --home`), or, if {region} is lost for \
                 good, let two operators make this Region the home (`keyreeve region home-request --lost {region}`); then \
                 untrust it"
            )));
        }
        let draft = self.records.draft()?.delete(&place, row.stamp);
        self.remember(region, None);
        self.records.commit(draft, cause).await?;
        Ok(true)
    }

    /// To be called while [`Self::changing`] is held: what is remembered follows what was stored, in the same order.
    pub(super) fn remember(&self, region: &Region, peer: Option<Arc<Peer>>) {
        let mut trusted = self.trusted.write().unwrap_or_else(PoisonError::into_inner);
        let others = trusted.iter().filter(|known| known.region != *region).cloned();
        let mut peers: Vec<_> = others.chain(peer).collect();
        peers.sort_by(|one, other| one.region.cmp(&other.region));
        *trusted = Arc::new(peers);
    }
}
