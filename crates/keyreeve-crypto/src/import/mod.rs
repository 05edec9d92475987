//! Key material that comes from elsewhere: wrapping keys for its way here, wrapping as its owner does it, unwrapping, and
//! the check of what came out.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html>

mod identity;
mod unwrapping;
pub mod wrapping;

pub use identity::{MaterialIdentity, identify};
pub use unwrapping::{WrappingKey, unwrap};
