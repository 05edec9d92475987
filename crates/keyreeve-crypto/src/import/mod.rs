//! Key material that comes from elsewhere: wrapping keys for its way here, unwrapping, and the check of what came out.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html>

mod identity;
mod wrapping;

pub use identity::{MaterialIdentity, identify};
pub use wrapping::{WrappingKey, unwrap};
