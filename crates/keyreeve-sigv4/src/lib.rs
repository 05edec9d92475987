//! AWS Signature Version 4: verifying on the server, signing in the client. It knows nothing of KMS, reads no
//! clock, opens no socket and looks no credential up: those are the caller's, between the two steps.
//!
//! Verification has two steps, so that the caller may look the secret up asynchronously between them:
//!
//! 1. [`Unverified::parse`] does everything that needs no secret: form, repeated headers, which headers must be
//!    signed, time window, credential scope, payload hash, canonical request.
//! 2. [`Verifier::verify`] computes the signature and compares it. An unknown access key (`None`) costs the same
//!    work as a known one and then fails.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
#![forbid(unsafe_code)]

mod authorization;
mod canonical;
mod error;
mod headers;
mod query;
mod request;
mod scope;
mod secret;
mod sign;
mod signing_key;
mod timestamp;
mod verify;

pub use authorization::Form;
pub use error::{MissingParameters, SigV4Error};
pub use request::Request;
pub use scope::{Expectations, Presigned, ScopeMismatch};
pub use secret::{InvalidSecret, SECRET_BYTES_MAX, SecretAccessKey};
pub use sign::{Credential, SignError, Signed, Target, presign, sign};
pub use timestamp::Timestamp;
pub use verify::{Unverified, Verified, Verifier, WINDOW_S, WINDOW_S_MAX};

/// The one algorithm that this crate speaks.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The last element of every credential scope.
pub const TERMINATOR: &str = "aws4_request";
