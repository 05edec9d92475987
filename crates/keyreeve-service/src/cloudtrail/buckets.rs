//! Where buckets are: the service knows their names only.

use std::fmt::Debug;

/// The destinations that the operator configured.
pub trait Buckets: Debug + Send + Sync {
    /// Whether files can be delivered to a bucket of this name; the name was checked to be one.
    fn exists(&self, bucket: &str) -> bool;
}
