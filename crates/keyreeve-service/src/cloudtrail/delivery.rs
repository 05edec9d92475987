//! How far a trail's delivery has come: one row a trail. The server writes it in an order that loses and doubles nothing:
//! first what is about to be delivered, with its name; then the objects are put; then that they are.

use std::collections::BTreeMap;

use keyreeve_audit::Place;
use keyreeve_audit::delivery::{DeliveredLog, PreviousDigest};
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::trail::{Run, Trail};

/// The row of a delivery. It outlives its trail until everything up to the end was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The trail as it was when this row was last written: a deleted one delivers the rest as this says.
    pub trail: Trail,
    /// The run of the trail that is delivered.
    pub run: Run,
    /// When the trail was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Timestamp>,
    /// The newest frame of the log that was delivered, or was not for this trail.
    pub cursor: Place,
    /// What is being delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// The chain of digests of each Region, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub chains: BTreeMap<String, Chain>,
    /// Whether everything of the run was delivered, and its digests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
    /// When the newest digest ended: names of digests hold it, so that no two chains share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_digest_end: Option<Timestamp>,
    /// What GetTrailStatus tells.
    #[serde(default)]
    pub status: DeliveryStatus,
}

/// A chain of digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// When the present hour began.
    pub start: Timestamp,
    /// When it ends, and its digest is delivered.
    pub end: Timestamp,
    /// The digest of the hour before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousDigest>,
    /// Log files that were delivered in the present hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<DeliveredLog>,
}

/// What is being delivered: fixed before it is put, so that putting it once more changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pending {
    /// The records up to a frame.
    Logs {
        /// That frame.
        upto: Place,
        /// Not those after this time: when logging ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// One file a Region.
        files: Vec<PendingLog>,
    },
    /// The digest of a Region.
    Digest {
        /// The Region.
        region: String,
        /// Its bucket.
        bucket: String,
        /// Its name.
        object: String,
        /// When its hour ends.
        end: Timestamp,
        /// Whether it is the last of its chain.
        last: bool,
    },
}

/// A log file that is being delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLog {
    /// The Region of its records.
    pub region: String,
    /// Its bucket.
    pub bucket: String,
    /// Its name.
    pub object: String,
}

/// What GetTrailStatus tells of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryStatus {
    /// When a log file was delivered for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Timestamp>,
    /// Why the last try failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When a delivery was tried for the last time, with success or without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Timestamp>,
    /// When a digest was delivered for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_delivered: Option<Timestamp>,
    /// Why the last try of a digest failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_error: Option<String>,
}

impl Delivery {
    /// When the run ended, if it did; `trail` is the trail as it is now.
    pub fn ended(&self, trail: Option<&Trail>) -> Option<Timestamp> {
        match (self.deleted, trail) {
            (Some(deleted), _) => Some(deleted),
            (None, Some(trail)) if trail.run.as_ref() == Some(&self.run) => None,
            (None, trail) => Some(trail.and_then(|trail| trail.stopped).unwrap_or(self.run.started)),
        }
    }

    /// The beginning of a run.
    pub fn beginning(trail: Trail, run: Run) -> Self {
        Self {
            cursor: run.after,
            trail,
            run,
            deleted: None,
            pending: None,
            chains: BTreeMap::new(),
            complete: false,
            newest_digest_end: None,
            status: DeliveryStatus::default(),
        }
    }
}
