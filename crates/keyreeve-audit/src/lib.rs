//! The audit trail: a hash-chained log of CloudTrail records in segment files, durable before an answer leaves.
//!
//! It knows files, time stamps and signatures, and neither requests nor the store: what a record says is the service's
//! affair, where it is delivered the server's.
#![forbid(unsafe_code)]

pub mod chain;
pub mod delivery;
pub mod entry;
pub mod frame;
pub mod index;
mod journal;
pub mod reading;
pub mod retention;
pub mod segment;
pub mod signing_key;
#[cfg(test)]
mod trail;
pub mod verify;

pub use chain::{Place, SignedHead};
pub use entry::{Entry, WrittenRow};
pub use frame::{Frame, FrameKind};
pub use journal::{
    Alarm, Appended, Durability, Figures, Health, Journal, JournalError, JournalOptions, Recovered,
    SYNC_BUCKETS_US, Segment,
};
pub use signing_key::SigningKey;
