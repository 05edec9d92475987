//! The door of other Regions: `POST /region/v1` over TLS in which both sides showed a certificate. Whoever has not that of
//! a Region that is trusted at this moment is told nothing.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use keyreeve_model::region::Region;
use keyreeve_service::Service;
use keyreeve_service::regions::{Peer, PeerRequest};
use uuid::Uuid;

use crate::listener::{Answer, Handler, Incoming, Refusal};
use crate::regions::PATH;

/// What answers other Regions.
#[derive(Debug)]
pub struct RegionDoor {
    service: Arc<Service>,
    own: Region,
}

impl RegionDoor {
    /// A door to this Region.
    pub const fn new(service: Arc<Service>, own: Region) -> Self {
        Self { service, own }
    }

    /// Looked up for every request: an open connection outlives no trust.
    fn peer(&self, incoming: &Incoming) -> Option<Arc<Peer>> {
        let pin = incoming.tls.as_ref()?.client_pin?;
        self.service.regions().peer_with_pin(&pin)
    }
}

impl Handler for RegionDoor {
    async fn handle(&self, incoming: Incoming) -> Answer {
        let Some(peer) = self.peer(&incoming) else { return bare(StatusCode::FORBIDDEN) };
        if incoming.target.path() != PATH {
            return bare(StatusCode::NOT_FOUND);
        }
        if incoming.method != Method::POST {
            return bare(StatusCode::METHOD_NOT_ALLOWED);
        }
        let Ok(request) = serde_json::from_slice::<PeerRequest>(&incoming.body) else {
            tracing::warn!(from = %peer.region, "another Region sent what this version does not understand");
            return bare(StatusCode::BAD_REQUEST);
        };
        let name = request.name();
        let answer = self.service.answer_peer(&peer.region, &self.own, request).await;
        if let Err(fault) = &answer {
            tracing::info!(from = %peer.region, request = name, %fault, "another Region was not answered");
        }
        match serde_json::to_vec(&answer) {
            Ok(body) => Answer::new(StatusCode::OK, "application/json", body),
            Err(_) => bare(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn refuse(&self, refusal: Refusal, _: Uuid) -> Answer {
        bare(refusal.status())
    }
}

fn bare(status: StatusCode) -> Answer {
    Answer::new(status, "text/plain", "")
}
