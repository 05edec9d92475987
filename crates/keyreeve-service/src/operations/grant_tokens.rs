//! `GrantTokens`: the same on every operation that a grant can permit.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/using-grant-token.html>

use keyreeve_model::error::KmsError;

use crate::desk::Desk;
use crate::input::Input;

/// Opens the tokens. Those that do not help are ignored, as on AWS: here no grant needs its token.
///
/// # Errors
/// [`KmsError::InvalidGrantToken`] for one that was never issued.
pub(super) fn check(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<(), KmsError> {
    input
        .texts("GrantTokens")
        .iter()
        .try_for_each(|token| desk.service.keys.open_grant_token(token).map(drop))
}
