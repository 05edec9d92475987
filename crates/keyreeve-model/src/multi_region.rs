//! The Regions of a multi-Region key: one primary, any number of replicas, and how new what a Region knows is.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html>

use std::collections::BTreeMap;

use crate::region::Region;

/// How new the shared state of a key is. Epoch and primary together are the term: two promotions that know nothing of each
/// other may choose one epoch, and then the order of the Regions' names decides, everywhere alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct SharedVersion {
    /// +1 with each promotion.
    pub epoch: u64,
    /// The Region whose word it is.
    pub primary: Region,
    /// +1 with each change of the shared state in a term; 0 where a Region only heard of the term.
    pub version: u64,
}

impl SharedVersion {
    /// Of a key that was just made.
    pub const fn first(primary: Region) -> Self {
        Self { epoch: 1, primary, version: 1 }
    }

    /// The next version in the same term.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// The first version of the next epoch.
    #[must_use]
    pub const fn promoted(&self, primary: Region) -> Self {
        Self { epoch: self.epoch.saturating_add(1), primary, version: 1 }
    }

    /// What is known of a term before its primary told anything.
    #[must_use]
    pub fn heard(&self) -> Self {
        Self { version: 0, ..self.clone() }
    }

    /// The term.
    pub const fn term(&self) -> (u64, &Region) {
        (self.epoch, &self.primary)
    }
}

/// A primary that hands its role to another Region.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Demotion {
    /// The Region that becomes primary.
    pub to: Region,
    /// The epoch in which it is.
    pub epoch: u64,
}

/// A replica, or the life of a primary.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Replica {
    /// Where it is.
    pub region: Region,
    /// The version of the ReplicateKey, or CreateKey, that made it: tells it from one that was there before and is deleted.
    pub since: SharedVersion,
}

/// The Regions of a key, as one of them knows them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct MultiRegion {
    /// How new this is, and where the primary is.
    pub at: SharedVersion,
    /// Since when the key is in the primary's Region.
    pub since: SharedVersion,
    /// Where replicas are, in the order in which they were made.
    pub replicas: Vec<Replica>,
    /// Of Regions whose replicas are gone: the newest that was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub gone: BTreeMap<Region, SharedVersion>,
    /// At a primary that is handing over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub demoting: Option<Demotion>,
    /// At a replica: it refused to become the primary with what was shared up to here. A request that arrives late must
    /// not undo that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<SharedVersion>,
    /// At a replica: replicas that an earlier primary made and of which the present one does not know yet.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub orphans: Vec<Replica>,
    /// At a replica: it has materials of which the present primary has not said that it has them.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub only_here: bool,
}

impl MultiRegion {
    /// Of a key that was just made, or that is older than this row.
    pub fn first(region: Region) -> Self {
        let at = SharedVersion::first(region);
        Self {
            since: at.clone(),
            at,
            replicas: Vec::new(),
            gone: BTreeMap::new(),
            demoting: None,
            refused: None,
            orphans: Vec::new(),
            only_here: false,
        }
    }

    /// Where the primary is.
    pub const fn primary(&self) -> &Region {
        &self.at.primary
    }

    /// The replica in a Region.
    pub fn replica(&self, region: &Region) -> Option<&Replica> {
        self.replicas.iter().find(|replica| replica.region == *region)
    }

    /// Since when the key is in a Region.
    pub fn since_in(&self, region: &Region) -> Option<&SharedVersion> {
        if region == self.primary() {
            return Some(&self.since);
        }
        self.replica(region).map(|replica| &replica.since)
    }

    /// Every Region that has, or shall have, the key: the primary's first.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(self.primary()).chain(self.replicas.iter().map(|replica| &replica.region))
    }

    /// Whether this Region may forget what it has: the primary knows all of it.
    pub const fn owes_nothing(&self) -> bool {
        self.at.version > 0 && self.orphans.is_empty() && !self.only_here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_states_the_newer_one_is_the_same_everywhere() {
        let state = |epoch, primary: &str, version| SharedVersion {
            epoch,
            primary: Region::parse(primary).unwrap(),
            version,
        };
        let states = [
            state(1, "us-east-1", 1),
            state(1, "us-east-1", 9),
            // Forced in the same epoch.
            state(2, "eu-west-1", 1),
            state(2, "eu-west-1", 5),
            state(2, "us-east-1", 0),
            state(3, "ap-south-1", 1),
        ];
        assert!(states.is_sorted_by(|one, next| one < next));
        let [first, ..] = &states;
        assert_eq!(first.next(), state(1, "us-east-1", 2));
        assert_eq!(first.promoted(Region::parse("eu-west-1").unwrap()), state(2, "eu-west-1", 1));
        assert!(first.heard() < *first);
    }
}
