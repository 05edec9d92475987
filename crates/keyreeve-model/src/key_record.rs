//! What is kept about a key beside its material: one row, so that state, policy and tags change together.
//! No secret is in it.

use std::collections::BTreeMap;

use crate::algorithm::{KeyManager, KeyUsage, Origin};
use crate::arn::KeyArn;
use crate::key_spec::KeySpec;
use crate::key_state::KeyState;
use crate::material_id::MaterialId;
use crate::multi_region::MultiRegion;
use crate::region::Region;
use crate::rotation::{KeyMaterialState, OnDemandRotation, RotationSchedule, RotationType};
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
    /// Whether every material that the key cannot be without is present: false until an EXTERNAL key's was imported,
    /// and again once one of them expired or was deleted.
    pub has_material: bool,
    /// Id of the material that encrypts; absent until a symmetric key has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub current_material: Option<MaterialId>,
    /// Id of the material that the next rotation makes current: imported ahead of it, or on its way to replicas.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pending_material: Option<MaterialId>,
    /// When the first of the imported materials that are here and that the key cannot be without expires; then the key
    /// is PendingImport. A material that waits for its rotation does not count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub material_expiry: Option<Timestamp>,
    /// Automatic rotation, while it is enabled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotation: Option<RotationSchedule>,
    /// Rotations on demand: how many there were, and the one that was asked for.
    #[serde(skip_serializing_if = "OnDemandRotation::is_unused", default)]
    pub on_demand: OnDemandRotation,
    /// Days that a primary waits once its last replica is gone; in PendingReplicaDeletion only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pending_window_days: Option<u16>,
    /// Its Regions; present for multi-Region keys, but for those of the first versions, which are primaries.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub multi_region: Option<MultiRegion>,
    /// Epoch of the domain keys when the key was made: none of its materials was ever wrapped under an older one.
    /// Absent for keys of the first versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_domain_epoch: Option<u32>,
}

/// What time makes due of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Its waiting period has passed: it goes.
    Deletion,
    /// An imported material has expired.
    MaterialExpiry,
    /// It gets new material.
    Rotation(RotationType),
}

impl KeyRecord {
    /// A customer's key that was just made, without material, description, policy or tags.
    pub const fn new(spec: KeySpec, usage: KeyUsage, origin: Origin, created: Timestamp) -> Self {
        Self {
            spec,
            usage,
            origin,
            manager: KeyManager::Customer,
            created,
            description: String::new(),
            state: KeyState::PendingImport,
            deletion: None,
            policy: String::new(),
            policy_pins: BTreeMap::new(),
            tags: Tags::new(),
            has_material: false,
            current_material: None,
            pending_material: None,
            material_expiry: None,
            rotation: None,
            on_demand: OnDemandRotation { count: 0, started: None },
            pending_window_days: None,
            multi_region: None,
            first_domain_epoch: None,
        }
    }

    /// Whether the waiting period of a scheduled deletion has passed: such a key no longer exists for anyone.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.state == KeyState::PendingDeletion && self.deletion.is_some_and(|date| date <= now)
    }

    /// The state in which the key is for everybody at this time: that of its row, and PendingImport from the moment when
    /// an imported material expired, also before its row says so.
    pub fn state_at(&self, now: Timestamp) -> KeyState {
        let used = matches!(self.state, KeyState::Enabled | KeyState::Disabled | KeyState::Updating);
        let lacks_material = self.origin == Origin::External && !self.is_complete_at(now);
        if used && lacks_material { KeyState::PendingImport } else { self.state }
    }

    /// Whether the key has its material at this time: what is not here, or has expired, must be imported again.
    pub fn is_complete_at(&self, now: Timestamp) -> bool {
        self.has_material && !self.has_expired_material(now)
    }

    fn has_expired_material(&self, now: Timestamp) -> bool {
        self.material_expiry.is_some_and(|date| date <= now)
    }

    /// Whether the key is a replica of the primary in another Region.
    pub fn is_replica_in(&self, region: &Region) -> bool {
        self.multi_region.as_ref().is_some_and(|regions| *regions.primary() != *region)
    }

    /// Whether the key has, or shall have, a primary and a replica.
    pub fn has_replicas(&self) -> bool {
        self.multi_region.as_ref().is_some_and(|regions| !regions.replicas.is_empty())
    }

    /// What a material is to the key.
    pub fn material_state(&self, id: &MaterialId) -> KeyMaterialState {
        if self.current_material.as_ref() == Some(id) {
            KeyMaterialState::Current
        } else if self.pending_material.as_ref() == Some(id) {
            KeyMaterialState::PendingRotation
        } else {
            KeyMaterialState::NonCurrent
        }
    }

    /// What time makes due of the key in this Region next, and when. A key that is not Enabled does not rotate by itself:
    /// what it missed is due at once when it is enabled again. Nor does one whose primary is another, or about to be.
    pub fn next_due(&self, region: &Region) -> Option<(Timestamp, Due)> {
        let decides = self
            .multi_region
            .as_ref()
            .is_none_or(|regions| regions.primary() == region && regions.demoting.is_none());
        let rotates = decides && matches!(self.state, KeyState::Enabled | KeyState::Updating);
        let on_demand = self.on_demand.started.map(|at| (at, Due::Rotation(RotationType::OnDemand)));
        let automatic = self.rotation.map(|schedule| (schedule.next, Due::Rotation(RotationType::Automatic)));
        let deletion = self.deletion.filter(|_| self.state == KeyState::PendingDeletion);
        [
            deletion.map(|date| (date, Due::Deletion)),
            self.material_expiry.map(|date| (date, Due::MaterialExpiry)),
            on_demand.filter(|_| rotates),
            automatic.filter(|_| rotates),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(when, _)| *when)
    }
}

