//! What is kept about a key beside its material: one row, so that state, policy and tags change together.
//! No secret is in it.

use std::collections::BTreeMap;

use crate::algorithm::{KeyManager, KeyUsage, Origin};
use crate::arn::KeyArn;
use crate::key_spec::KeySpec;
use crate::key_state::KeyState;
use crate::material_id::MaterialId;
use crate::tag::Tags;
use crate::timestamp::Timestamp;

/// The row of a key.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct KeyRecord {
    /// What kind of key it is.
    pub spec: KeySpec,
    /// What it may be used for; never changes.
    pub usage: KeyUsage,
    /// Where its material comes from; never changes.
    pub origin: Origin,
    /// Customer, or AWS for the managed keys of services.
    pub manager: KeyManager,
    /// When CreateKey ran.
    pub created: Timestamp,
    /// Free text, at most 8,192 characters.
    pub description: String,
    /// Present state.
    pub state: KeyState,
    /// When the key will be deleted; in PendingDeletion only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deletion: Option<Timestamp>,
    /// The key policy, as it was put.
    pub policy: String,
    /// Unique ids that the ARNs of users and roles in the policy had when it was put: a later namesake is somebody else.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub policy_pins: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
    /// Whether material is present: false until an EXTERNAL key's material was imported.
    pub has_material: bool,
    /// Id of the material that encrypts; absent until a symmetric key has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub current_material: Option<MaterialId>,
}

impl KeyRecord {
    /// Whether the waiting period of a scheduled deletion has passed: such a key no longer exists for anyone.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.state == KeyState::PendingDeletion && self.deletion.is_some_and(|date| date <= now)
    }
}

/// Where a symmetric or asymmetric key's material is stored relative to its key; asymmetric keys have just one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MaterialSlot {
    /// The key.
    pub key: KeyArn,
    /// Which of its materials; `None` for keys that have one for life (HMAC, asymmetric).
    pub material: Option<MaterialId>,
}
