//! Key states, and which operations a state allows: a table, never branches.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>, corrected by captures of 2026-09.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// The eight states (`KeyState`).
    KeyState {
        Creating = "Creating",
        Enabled = "Enabled",
        Disabled = "Disabled",
        PendingDeletion = "PendingDeletion",
        PendingImport = "PendingImport",
        PendingReplicaDeletion = "PendingReplicaDeletion",
        Unavailable = "Unavailable",
        Updating = "Updating",
    }
}

use KeyState::{
    Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion, Unavailable,
    Updating,
};

/// The states in which a group of operations is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateRule {
    /// Reads, policies, aliases' deletion: any state.
    Any,
    /// Use of the material.
    Crypto,
    /// CreateGrant: also while the key store is away.
    Grant,
    /// GetPublicKey: also while Disabled (capture of 2026-09; the guide says otherwise).
    PublicKey,
    /// EnableKeyRotation and DisableKeyRotation: what they cannot rotate says so itself, also while it waits for material.
    Rotation,
    /// Everything but the two deletion states.
    NotDeleting,
    /// ReplicateKey.
    Replicate,
    /// EnableKey and DisableKey.
    Toggle,
    /// ScheduleKeyDeletion.
    Schedule,
    /// CancelKeyDeletion.
    Cancel,
    /// GetParametersForImport.
    ImportParameters,
    /// ImportKeyMaterial: also while its primary Region is being changed.
    Import,
    /// DeleteImportedKeyMaterial: also while the key waits for its deletion.
    DeleteMaterial,
}

impl StateRule {
    /// The allowed states.
    pub const fn allowed(self) -> &'static [KeyState] {
        match self {
            Self::Any => KeyState::ALL,
            Self::Crypto => &[Enabled, Updating],
            Self::Grant => &[Enabled, Unavailable, Updating],
            Self::PublicKey => &[Enabled, Disabled, Updating],
            Self::Rotation => &[Enabled, PendingImport, Unavailable, Updating],
            Self::NotDeleting => &[Creating, Enabled, Disabled, PendingImport, Unavailable, Updating],
            Self::Replicate => &[Enabled],
            Self::Toggle => &[Enabled, Disabled, Unavailable],
            Self::Schedule => &[Creating, Enabled, Disabled, PendingImport, Unavailable],
            Self::Cancel => &[PendingDeletion, PendingReplicaDeletion],
            Self::ImportParameters => &[Enabled, Disabled, PendingImport],
            Self::Import => &[Enabled, Disabled, PendingImport, Updating],
            Self::DeleteMaterial => {
                &[Enabled, Disabled, PendingDeletion, PendingReplicaDeletion, PendingImport]
            }
        }
    }

    /// Whether a key in this state may be used, or why not.
    ///
    /// # Errors
    /// The reason, as AWS words it.
    pub fn check(self, state: KeyState) -> Result<(), StateRefusal> {
        if self.allowed().contains(&state) {
            return Ok(());
        }
        Err(match (self, state) {
            (Self::Cancel, _) => StateRefusal::NotPendingDeletion,
            (_, Disabled) => StateRefusal::Disabled,
            (_, PendingDeletion) => StateRefusal::PendingDeletion,
            (_, PendingReplicaDeletion) => StateRefusal::PendingReplicaDeletion,
            (_, PendingImport) => StateRefusal::PendingImport,
            (_, Unavailable) => StateRefusal::Unavailable,
            (_, Creating) => StateRefusal::Creating,
            (_, Updating | Enabled) => StateRefusal::Updating,
        })
    }
}

/// Why a state refuses an operation; `Disabled` has an exception of its own, the others share KMSInvalidStateException.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateRefusal {
    /// DisabledException.
    Disabled,
    /// Scheduled for deletion.
    PendingDeletion,
    /// A primary whose replicas must go first.
    PendingReplicaDeletion,
    /// No material yet, or no longer.
    PendingImport,
    /// Its key store is not connected.
    Unavailable,
    /// A replica that is being made.
    Creating,
    /// Its primary Region is being changed.
    Updating,
    /// CancelKeyDeletion of a key that is not being deleted.
    NotPendingDeletion,
}

