//! `PolicyName`: `default` is the only one; `AWS_RAM` belongs to the RAM service.

use keyreeve_model::error::{Invalid, KmsError};

use crate::input::Input;

/// The name of every key's policy.
pub(super) const DEFAULT: &str = "default";

/// Refuses other names.
pub(super) fn check(input: &mut Input<'_>) -> Result<(), KmsError> {
    match input.text("PolicyName").as_deref() {
        None | Some(DEFAULT) => Ok(()),
        Some("AWS_RAM") => Err(KmsError::Invalid(Invalid::RamPolicy)),
        Some(_) => Err(KmsError::Invalid(Invalid::PolicyName)),
    }
}
