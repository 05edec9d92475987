//! What was acknowledged of the keys of one history, and what nobody can say.

use std::collections::BTreeSet;

/// A ciphertext that was answered.
#[derive(Debug, Clone)]
pub(super) struct Ciphertext {
    /// Base64.
    pub(super) blob: String,
    /// Base64.
    pub(super) plaintext: String,
    /// Where it was made.
    pub(super) made_in: &'static str,
}

/// One multi-Region key.
#[derive(Debug)]
pub(super) struct KeyBook {
    /// `mrk-…`, the same in all Regions.
    pub(super) id: String,
    /// Where the primary is, as far as the answers tell.
    pub(super) primary: &'static str,
    /// Regions in which it was made, as acknowledged.
    pub(super) copies: BTreeSet<&'static str>,
    /// Regions in which it may have been made.
    pub(super) maybe: BTreeSet<&'static str>,
    pub(super) ciphertexts: Vec<Ciphertext>,
    /// Rotations that were acknowledged.
    pub(super) rotations: usize,
    /// Rotations that may have begun.
    pub(super) maybe_rotations: usize,
}

impl KeyBook {
    /// A key that was acknowledged.
    pub(super) fn new(id: String, primary: &'static str) -> Self {
        Self {
            id,
            primary,
            copies: BTreeSet::from([primary]),
            maybe: BTreeSet::new(),
            ciphertexts: Vec::new(),
            rotations: 0,
            maybe_rotations: 0,
        }
    }
}

/// What was done in all histories, for the report.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) keys: usize,
    pub(super) replicas: usize,
    pub(super) ciphertexts: usize,
    pub(super) rotations: usize,
    pub(super) promotions: usize,
    pub(super) link_faults: usize,
    pub(super) kills: usize,
    pub(super) unknown: usize,
    pub(super) refused: usize,
    /// Decryptions after healing, each right.
    pub(super) decrypted: usize,
    /// The longest time from healing to rest, in milliseconds.
    pub(super) longest_healing_ms: u128,
}
