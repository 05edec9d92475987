//! What an answer counts as in the metrics.

use keyreeve_model::error::{Blame, KmsError};

use crate::observe::Outcome;

/// The outcome of a call.
pub(super) fn of(result: &Result<Vec<u8>, KmsError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(KmsError::AccessDenied(_)) => Outcome::Denied,
        Err(error) if error.wire().blame == Blame::Server => Outcome::Failed,
        Err(_) => Outcome::Rejected,
    }
}
