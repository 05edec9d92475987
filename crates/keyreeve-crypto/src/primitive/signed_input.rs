//! What a signature covers: a message that is hashed here, or a digest from outside.

use aws_lc_rs::digest::{Algorithm, Digest};
use keyreeve_model::algorithm::MessageType;

use crate::error::Unspecified;

/// The input of RSA and ECDSA signatures.
pub(super) enum SignedInput<'a> {
    /// To be hashed with the signing algorithm's digest.
    Message(&'a [u8]),
    /// Hashed already, with that digest.
    Digest(Digest),
}

impl<'a> SignedInput<'a> {
    /// Reads `message` as its type says; a digest must have the length of `algorithm`'s.
    pub(super) fn new(
        message_type: MessageType,
        message: &'a [u8],
        algorithm: &'static Algorithm,
    ) -> Result<Self, Unspecified> {
        match message_type {
            MessageType::Raw => Ok(Self::Message(message)),
            MessageType::Digest => Ok(Self::Digest(Digest::import_less_safe(message, algorithm)?)),
            MessageType::ExternalMu => Err(Unspecified),
        }
    }
}
