//! Roles.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html>

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::entity::{Attachments, Entity, Naming, Noun, PolicyHolder};
use super::unique_id::IdKind;

/// The row of a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) naming: Naming,
    #[serde(default)]
    pub(crate) attachments: Attachments,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Seconds, 3600 to 43200.
    pub(crate) max_session_duration: u32,
    /// The trust policy, as it was put.
    pub(crate) trust: String,
    /// Unique ids that the ARNs of its principals had when it was put.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) trust_pins: BTreeMap<String, String>,
    /// Names of the instance profiles that it is in.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) instance_profiles: BTreeSet<String>,
    /// The service that this role acts as, when an operator registered it as one: `s3.eu-central-1.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
}

/// Most characters of a trust policy, white space not counted.
/// AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const TRUST_CHARACTERS_MAX: usize = 2_048;
/// What the paths of service-linked roles begin with: only the service may change such a role.
pub(crate) const SERVICE_LINKED_PATH: &str = "/aws-service-role/";

impl Entity for Role {
    const NOUN: Noun = Noun { segment: "role", title: "Role", id: IdKind::Role, quota: 1_000 };

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn naming_mut(&mut self) -> &mut Naming {
        &mut self.naming
    }
}

impl PolicyHolder for Role {
    const INLINE_CHARACTERS_MAX: usize = 10_240;

    fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    fn attachments_mut(&mut self) -> &mut Attachments {
        &mut self.attachments
    }
}
