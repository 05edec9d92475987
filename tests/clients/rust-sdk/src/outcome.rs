//! How a check ends: well, or with a text that says what was asked and what came instead.

use std::{error::Error, fmt::Debug};

use aws_sdk_kms::error::{DisplayErrorContext, SdkError};

/// What a check returns. The SDK's own errors pass through it whole.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Both must be equal; `what` says what they are.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?} instead of {wanted:?}").into()) }
}

/// `holds` must be true; `what` says what was hoped for.
pub(crate) fn holds(what: &str, holds: bool) -> Outcome {
    if holds { Ok(()) } else { Err(format!("not so: {what}").into()) }
}

/// A member that the SDK has as an `Option` and that the service must send.
pub(crate) fn sent<T>(member: &str, found: Option<T>) -> Outcome<T> {
    found.ok_or_else(|| format!("the answer has no {member}").into())
}

/// The call must be refused by the service, with an error that the SDK could read as one of the operation's own.
pub(crate) fn refusal<T: Debug, E: Error + 'static>(
    what: &str,
    result: Result<T, SdkError<E>>,
) -> Outcome<E> {
    match result {
        Ok(answer) => Err(format!("{what}: not refused but answered with {answer:?}").into()),
        Err(SdkError::ServiceError(refused)) => Ok(refused.into_err()),
        Err(other) => {
            Err(format!("{what}: no answer of the service: {}", DisplayErrorContext(&other)).into())
        }
    }
}

/// Puts the subject in front of an error, and behind it everything that the SDK knows of it.
pub(crate) fn within(subject: &str) -> impl FnOnce(Box<dyn Error>) -> Box<dyn Error> {
    move |error| format!("{subject}: {}", DisplayErrorContext(&*error)).into()
}
