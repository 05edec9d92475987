//! When other Regions were last heard of. In memory: a restart asks anew.

use std::sync::PoisonError;

use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use super::Regions;

impl Regions {
    /// The Region asked or answered just now.
    pub(super) fn heard_of(&self, region: &Region, now: Timestamp) {
        self.contacts.write().unwrap_or_else(PoisonError::into_inner).insert(region.clone(), now);
    }

    /// When the Region asked or answered last, since the start.
    pub fn last_contact(&self, region: &Region) -> Option<Timestamp> {
        self.contacts.read().unwrap_or_else(PoisonError::into_inner).get(region).copied()
    }
}
