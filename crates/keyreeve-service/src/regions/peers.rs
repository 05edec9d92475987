//! How other Regions are reached: the server does it, over TLS; tests put what they like in its place.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use keyreeve_model::region::Region;
use serde::{Deserialize, Serialize};

use super::message::{PeerReply, PeerRequest};

/// Why a Region gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PeerFault {
    /// It did not answer, or not in time, or whoever answered did not get to the question: it may have done what was asked,
    /// now or when it was asked before. The sentence is for operators.
    #[error("{0}")]
    Unreachable(String),
    /// It answered that it cannot now. It may be asked again, and about other things at once. The sentence is for operators.
    #[error("{0}")]
    NotNow(String),
    /// It judged this message, and neither did nor will do what it asks. Whoever asked may act on that. The sentence is for
    /// operators.
    #[error("{0}")]
    Refused(String),
}

/// What a Region answers, once it does.
pub type PeerAnswer<'a> = Pin<Box<dyn Future<Output = Result<PeerReply, PeerFault>> + Send + 'a>>;

/// Asks Regions that other processes serve.
///
/// INVARIANT: every message may be lost, doubled, delayed and reordered, also by an attacker who kept one; whoever handles
/// it compares epochs, versions and rows, and does a thing that is done already no second time. So the channel needs
/// neither sequence numbers nor nonces.
pub trait Peers: Send + Sync + Debug + 'static {
    /// The trusted Regions, without those that this process serves.
    fn regions(&self) -> Vec<Region>;

    /// Asks the Region `to` in the name of the Region `from`, which this process serves.
    ///
    /// # Errors
    /// [`PeerFault`]; an untrusted Region is `Unreachable`.
    fn ask<'a>(&'a self, from: &'a Region, to: &'a Region, request: &'a PeerRequest) -> PeerAnswer<'a>;
}

/// Where there are no other Regions.
#[derive(Debug, Clone, Copy)]
pub struct NoPeers;

impl Peers for NoPeers {
    fn regions(&self) -> Vec<Region> {
        Vec::new()
    }

    fn ask<'a>(&'a self, _: &'a Region, to: &'a Region, _: &'a PeerRequest) -> PeerAnswer<'a> {
        let fault = PeerFault::Unreachable(format!("this deployment does not know the Region {to}"));
        Box::pin(std::future::ready(Err(fault)))
    }
}
