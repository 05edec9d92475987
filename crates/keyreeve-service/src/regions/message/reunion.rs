//! `Reunion`: what Regions tell each other first when they meet, or meet again: whose word counts.

use keyreeve_model::multi_region::SharedVersion;
use serde::{Deserialize, Serialize};

use super::keys::KeyOfAll;
use crate::regions::HomeTerm;

/// What the asker believes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reunion {
    /// The newest home of the identities that it knows of; absent before the first home was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<HomeTerm>,
    /// Keys that the asked Region has too, as far as the asker knows. A long list comes in several messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyTerm>,
}

/// What the asked Region knows better.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reunited {
    /// The newest home of the identities that it knows of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<HomeTerm>,
    /// Of the keys asked about those that have another primary in a higher term.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub newer: Vec<KeyTerm>,
}

/// A key, and how new what somebody knows of it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTerm {
    /// The key.
    pub key: KeyOfAll,
    /// The newest that is known.
    pub at: SharedVersion,
}
