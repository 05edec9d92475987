//! A sweep: ciphertexts are encrypted again under the newest material of their key, or under another key, by ReEncrypt.
//! The plaintext never leaves the service. What was done is in a journal, so that a sweep that ended early goes on.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html>

mod destination;
mod encoded;
mod files;
mod journal;
mod list;
mod renewal;
mod replace;
mod workers;

use std::collections::BTreeMap;

pub use files::{Found, find, journal_beside as journal_beside_files, sweep as sweep_files};
pub use journal::{Journal, JournalError};
pub use list::{journal_beside as journal_beside_list, sweep as sweep_list};
pub use replace::{ReplaceError, target as output_target, write as write_output};
pub use workers::Progress;

/// What to do with every ciphertext.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The key that they are under; without one, what each says itself (ours do, AWS's do not).
    pub source_key: Option<String>,
    /// The key that they shall be under; without one, the same.
    pub to_key: Option<String>,
    /// Encryption context, before and after.
    pub context: BTreeMap<String, String>,
    /// Counts only: nothing is sent but DescribeKey, and nothing is written.
    pub dry_run: bool,
}

/// What became of the ciphertexts.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many there are.
    pub all: u64,
    /// Encrypted again.
    pub renewed: u64,
    /// Encrypted again by an earlier run, and written by this one.
    pub resumed: u64,
    /// Of these, those of which nobody may see whether they still are under the newest material.
    pub unsure: u64,
    /// Under the newest material already.
    pub current: u64,
    /// What a dry run found to do.
    pub pending: u64,
    /// What could not be done; each is as it was.
    pub failed: Vec<Failed>,
    /// Why the sweep ended before the last one, where it did.
    pub stopped: Option<String>,
}

/// A ciphertext that is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its file, its id or its line.
    pub name: String,
    /// Why, in a sentence.
    pub why: String,
}

#[cfg(test)]
mod tests;
