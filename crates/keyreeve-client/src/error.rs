//! Why a call failed, and whether the next one can do better.

use std::fmt;

use keyreeve_sigv4::SignError;

/// What an endpoint refused with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The operation that was asked for.
    pub operation: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The error's type, such as `AccessDeniedException`; empty when the answer names none.
    pub code: String,
    /// Its text, which may be empty.
    pub message: String,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The endpoint refused.
    #[error("{0}")]
    Refused(Refusal),
    /// There was no answer, also after further attempts.
    #[error("{why}{}", advice(.why))]
    Unreachable {
        /// Where and why, in a sentence.
        why: String,
    },
    /// The answer is not that of a KMS.
    #[error(
        "what answers at the endpoint is no KMS: {operation} was answered with status {status} and no JSON"
    )]
    Foreign {
        /// The operation that was asked for.
        operation: &'static str,
        /// HTTP status.
        status: u16,
    },
    /// A member that the operation always answers with is absent, or has another type.
    #[error("the answer to {operation} has no {member}")]
    Incomplete {
        /// The operation.
        operation: &'static str,
        /// The member.
        member: &'static str,
    },
    /// The request cannot be signed.
    #[error("the request cannot be signed: {0}")]
    Unsigned(#[from] SignError),
}

/// What to do about an error's type, where its own text does not say so.
const ADVICE: &[(&str, &str)] = &[
    ("ExpiredTokenException", "get new session credentials and run the command again"),
    ("InvalidSignatureException", "is the secret the one of this access key, and the clock right?"),
    (
        "UnrecognizedClientException",
        "the endpoint does not know this access key: see AWS_ACCESS_KEY_ID or the profile",
    ),
    ("IncompleteSignatureException", "see AWS_ACCESS_KEY_ID and the Region"),
    ("MissingAuthenticationTokenException", "is the endpoint a KMS?"),
    (
        "InvalidClientTokenId",
        "the endpoint does not know this access key: see AWS_ACCESS_KEY_ID or the profile",
    ),
    ("SignatureDoesNotMatch", "is the secret the one of this access key, and the clock right?"),
    ("RequestTimeTooSkewed", "set the clock of this machine"),
];

/// Types that a further attempt may not meet again. AWS: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
const FAULTS: &[&str] = &["DependencyTimeoutException", "KMSInternalException"];

/// The same, of requests that were not looked at.
const THROTTLED: &[&str] = &[
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

fn advice(why: &str) -> &'static str {
    // Not of one that expired, or has another name: rustls says `invalid peer certificate: UnknownIssuer`.
    if why.contains("UnknownIssuer") {
        ": if its certificate is of a private authority, name that authority's file in AWS_CA_BUNDLE"
    } else {
        ""
    }
}

impl Refusal {
    fn advice(&self) -> Option<&'static str> {
        ADVICE.iter().find(|(code, _)| *code == self.code).map(|(_, advice)| *advice)
    }

    fn is_passing(&self) -> bool {
        self.status >= 500 || FAULTS.contains(&self.code.as_str()) || self.is_throttled()
    }

    fn is_throttled(&self) -> bool {
        self.status == 429 || THROTTLED.contains(&self.code.as_str())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => write!(f, "status {}", self.status)?,
            (code, "") => f.write_str(code)?,
            ("", message) => write!(f, "status {}: {message}", self.status)?,
            (code, message) => write!(f, "{code}: {message}")?,
        }
        match self.advice() {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

impl CallError {
    /// The error's type, where the endpoint named one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            Self::Unreachable { .. } | Self::Foreign { .. } | Self::Incomplete { .. } | Self::Unsigned(_) => {
                None
            }
        }
    }

    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_passing(),
            Self::Unreachable { .. } => true,
            Self::Foreign { status, .. } => *status == 429 || *status >= 500,
            Self::Incomplete { .. } | Self::Unsigned(_) => false,
        }
    }

    /// Whether the request was turned away before anybody looked at it.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_throttled(),
            Self::Foreign { status, .. } => *status == 429,
            Self::Unreachable { .. } | Self::Incomplete { .. } | Self::Unsigned(_) => false,
        }
    }

    /// Whether every other request would fail in the same way: nobody answers, or nobody believes the caller. A fault of
    /// the service may be one of this request alone.
    #[must_use]
    pub fn concerns_all(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.advice().is_some(),
            Self::Foreign { .. } => !self.is_passing(),
            Self::Unreachable { .. } | Self::Incomplete { .. } | Self::Unsigned(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> CallError {
        let (code, message) = (code.to_owned(), message.to_owned());
        CallError::Refused(Refusal { operation: "ReEncrypt", status, code, message })
    }

    #[test]
    fn an_error_says_the_operation_the_type_and_the_next_step() {
        for (status, code, message, text) in [
            (400, "NotFoundException", "no key", "ReEncrypt: NotFoundException: no key"),
            (400, "InvalidCiphertextException", "", "ReEncrypt: InvalidCiphertextException"),
            (502, "", "", "ReEncrypt: status 502"),
            (
                400,
                "ExpiredTokenException",
                "expired",
                "ReEncrypt: ExpiredTokenException: expired (get new session credentials and run the command again)",
            ),
        ] {
            assert_eq!(refused(status, code, message).to_string(), text);
        }
        let unreachable =
            CallError::Unreachable { why: "https://a: invalid peer certificate: UnknownIssuer".to_owned() };
        assert!(unreachable.to_string().contains("AWS_CA_BUNDLE"));
        let expired =
            CallError::Unreachable { why: "https://a: invalid peer certificate: Expired".to_owned() };
        assert!(!expired.to_string().contains("AWS_CA_BUNDLE"));
    }

    #[test]
    fn throttling_and_the_servers_own_faults_pass_and_refusals_stay() {
        for (status, code, passing, concerns_all) in [
            (400, "ThrottlingException", true, false),
            (500, "KMSInternalException", true, false),
            (503, "", true, false),
            (429, "", true, false),
            (400, "AccessDeniedException", false, false),
            (400, "InvalidCiphertextException", false, false),
            (400, "UnrecognizedClientException", false, true),
            (400, "ExpiredTokenException", false, true),
        ] {
            let error = refused(status, code, "");
            assert_eq!(
                (error.is_passing(), error.concerns_all()),
                (passing, concerns_all),
                "{status} {code}"
            );
        }
    }
}
