//! How long sessions last.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;

/// Seconds of a role's session when nobody says, and the most where one role assumes another.
const HOUR_S: i64 = 3_600;

/// Seconds that a role's session shall last.
///
/// # Errors
/// ValidationError: longer than the role allows, or than a chain may last.
pub(super) fn of_role(asked: Option<i64>, role_max: u32, chained: bool) -> Result<i64, KmsError> {
    let seconds = asked.unwrap_or(HOUR_S);
    if chained && seconds > HOUR_S {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if seconds > i64::from(role_max) {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

fn invalid(text: &str) -> KmsError {
    KmsError::Iam(IamError::ValidationError(text.to_owned()))
}