/// Where one of a key's materials is stored; HMAC and asymmetric keys have just one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MaterialSlot {
    /// The key.
    pub key: KeyArn,
    /// Which of its materials; `None` for keys that have one for life (HMAC, asymmetric).
    pub material: Option<MaterialId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multi_region::Demotion;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    #[test]
    fn a_key_is_pending_import_from_the_moment_when_a_material_expires() {
        use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion, Updating};
        let before = Timestamp::from_millis(NOW.as_millis() - 1);
        for (state, then) in [
            (Enabled, PendingImport),
            (Disabled, PendingImport),
            (Updating, PendingImport),
            (PendingImport, PendingImport),
            (PendingDeletion, PendingDeletion),
            (PendingReplicaDeletion, PendingReplicaDeletion),
        ] {
            let record = KeyRecord {
                state,
                has_material: true,
                material_expiry: Some(NOW),
                ..KeyRecord::new(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, Origin::External, NOW)
            };
            assert_eq!([record.state_at(before), record.state_at(NOW)], [state, then]);
            assert_eq!([record.is_complete_at(before), record.is_complete_at(NOW)], [true, false]);
        }
    }

    #[test]
    fn what_is_due_next_depends_on_the_state() {
        use KeyState::{Disabled, Enabled, PendingDeletion, PendingReplicaDeletion, Updating};
        let automatic = Some((NOW.plus_days(2), Due::Rotation(RotationType::Automatic)));
        let on_demand = Some((NOW, Due::Rotation(RotationType::OnDemand)));
        let expiry = Some((NOW.plus_days(3), Due::MaterialExpiry));
        let deletion = Some((NOW.plus_days(1), Due::Deletion));
        for (state, with_on_demand, expected) in [
            (Enabled, false, automatic),
            (Enabled, true, on_demand),
            (Updating, true, on_demand),
            (Disabled, true, expiry),
            (PendingReplicaDeletion, true, expiry),
            (PendingDeletion, true, deletion),
        ] {
            let created =
                KeyRecord::new(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, Origin::AwsKms, NOW);
            let record = KeyRecord {
                state,
                deletion: Some(NOW.plus_days(1)),
                rotation: Some(RotationSchedule { period_days: 90, next: NOW.plus_days(2) }),
                material_expiry: Some(NOW.plus_days(3)),
                on_demand: OnDemandRotation { count: 1, started: with_on_demand.then_some(NOW) },
                ..created.clone()
            };
            let region = Region::parse("eu-west-1").unwrap();
            assert_eq!(record.next_due(&region), expected, "{state}");
            assert_eq!(created.next_due(&region), None);
        }
    }

    #[test]
    fn a_rotation_is_due_only_where_the_key_is_primary_and_stays_so() {
        let [here, there] = ["eu-west-1", "us-east-1"].map(|name| Region::parse(name).unwrap());
        let automatic = Some((NOW, Due::Rotation(RotationType::Automatic)));
        let expiry = Some((NOW.plus_days(3), Due::MaterialExpiry));
        let regions = MultiRegion::first(here.clone());
        for (demoting, region, expected) in
            [(false, &here, automatic), (true, &here, expiry), (false, &there, expiry)]
        {
            let demoting = demoting.then(|| Demotion { to: there.clone(), epoch: 2 });
            let record = KeyRecord {
                state: KeyState::Enabled,
                rotation: Some(RotationSchedule { period_days: 90, next: NOW }),
                material_expiry: Some(NOW.plus_days(3)),
                multi_region: Some(MultiRegion { demoting, ..regions.clone() }),
                ..KeyRecord::new(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, Origin::External, NOW)
            };
            assert_eq!(record.next_due(region), expected, "{region}");
        }
    }
}
