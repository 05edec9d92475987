//! What the operations on policies ask of users, roles and groups besides their names: they are written once for all
//! three.

use keyreeve_model::error::KmsError;

use super::named::Named;
use super::role::check_modifiable;
use crate::identity::{Group, PolicyHolder, Role, User};

/// A holder of policies that requests name.
pub(crate) trait NamedHolder: Named + PolicyHolder {
    /// Most managed policies that are attached to one.
    /// AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    const ATTACHED_MAX: usize = 10;

    /// Refuses changes of what only a service may change.
    ///
    /// # Errors
    /// UnmodifiableEntity.
    fn check_modifiable(&self) -> Result<(), KmsError> {
        Ok(())
    }
}

impl NamedHolder for User {}

impl NamedHolder for Group {}

impl NamedHolder for Role {
    fn check_modifiable(&self) -> Result<(), KmsError> {
        check_modifiable(self)
    }
}
