//! Where the time comes from. The wall clock itself is read by `keyreeve-server` only.

use std::fmt::Debug;

use keyreeve_model::timestamp::Timestamp;

/// A source of the present time.
pub trait Clock: Send + Sync + Debug + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}
