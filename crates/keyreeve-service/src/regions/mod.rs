//! Other Regions: what they are asked and answer, whom this one trusts, and its own transport key and certificate.
//! How bytes reach another process is the server's matter ([`Peers`]); a Region of the same process is asked directly.

mod answer;
mod confirmation;
mod contacts;
mod identities;
mod introduction;
mod keys;
pub mod message;
mod operator_keys;
mod own;
mod peers;
mod promotion;
mod reach;
mod reunion;
mod standing;
mod trust;

pub use confirmation::{Action, Confirmation, ConfirmationFault, PromotedKeys, Signature};
pub(crate) use confirmation::{Confirmed, Signer};
pub use identities::{HomeTerm, IdentitiesStanding, Replaced};
pub use introduction::{Introduction, IntroductionFault, is_endpoint};
pub(crate) use keys::KeyThere;
pub use message::{PeerReply, PeerRequest};
pub(crate) use operator_keys::{KeyChange, OperatorKey};
pub use operator_keys::{PUBLIC_KEY_SPEC, fingerprint_of_key};
pub use own::RegionCertificate;
pub(crate) use own::rewrap;
pub use peers::{NoPeers, PeerAnswer, PeerFault, Peers};
pub(crate) use promotion::KeySelection;
pub use reach::Site;
pub use trust::Peer;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use keyreeve_crypto::transport::TransportKeyPair;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use crate::records::Records;
use crate::service::RegionRule;

/// The own Regions and the trusted ones.
#[derive(Debug)]
pub struct Regions {
    records: Arc<Records>,
    /// Which Regions are served by this process; absent in tests, where every Region is.
    site: OnceLock<Site>,
    /// Transport keys of the own Regions, parsed.
    transport_keys: RwLock<HashMap<Region, Arc<TransportKeyPair>>>,
    /// The trusted Regions, as the store has them.
    trusted: RwLock<Arc<Vec<Arc<Peer>>>>,
    /// How often each Region is asked.
    pace: keys::Pace,
    /// What each Region does not take.
    stuck: keys::Stuck,
    /// Materials that no Region knows.
    unknown: keys::Unknown,
    /// Held while a trusted Region is changed, so that what is remembered of it is what was stored last.
    changing: tokio::sync::Mutex<()>,
    /// When another Region asked or answered last, since the start.
    contacts: RwLock<HashMap<Region, Timestamp>>,
    /// Which Regions know what this one knows.
    reunions: reunion::Reunions,
    /// As a home, and as a copy of one.
    identities: identities::Identities,
}

impl Regions {
    pub(crate) fn new(records: Arc<Records>) -> Self {
        Self {
            records,
            site: OnceLock::new(),
            transport_keys: RwLock::default(),
            trusted: RwLock::default(),
            pace: keys::Pace::default(),
            stuck: keys::Stuck::default(),
            unknown: keys::Unknown::default(),
            changing: tokio::sync::Mutex::default(),
            contacts: RwLock::default(),
            reunions: reunion::Reunions::default(),
            identities: identities::Identities::default(),
        }
    }

    /// Whether this process serves every Region.
    pub(crate) fn serves_every(&self) -> bool {
        self.site.get().is_none_or(|site| matches!(site.local, RegionRule::Every))
    }

    /// Whether this process serves the Region.
    pub fn is_local(&self, region: &Region) -> bool {
        self.site.get().is_none_or(|site| site.local.serves(region.as_str()))
    }

    /// Where other Regions find this one, if that was configured.
    pub fn endpoint(&self) -> Option<&str> {
        self.site.get()?.endpoint.as_deref()
    }
}
