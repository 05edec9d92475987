//! `Hello`: whether the other Region is there, and what it is.

use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Asks for nothing but an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The Region that answers.
    pub region: Region,
    /// What its clock says.
    pub now: Timestamp,
    /// Version of the software there.
    pub version: String,
    /// How it stands about identities; absent in older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identities: Option<IdentitiesThere>,
}

/// How a Region stands about identities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentitiesThere {
    /// Where it says that they are kept.
    pub home: Region,
    /// In which term of the home.
    pub term: u64,
    /// Why it and the home do not agree now, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Since when they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}
