//! What one Region asks another, and the answers. JSON, externally tagged; a Region of an older version refuses what it
//! does not know, so members may be added with `#[serde(default)]` only.

pub mod hello;
pub mod identities;
pub mod keys;
pub mod reunion;

use serde::{Deserialize, Serialize};

use hello::{Greeting, Hello};
use identities::{Forward, Forwarded, Identities, IdentitiesPage};
use keys::{
    MayPromote, MayReplicate, Promote, PromotionAnswer, PromotionVerdict, Pull, Pulled, ReplicaGone,
    ReplicaGoneAnswer, Room, Synchronize, Synchronized,
};
use reunion::{Reunion, Reunited};

/// What one Region asks another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum PeerRequest {
    /// Whether it is there.
    Hello(Hello),
    /// It is met, or met again: whose word counts.
    Reunion(Box<Reunion>),
    /// The primary tells a replica the shared state of a key.
    Synchronize(Box<Synchronize>),
    /// A Region lacks a material.
    Pull(Pull),
    /// Whether there is room for a replica.
    MayReplicate(MayReplicate),
    /// Whether a caller may make the asked Region the primary.
    MayPromote(Box<MayPromote>),
    /// The asked Region is the primary from now on.
    Promote(Box<Promote>),
    /// A replica was deleted.
    ReplicaGone(ReplicaGone),
    /// Rows of identities that changed.
    Identities(Identities),
    /// A write of identities, for their home to do.
    Forward(Box<Forward>),
}

/// What the asked Region answers; each request has its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum PeerReply {
    /// To [`PeerRequest::Hello`].
    Hello(Greeting),
    /// To [`PeerRequest::Reunion`].
    Reunion(Box<Reunited>),
    /// To [`PeerRequest::Synchronize`].
    Synchronize(Box<Synchronized>),
    /// To [`PeerRequest::Pull`].
    Pull(Box<Pulled>),
    /// To [`PeerRequest::MayReplicate`].
    MayReplicate(Room),
    /// To [`PeerRequest::MayPromote`].
    MayPromote(Box<PromotionVerdict>),
    /// To [`PeerRequest::Promote`].
    Promote(Box<PromotionAnswer>),
    /// To [`PeerRequest::ReplicaGone`].
    ReplicaGone(ReplicaGoneAnswer),
    /// To [`PeerRequest::Identities`].
    Identities(Box<IdentitiesPage>),
    /// To [`PeerRequest::Forward`].
    Forward(Box<Forwarded>),
}

impl PeerRequest {
    /// The name of the request, for logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "Hello",
            Self::Reunion(_) => "Reunion",
            Self::Synchronize(_) => "Synchronize",
            Self::Pull(_) => "Pull",
            Self::MayReplicate(_) => "MayReplicate",
            Self::MayPromote(_) => "MayPromote",
            Self::Promote(_) => "Promote",
            Self::ReplicaGone(_) => "ReplicaGone",
            Self::Identities(_) => "Identities",
            Self::Forward(_) => "Forward",
        }
    }
}

#[cfg(test)]
mod tests;
