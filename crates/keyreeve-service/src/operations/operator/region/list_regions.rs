//! `ListRegions`: this Region and the trusted ones, as they are stored; nobody is asked.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use serde::Serialize;

use super::own_region;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::Peer;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct ListRegions;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    region: Region,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    trusted: Vec<TrustedRegion>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrustedRegion {
    region: Region,
    endpoint: String,
    certificate_pin: String,
    transport_key_fingerprint: String,
    trust_date: Epoch,
    home: bool,
}

impl From<&Peer> for TrustedRegion {
    fn from(peer: &Peer) -> Self {
        Self {
            region: peer.region.clone(),
            endpoint: peer.endpoint.clone(),
            certificate_pin: hex::encode(peer.pin),
            transport_key_fingerprint: peer.transport_key.fingerprint(),
            trust_date: Epoch(peer.trusted),
            home: peer.home,
        }
    }
}

impl Operation for ListRegions {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(desk: &'a Desk<'a>, (): &'a (), _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let (region, regions) = (own_region(desk)?.clone(), desk.service.regions());
        let endpoint = regions.endpoint().map(str::to_owned);
        let trusted = regions.trusted().iter().map(|peer| TrustedRegion::from(peer.as_ref())).collect();
        Ok(Reply { region, endpoint, trusted })
    }
}
