//! Asking other Regions: one of the same process directly, one of another through [`Peers`]. Everything else is the same.

use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;

use super::{NoPeers, PeerAnswer, PeerFault, PeerRequest, Peers, Regions};
use crate::service::{RegionRule, Service};

/// What a process is among Regions.
#[derive(Debug, Clone)]
pub struct Site {
    /// The Regions that it serves.
    pub local: RegionRule,
    /// Where other Regions find it: `https://host:port`. It then serves one Region.
    pub endpoint: Option<String>,
}

impl Regions {
    fn settle(&self, site: Site) {
        // The first word stands: it is said before the first request.
        let _ = self.site.set(site);
    }
}

impl Service {
    /// From now on the process serves the Regions of this site, and asks others through `peers`. To be called once, before
    /// the first request; else every Region is served here and no other is known.
    ///
    /// # Errors
    /// As [`Regions::load`].
    pub async fn join(&self, site: Site, peers: Arc<dyn Peers>) -> Result<(), KmsError> {
        self.regions().settle(site);
        self.set_peers(peers);
        self.regions().load().await
    }

    /// Asks the Region `to` in the name of the Region `from`, which is served here.
    ///
    /// # Errors
    /// [`PeerFault`](super::PeerFault).
    pub fn ask_region<'a>(
        &'a self,
        from: &'a Region,
        to: &'a Region,
        request: &'a PeerRequest,
    ) -> PeerAnswer<'a> {
        if self.regions().is_local(to) {
            return self.answer_peer(from, to, request.clone());
        }
        Box::pin(async move {
            let peers = self.peers().map_or(&NoPeers as &dyn Peers, AsRef::as_ref);
            let answer = peers.ask(from, to, request).await;
            match &answer {
                Ok(_) | Err(PeerFault::NotNow(_)) => self.heard_of(to),
                // Other questions a Region that is there may not answer now.
                Err(PeerFault::Unreachable(_)) => {
                    if matches!(request, PeerRequest::Hello(_) | PeerRequest::Reunion(_)) {
                        self.regions().is_lost(to);
                    }
                }
                Err(PeerFault::Refused(_)) => {}
            }
            answer
        })
    }

    /// The Region asked or answered just now. If it had not before, what waited for it is done at once.
    pub(super) fn heard_of(&self, region: &Region) {
        self.regions().heard_of(region, self.clock().now());
        if self.regions().is_back(region) {
            self.keys.stir();
        }
    }

    /// The trusted Regions, without those that are served here.
    pub fn peer_regions(&self) -> Vec<Region> {
        self.peers().map_or_else(Vec::new, |peers| peers.regions())
    }
}
