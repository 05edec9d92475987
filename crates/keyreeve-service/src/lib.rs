//! The rules: one file an operation, one catalogue for all of them, the corridor, the gatehouse.
//!
//! Knows JSON bodies and neither HTTP nor sockets, files or the wall clock. Only `key_access`, `identity` and `cloudtrail`
//! touch the store, and `rotation`, which sees every row and no meaning; only the gatehouse makes the proofs that operations need to touch a key.
#![forbid(unsafe_code)]

mod audit;
mod backups;
pub mod caller;
pub mod catalogue;
pub mod clock;
pub mod cloudtrail;
mod corridor;
mod desk;
pub mod identity;
pub mod input;
mod judgement;
mod key_access;
mod operation;
mod operations;
pub mod premises;
pub mod records;
pub mod regions;
mod reply;
mod rotation;
mod service;
mod usage;

pub use audit::{Disagreement, Finding, Published, RefusedCall, authentication_failures};
pub use corridor::Outcome;
pub use key_access::{SeedFault, SeedKey, Seeded};
pub use service::{RegionRule, Service, ServiceParts};
