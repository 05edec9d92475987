//! AWS KMS from the other side: settings as every AWS tool finds them, signed calls with retries, sweeps of ciphertext
//! with ReEncrypt, the ceremony of ImportKeyMaterial.
//!
//! It speaks the JSON 1.1 protocol to any AWS KMS endpoint, ours or AWS's own, and knows no more of our service than a
//! stranger does, except how our ciphertext begins. Calls block: a command has nothing else to do, and what runs at the
//! same time runs on threads. `aws-sdk-kms` is a heavy build and a large dependency tree for four operations.
#![forbid(unsafe_code)]

mod error;
pub mod import;
mod kms;
mod retry;
mod settings;
pub mod sweep;

pub use error::{CallError, Refusal};
pub use kms::{Call, Kms};
pub use settings::{Chosen, Credentials, Environment, Settings, SettingsError};
