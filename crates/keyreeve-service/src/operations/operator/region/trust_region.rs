//! `TrustRegion`: from now on another Region is known by the keys of its introduction.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use serde::Serialize;

use super::{DOCUMENT, FINGERPRINT, refused, site};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::{Introduction, Peer, Regions};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("Introduction", &DOCUMENT),
        // What the operator compared; of another introduction nothing is trusted.
        Member::required("Fingerprint", &FINGERPRINT),
        Member::optional("Home", &shapes::BOOLEAN),
    ],
};

pub(crate) struct TrustRegion;

pub(crate) struct Request {
    introduction: String,
    fingerprint: String,
    home: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    region: Region,
    endpoint: String,
    fingerprint: String,
    /// Whether the identities are kept there: because it was said, or as they were before.
    home: bool,
    /// The Region whose identities were followed until now.
    #[serde(skip_serializing_if = "Option::is_none")]
    former_home: Option<Region>,
    /// Whether other keys of this Region were trusted before.
    replaced: bool,
}

impl Operation for TrustRegion {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            introduction: input.required_text("Introduction")?,
            fingerprint: input.required_text("Fingerprint")?,
            home: input.flag("Home"),
        })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let (own, _) = site(desk)?;
        let introduction = Introduction::parse(&request.introduction).map_err(refused)?;
        if !introduction.fingerprint().eq_ignore_ascii_case(&request.fingerprint) {
            return Err(refused(format!(
                "the introduction has the fingerprint {}: it is not the one that you compared",
                introduction.fingerprint()
            )));
        }
        let peer = introduction.peer(desk.now, request.home).map_err(refused)?;
        let regions = desk.service.regions();
        let own_pin = regions.certificate(own).await?.map(|certificate| certificate.pin);
        fits(regions, &peer, own, own_pin)?;
        if peer.home {
            desk.service.prepare_to_follow().await?;
        }
        let replaced = regions.peer(&peer.region).is_some_and(|before| before.pin != peer.pin);
        let former = regions.home().map(|home| home.region.clone()).filter(|home| *home != peer.region);
        let stored = regions.trust(&peer, Cause::Request(desk)).await?;
        Ok(Reply {
            region: stored.region.clone(),
            endpoint: stored.endpoint.clone(),
            fingerprint: introduction.fingerprint(),
            home: stored.home,
            former_home: former.filter(|_| stored.home),
            replaced,
        })
    }
}

/// A certificate names one Region.
fn fits(regions: &Regions, peer: &Peer, own: &Region, own_pin: Option<[u8; 32]>) -> Result<(), KmsError> {
    if regions.is_local(&peer.region) || own_pin == Some(peer.pin) {
        return Err(refused(format!(
            "this is an introduction of {}, and here is {own}: trust the introduction of the other Region",
            peer.region
        )));
    }
    match regions.peer_with_pin(&peer.pin).filter(|twin| twin.region != peer.region) {
        Some(twin) => Err(refused(format!("{} has the certificate of {} already", peer.region, twin.region))),
        None => Ok(()),
    }
}
