//! The only crate with `unsafe`: AWS-LC functions that have no safe wrapper, locked memory, process hardening.
//!
//! Gaps of aws-lc-rs are filled here: Ed25519ph, ML-DSA over an external mu, ML-KEM keys in seed form, AES-192 key wrap. Their
//! faces are safe, never panic, and fail with [`Unspecified`] alone.
#![deny(unsafe_op_in_unsafe_fn)]
#![expect(
    unsafe_code,
    reason = "this crate exists to keep every other one free of it; each block says why it is sound"
)]

pub mod ed25519ph;
mod evp_key;
pub mod key_wrap;
pub mod locked_memory;
pub mod ml_dsa_mu;
pub mod ml_kem_seed;
pub mod process;

/// An error with absolutely no details: whoever sends forged input learns nothing from how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct Unspecified;

/// AWS-LC answers 1 for success, and 0 or a negative number otherwise.
fn succeeded(answer: std::ffi::c_int) -> Result<(), Unspecified> {
    if answer == 1 { Ok(()) } else { Err(Unspecified) }
}
