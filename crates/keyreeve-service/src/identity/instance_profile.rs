//! Instance profiles: a role under another name. Nothing here runs on instances; tools make them beside their roles.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html>

use serde::{Deserialize, Serialize};

use super::entity::{Entity, Naming, Noun};
use super::unique_id::IdKind;

/// The row of an instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    pub(crate) naming: Naming,
    /// Name of its role: it has one at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
}

impl Entity for InstanceProfile {
    const NOUN: Noun = Noun {
        segment: "instance-profile",
        title: "InstanceProfile",
        id: IdKind::InstanceProfile,
        quota: 1_000,
    };

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn naming_mut(&mut self) -> &mut Naming {
        &mut self.naming
    }
}
