//! Rotation of a key's material: its schedule, its kinds, and the history that it leaves.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html>

use crate::material_id::MaterialId;
use crate::timestamp::{DAY_MILLIS, Timestamp};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// Why a key was rotated (`RotationType`).
    RotationType {
        Automatic = "AUTOMATIC",
        OnDemand = "ON_DEMAND",
    }
}

wire_enum! {
    /// What a material is to its key (`KeyMaterialState`).
    KeyMaterialState {
        NonCurrent = "NON_CURRENT",
        Current = "CURRENT",
        PendingRotation = "PENDING_ROTATION",
        PendingMultiRegionImportAndRotation = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
    }
}

wire_enum! {
    /// Which materials ListKeyRotations lists (`IncludeKeyMaterial`).
    IncludeKeyMaterial {
        AllKeyMaterial = "ALL_KEY_MATERIAL",
        RotationsOnly = "ROTATIONS_ONLY",
    }
}

/// Automatic rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct RotationSchedule {
    /// Days between rotations, 90 to 2,560.
    pub period_days: u16,
    /// When the next one is due.
    pub next: Timestamp,
}

impl RotationSchedule {
    /// One that begins now.
    pub const fn starting(period_days: u16, now: Timestamp) -> Self {
        Self { period_days, next: now.plus_days(period_days as i64) }
    }

    /// What follows a rotation that was done now. One that was late by less than a day keeps the beat; whatever was
    /// missed is not made up for.
    #[must_use]
    pub const fn after_rotation(self, now: Timestamp) -> Self {
        let late = now.as_millis().saturating_sub(self.next.as_millis());
        let from = if late < DAY_MILLIS { self.next } else { now };
        Self::starting(self.period_days, from)
    }
}

/// Rotations on demand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct OnDemandRotation {
    /// How many were asked for since the key was made.
    pub count: u16,
    /// When the one that is under way was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started: Option<Timestamp>,
}

impl OnDemandRotation {
    /// Whether none was ever asked for.
    pub const fn is_unused(&self) -> bool {
        self.count == 0 && self.started.is_none()
    }
}

/// One material of a symmetric key, or the only one of an imported key of another spec. Which one is current or pending
/// is said in the key's own row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct MaterialEntry {
    /// Its id; `None` for the only material of a key whose materials have no ids.
    pub id: Option<MaterialId>,
    /// When it was generated, or imported first.
    pub created: Timestamp,
    /// When and why it became current; `None` for the first material, and for one that is pending.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotated: Option<(Timestamp, RotationType)>,
    /// What is known of an imported one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub imported: Option<ImportedMaterial>,
}

/// What an import said of a material.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct ImportedMaterial {
    /// Whether its bytes are here now: not after it expired or was deleted.
    pub present: bool,
    /// When it expires; `None` for never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub valid_to: Option<Timestamp>,
    /// `KeyMaterialDescription`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// Tells whether other bytes are the same material, for specs whose materials have no ids: 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fingerprint: Option<String>,
}

/// The materials of a key, oldest first. Absent for a key that was never rotated and not imported.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct MaterialHistory(pub Vec<MaterialEntry>);

impl MaterialHistory {
    /// The entry of a material.
    pub fn find(&self, id: Option<&MaterialId>) -> Option<&MaterialEntry> {
        self.0.iter().find(|entry| entry.id.as_ref() == id)
    }

    /// The entry of a material, to be changed.
    pub fn find_mut(&mut self, id: Option<&MaterialId>) -> Option<&mut MaterialEntry> {
        self.0.iter_mut().find(|entry| entry.id.as_ref() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_rotation_keeps_the_beat_for_a_day_and_then_begins_anew() {
        let start = Timestamp::from_millis(1_790_000_000_000);
        let schedule = RotationSchedule::starting(90, start);
        assert_eq!(schedule.next, start.plus_days(90));
        for (late_seconds, next) in [
            (0, start.plus_days(180)),
            (1, start.plus_days(180)),
            (86_399, start.plus_days(180)),
            (86_400, start.plus_days(181)),
            (86_400 * 1000, start.plus_days(1180)),
        ] {
            let after = schedule.after_rotation(schedule.next.plus_seconds(late_seconds));
            assert_eq!((after.period_days, after.next), (90, next), "{late_seconds}");
        }
    }
}
