//! Nouns and tables of the KMS: ARNs, key ids, key specs, key states, encryption context, errors, limits.
//!
//! No I/O, no async, no cryptography, no clock. Facts about AWS are rows of tables here, never branches elsewhere.
#![forbid(unsafe_code)]

mod wire_enum;

pub mod algorithm;
pub mod alias;
pub mod arn;
pub mod aws_region;
pub mod encryption_context;
pub mod error;
pub mod grant;
pub mod grantable;
pub mod iam_error;
pub mod import;
pub mod invalid;
pub mod key_id;
pub mod key_record;
pub mod key_spec;
pub mod key_state;
pub mod limits;
pub mod material_id;
pub mod multi_region;
pub mod region;
pub mod rotation;
pub mod tag;
pub mod timestamp;
pub mod trail_error;
