//! `RegionStatus`: which trusted Regions answer now, and how far they and this one are apart.

use std::cmp::Ordering;

use futures_util::future::join_all;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::Serialize;

use super::own_region;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::message::hello::{Hello, IdentitiesThere};
use crate::regions::{Peer, PeerReply, PeerRequest, Replaced};
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
    /// Why they do not agree now, and what to do; absent while they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    identities_trouble: Option<String>,
    /// Since when they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    identities_trouble_since: Option<Epoch>,
    /// They are older than the configuration allows: nobody is authenticated by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    identities_outdated: Option<String>,
    /// What was lost when this Region stopped being their home.
    #[serde(skip_serializing_if = "Option::is_none")]
    identities_replaced: Option<Replaced>,
    /// In which term the identities have their home; the first home is that of 1.
    home_term: u64,
    /// Another home is named that cannot be proved here: changes of identities are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    home_in_doubt: Option<String>,
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
    /// Why its identities and those of their home do not agree, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    identities_trouble: Option<String>,
    /// Since when they do not, where it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    identities_trouble_since: Option<Epoch>,
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
        let standing = desk.service.identities_standing();
        let (trouble, since, replaced) = standing
            .map_or((None, None, None), |standing| (standing.trouble, standing.since, standing.replaced));
        Ok(Reply {
            identities_trouble: trouble,
            identities_trouble_since: since.map(Epoch),
            identities_outdated: desk.service.identities_outdated(),
            identities_replaced: replaced,
            home_term: regions.home_epoch(),
            home_in_doubt: regions.home_in_doubt(),
            region: own.clone(),
            endpoint: regions.endpoint().map(str::to_owned),
            peers: peers.into_iter().collect::<Result<_, _>>()?,
            identities_agreed: desk.service.identities_agreed().await?.map(Epoch),
        })
    }
}

/// Why the identities of another Region do not agree, in words that tell what to do; and since when.
fn disagreement(
    desk: &Desk<'_>,
    (own, peer): (&Region, &Peer),
    there: &IdentitiesThere,
) -> (Option<String>, Option<Timestamp>) {
    let regions = desk.service.regions();
    let (home, term) = (regions.home().map_or(own.clone(), |home| home.region.clone()), regions.home_epoch());
    if there.trouble.is_some() {
        return (there.trouble.clone(), there.since);
    }
    if there.home == home {
        return (None, None);
    }
    let (here, name) = (format!("here in {home} (term {term})"), &peer.region);
    let what = match there.term.cmp(&term) {
        Ordering::Less => format!(
            "register the keys of the operators who made {home} the home in {name} too (`keyreeve region operator-key add`), \
             or trust {home} there with --home"
        ),
        Ordering::Greater => format!(
            "register the keys of the operators who made {} the home here too (`keyreeve region operator-key add`), or trust \
             {} here with --home",
            there.home, there.home
        ),
        Ordering::Equal => {
            "one of the two is not the home: trust the one that is (`keyreeve region trust FILE --home`) where the other one \
             is named"
                .to_owned()
        }
    };
    let text =
        format!("they are kept in {} (term {}) by what it says, and {here}: {what}", there.home, there.term);
    (Some(text), None)
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
    let there = greeting.as_ref().and_then(|there| there.identities.as_ref());
    let (identities_trouble, since) =
        there.map_or((None, None), |there| disagreement(desk, (own, peer), there));
    Ok(PeerStatus {
        identities_trouble,
        identities_trouble_since: since.map(Epoch),
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
