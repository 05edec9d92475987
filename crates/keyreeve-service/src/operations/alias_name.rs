//! `AliasName` and `TargetKeyId` of the alias operations.

use keyreeve_model::alias::{AliasName, AliasNameError};
use keyreeve_model::arn::{AliasArn, KeyRef};
use keyreeve_model::error::{Invalid, KmsError};

use crate::desk::Desk;
use crate::input::Input;

/// The alias, in the caller's account and Region.
pub(super) fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<AliasArn, KmsError> {
    let text = input.required_text("AliasName")?;
    let name = AliasName::parse(&text).map_err(|error| match error {
        AliasNameError::NoPrefix => KmsError::Invalid(Invalid::AliasPrefix),
        AliasNameError::InvalidCharacters => KmsError::InvalidAliasName(text),
    })?;
    if name.is_reserved() { Err(KmsError::ReservedAlias) } else { Ok(desk.alias_arn(name)) }
}

/// The key that the alias shall point to; the gatehouse refuses an alias in its place.
pub(super) fn target(input: &mut Input<'_>) -> Result<KeyRef, KmsError> {
    input.required_key_ref("TargetKeyId")
}
