//! Pieces of answers: base64 blobs, timestamps.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::secret::{Plaintext, SecretBytes, SharedSecret};
use keyreeve_model::timestamp::Timestamp;
use serde::{Serialize, Serializer};

/// Bytes that are written as base64.
pub(crate) struct Blob<B: AsRef<[u8]>>(pub(crate) B);

impl<B: AsRef<[u8]>> Serialize for Blob<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0.as_ref(), &STANDARD))
    }
}

/// Secrets that may stand in an answer.
pub(crate) trait InAnswer {
    /// The bytes that are written.
    fn answered(&self) -> &[u8];
}

impl InAnswer for SecretBytes {
    fn answered(&self) -> &[u8] {
        self.expose_secret()
    }
}

impl InAnswer for Plaintext {
    fn answered(&self) -> &[u8] {
        self.expose_secret()
    }
}

impl InAnswer for SharedSecret {
    fn answered(&self) -> &[u8] {
        self.expose_secret()
    }
}

/// A secret that is written as base64 into the answer, and nowhere else.
pub(crate) struct SecretBlob<T: InAnswer>(pub(crate) T);

impl<T: InAnswer> Serialize for SecretBlob<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0.answered(), &STANDARD))
    }
}

/// A secret access key or session token, written as it is into the one answer that shows it, and nowhere else.
#[derive(Debug)]
pub(crate) struct ShownOnce(pub(crate) SecretBytes);

impl Serialize for ShownOnce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(self.0.expose_secret()).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(text)
    }
}

/// A point in time as AWS JSON 1.1 writes it: seconds with a fraction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epoch(pub(crate) Timestamp);

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_json_number().serialize(serializer)
    }
}

/// A point in time as the query protocol writes it: `2026-01-01T00:00:00Z`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IsoTime(pub(crate) Timestamp);

impl Serialize for IsoTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.to_iso_8601())
    }
}
