//! `RegionStatus`: which trusted Regions answer now, and how far they and this one are apart.

use futures_util::future::join_all;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use serde::Serialize;

use super::own_region;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::message::hello::Hello;
use crate::regions::{Peer, PeerReply, PeerRequest};
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct RegionStatus;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    region: Region,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    peers: Vec<PeerStatus>,
    /// When the identities here last agreed with their home; absent where this Region is the home, or they never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    identities_agreed: Option<Epoch>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PeerStatus {
    region: Region,
    endpoint: String,
    home: bool,
    reachable: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// When it asked or answered last, since this server started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_contact: Option<Epoch>,
    /// How far its clock is ahead of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_ahead_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Keys of this Region's that it has not caught up with.
    keys_behind: u64,
}

impl Operation for RegionStatus {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(desk: &'a Desk<'a>, (): &'a (), _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let (own, regions) = (own_region(desk)?, desk.service.regions());
        let trusted = regions.trusted();
        let peers = join_all(trusted.iter().map(|peer| status(desk, own, peer))).await;
        Ok(Reply {
            region: own.clone(),
            endpoint: regions.endpoint().map(str::to_owned),
            peers: peers.into_iter().collect::<Result<_, _>>()?,
            identities_agreed: desk.service.identities_agreed().await?.map(Epoch),
        })
    }
}

async fn status(desk: &Desk<'_>, own: &Region, peer: &Peer) -> Result<PeerStatus, KmsError> {
    let hello = PeerRequest::Hello(Hello {});
    let answer = desk.service.ask_region(own, &peer.region, &hello).await;
    let now = desk.service.clock().now();
    let (greeting, trouble) = match answer {
        Ok(PeerReply::Hello(greeting)) if greeting.region == peer.region => (Some(greeting), None),
        Ok(_) => (None, Some("it answers as another Region, or in words of another version".to_owned())),
        Err(fault) => (None, Some(fault.to_string())),
    };
    Ok(PeerStatus {
        region: peer.region.clone(),
        endpoint: peer.endpoint.clone(),
        home: peer.home,
        reachable: greeting.is_some(),
        trouble,
        last_contact: desk.service.regions().last_contact(&peer.region).map(Epoch),
        clock_ahead_seconds: greeting.as_ref().map(|there| there.now.as_seconds() - now.as_seconds()),
        version: greeting.map(|there| there.version),
        keys_behind: desk.service.keys_behind(own, &peer.region).await?,
    })
}
