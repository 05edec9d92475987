//! The tombstone of a purge: the payload of a [`FrameKind::Tombstone`](crate::FrameKind::Tombstone) frame.

use keyreeve_crypto::error::Unspecified;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::Place;
use crate::signing_key::SigningKey;

/// What was purged. JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tombstone {
    /// The first frame that was purged.
    pub from: Place,
    /// The last.
    pub to: Place,
    /// The hash of the last, in hex: what the first frame that is left is chained to.
    pub before: String,
    /// The files.
    pub segments: Vec<PurgedSegment>,
    /// Entries in them.
    pub entries: u64,
    /// The file that holds the last word on the rows of everything purged so far.
    pub rows_base: RowsBase,
    /// When.
    pub time: Timestamp,
    /// Fingerprint of the key that signed.
    pub fingerprint: String,
    /// RSASSA-PKCS1-v1_5 with SHA-256 over [`Tombstone::to_sign`], in hex.
    pub signature: String,
}

/// A file that was purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PurgedSegment {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// The file with the last word on rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RowsBase {
    /// Its name.
    pub name: String,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// The name of the rows of everything purged up to this frame.
pub fn rows_base_name(to: Place) -> String {
    format!("rows-base-{:020}.rows", to.0)
}

impl Tombstone {
    /// What the signature is over: the tombstone itself without its signature, behind a line that begins like nothing
    /// else that the key signs.
    pub fn to_sign(&self) -> String {
        let bare = Self { signature: String::new(), ..self.clone() };
        // Strings and numbers serialise without fail.
        format!("keyreeve/v1/audit-tombstone\n{}", serde_json::to_string(&bare).unwrap_or_default())
    }

    /// Signs it.
    ///
    /// # Errors
    /// When there is no randomness for blinding.
    pub fn signed(mut self, key: &SigningKey) -> Result<Self, Unspecified> {
        self.fingerprint.clone_from(&key.public().fingerprint);
        self.signature = hex::encode(key.sign(self.to_sign().as_bytes())?);
        Ok(self)
    }
}
