//! `Unspecified`: the only error of cryptographic operations.

/// An error with absolutely no details: whoever sends forged input learns nothing from how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct Unspecified;

impl From<aws_lc_rs::error::Unspecified> for Unspecified {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}
