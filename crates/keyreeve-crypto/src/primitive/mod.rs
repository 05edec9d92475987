//! One file a family of algorithms, each a thin face over AWS-LC (SM2: over RustCrypto) that fails with
//! `Unspecified` alone and never panics. [`crate::open_key`] joins them; the table of key specs is the model's.

pub mod aes_gcm;
mod der;
mod ecdh;
pub(crate) mod ecdsa;
pub(crate) mod ed25519;
pub(crate) mod hmac;
pub mod kbkdf;
pub(crate) mod ml_dsa;
pub(crate) mod ml_kem;
pub mod public_key;
pub(crate) mod rsa_key;
mod rsa_oaep;
mod rsa_sign;
mod signed_input;
pub(crate) mod sm2;

impl From<keyreeve_native::Unspecified> for crate::error::Unspecified {
    fn from(_: keyreeve_native::Unspecified) -> Self {
        Self
    }
}
