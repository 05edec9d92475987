//! `AliasName` and `TargetKeyId` of the alias operations.

use keyreeve_model::alias::{AliasName, AliasNameError};
use keyreeve_model::arn::{AliasArn, KeyRef};
use keyreeve_model::error::{Invalid, KmsError};

use crate::desk::Desk;
use crate::input::Input;

/// An alias that is to be made, in the caller's account and Region.
pub(super) fn parse_new(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<AliasArn, KmsError> {
    parse(input, desk, KmsError::InvalidAliasName)
}

/// An alias that is there already. AWS declares InvalidAliasNameException for CreateAlias only: for the others, a name
/// that no alias can have is one that does not exist.
pub(super) fn parse_existing(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<AliasArn, KmsError> {
    parse(input, desk, KmsError::InvalidKeyId)
}

fn parse(
    input: &mut Input<'_>,
    desk: &Desk<'_>,
    invalid: fn(String) -> KmsError,
) -> Result<AliasArn, KmsError> {
    let text = input.required_text("AliasName")?;
    let name = AliasName::parse(&text).map_err(|error| match error {
        AliasNameError::NoPrefix => KmsError::Invalid(Invalid::AliasPrefix),
        AliasNameError::InvalidCharacters => invalid(text),
    })?;
    if name.is_reserved() { Err(KmsError::ReservedAlias) } else { Ok(desk.alias_arn(name)) }
}

/// The key that the alias shall point to; the gatehouse refuses an alias in its place.
pub(super) fn target(input: &mut Input<'_>) -> Result<KeyRef, KmsError> {
    input.required_key_ref("TargetKeyId")
}
