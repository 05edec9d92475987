//! Customer managed policies and their versions.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>

use std::collections::{BTreeMap, BTreeSet};

use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::entity::{Entity, Naming, Noun};
use super::unique_id::IdKind;

/// The row of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) naming: Naming,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) updated: Timestamp,
    /// Number of the version in force.
    pub(crate) default_version: u32,
    /// At most five; numbers are never used again.
    pub(crate) versions: BTreeMap<u32, PolicyVersion>,
    pub(crate) next_version: u32,
    /// Entities that it is attached to, as `user/<name>`, `role/<name>`, `group/<name>`.
    #[serde(default)]
    pub(crate) attached_to: BTreeSet<String>,
    /// Entities whose permissions boundary it is, in the same form.
    #[serde(default)]
    pub(crate) boundary_of: BTreeSet<String>,
}

/// One version of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    pub(crate) document: String,
    pub(crate) created: Timestamp,
}

/// Most versions of a policy.
pub(crate) const VERSIONS_MAX: usize = 5;
/// Most characters of a document, white space not counted.
pub(crate) const DOCUMENT_CHARACTERS_MAX: usize = 6_144;

impl ManagedPolicy {
    /// The document in force.
    pub(crate) fn document(&self) -> Option<&str> {
        self.versions.get(&self.default_version).map(|version| version.document.as_str())
    }
}

impl Entity for ManagedPolicy {
    const NOUN: Noun = Noun { segment: "policy", title: "Policy", id: IdKind::ManagedPolicy, quota: 1_500 };

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn naming_mut(&mut self) -> &mut Naming {
        &mut self.naming
    }
}