impl StateRefusal {
    /// What follows the key ARN in the message.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Disabled => "is disabled.",
            Self::PendingDeletion => "is pending deletion.",
            Self::PendingReplicaDeletion => "is pending replica deletion.",
            Self::PendingImport => "is pending import.",
            Self::Unavailable => "is unavailable.",
            Self::Creating => "is creating.",
            Self::Updating => "is updating.",
            Self::NotPendingDeletion => "is not pending deletion.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_decides_every_state() {
        use StateRefusal as R;
        let rows: &[(KeyState, [Option<R>; 8])] = &[
            // state: crypto, grant, public key, rotation, not deleting, toggle, schedule, cancel
            (Enabled, [None, None, None, None, None, None, None, Some(R::NotPendingDeletion)]),
            (
                Disabled,
                [
                    Some(R::Disabled),
                    Some(R::Disabled),
                    None,
                    Some(R::Disabled),
                    None,
                    None,
                    None,
                    Some(R::NotPendingDeletion),
                ],
            ),
            (PendingDeletion, [Some(R::PendingDeletion); 8].map_last(None)),
            (PendingReplicaDeletion, [Some(R::PendingReplicaDeletion); 8].map_last(None)),
            (
                PendingImport,
                [
                    Some(R::PendingImport),
                    Some(R::PendingImport),
                    Some(R::PendingImport),
                    None,
                    None,
                    Some(R::PendingImport),
                    None,
                    Some(R::NotPendingDeletion),
                ],
            ),
            (
                Unavailable,
                [
                    Some(R::Unavailable),
                    None,
                    Some(R::Unavailable),
                    None,
                    None,
                    None,
                    None,
                    Some(R::NotPendingDeletion),
                ],
            ),
            (
                Creating,
                [
                    Some(R::Creating),
                    Some(R::Creating),
                    Some(R::Creating),
                    Some(R::Creating),
                    None,
                    Some(R::Creating),
                    None,
                    Some(R::NotPendingDeletion),
                ],
            ),
            (
                Updating,
                [
                    None,
                    None,
                    None,
                    None,
                    None,
                    Some(R::Updating),
                    Some(R::Updating),
                    Some(R::NotPendingDeletion),
                ],
            ),
        ];
        assert_eq!(rows.len(), KeyState::ALL.len());
        let rules = [
            StateRule::Crypto,
            StateRule::Grant,
            StateRule::PublicKey,
            StateRule::Rotation,
            StateRule::NotDeleting,
            StateRule::Toggle,
            StateRule::Schedule,
            StateRule::Cancel,
        ];
        for (state, expected) in rows {
            assert_eq!(StateRule::Any.check(*state), Ok(()));
            for (rule, refusal) in rules.iter().zip(expected) {
                assert_eq!(rule.check(*state).err(), *refusal, "{rule:?} {state}");
            }
        }
    }

    #[test]
    fn imports_follow_their_rows_of_the_guide() {
        use StateRefusal as R;
        for (state, parameters, import, delete) in [
            (Enabled, None, None, None),
            (Disabled, None, None, None),
            (PendingImport, None, None, None),
            (PendingDeletion, Some(R::PendingDeletion), Some(R::PendingDeletion), None),
            (PendingReplicaDeletion, Some(R::PendingReplicaDeletion), Some(R::PendingReplicaDeletion), None),
            (Unavailable, Some(R::Unavailable), Some(R::Unavailable), Some(R::Unavailable)),
            (Creating, Some(R::Creating), Some(R::Creating), Some(R::Creating)),
            (Updating, Some(R::Updating), None, Some(R::Updating)),
        ] {
            let rules = [StateRule::ImportParameters, StateRule::Import, StateRule::DeleteMaterial];
            let refusals = rules.map(|rule| rule.check(state).err());
            assert_eq!(refusals, [parameters, import, delete], "{state}");
        }
    }

    #[test]
    fn only_an_enabled_key_is_replicated() {
        for state in KeyState::ALL {
            let refusal = StateRule::Replicate.check(*state).err();
            assert_eq!(refusal.is_none(), *state == Enabled, "{state}");
        }
        assert_eq!(StateRule::Replicate.check(Updating), Err(StateRefusal::Updating));
    }

    trait MapLast {
        fn map_last(self, last: Option<StateRefusal>) -> Self;
    }
    impl MapLast for [Option<StateRefusal>; 8] {
        fn map_last(mut self, last: Option<StateRefusal>) -> Self {
            self[7] = last;
            self
        }
    }
}
