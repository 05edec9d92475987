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
}
