//! Secrets in their own types, key handles, sealing and ciphertext blobs: the only crate that sees key bytes.
//!
//! Cryptography is AWS-LC's (through aws-lc-rs and keyreeve-native); this crate decides what is bound to what.
//! It knows no request, no policy and no store.
#![forbid(unsafe_code)]

pub mod ciphertext_blob;
mod derivation;
pub mod digest;
pub mod error;
mod fields;
pub mod import;
pub mod keyring;
pub mod label;
pub mod open_key;
pub mod primitive;
pub mod random;
pub mod root_key;
pub mod secret;
pub mod session_token;
pub mod transport;
pub mod wrap;
