//! The hash chain: each frame's hash is over the one before it, its number, its kind and its payload; a signed head
//! vouches for everything up to it.

use keyreeve_crypto::digest::sha256_of_parts;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::frame::FrameKind;

/// A SHA-256.
pub type Hash = [u8; 32];

/// What the first frame of a log is chained to.
pub const BEGINNING: Hash = [0; 32];

/// A frame's number in the log, from 1, without gaps; 0 is before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place(pub u64);

/// The hash of a frame.
pub fn link(before: &Hash, number: Place, kind: FrameKind, payload: &[u8]) -> Hash {
    sha256_of_parts([
        b"keyreeve/v1/audit-frame".as_slice(),
        before,
        &number.0.to_be_bytes(),
        &[kind.code()],
        payload,
    ])
}

/// The head of the chain at one moment, signed. Payload of a [`FrameKind::Head`] frame (as JSON), and committed to the
/// store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignedHead {
    /// The newest frame that it vouches for: the one before the frame that holds it.
    pub place: Place,
    /// That frame's hash, in hex.
    pub hash: String,
    /// When it was signed.
    pub time: Timestamp,
    /// Fingerprint of the key that signed.
    pub fingerprint: String,
    /// RSASSA-PKCS1-v1_5 with SHA-256 over [`head_to_sign`], in hex.
    pub signature: String,
}

/// What the signature of a head is over. Begins unlike the digest files of CloudTrail, which the same key signs.
pub fn head_to_sign(place: Place, hash: &str, time: Timestamp) -> String {
    format!("keyreeve/v1/audit-head\n{}\n{hash}\n{}", place.0, time.as_millis())
}
