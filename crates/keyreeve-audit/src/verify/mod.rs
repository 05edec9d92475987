//! The verifier: reads a folder of segments from the first frame to the last, without the server, and names the first
//! thing that is wrong with it. It needs memory for a few frames, whatever the size of the log.
//!
//! What it can say depends on what it is given. The chain alone shows whatever somebody changed who did not compute the
//! chain again; public keys show that too, from the next signed head on; a head from outside the folder shows a
//! missing end.

mod at_end;
#[cfg(test)]
mod corpus;
mod diagnosis;
mod folder;
mod keys;
mod report;
mod walk;

use std::io;
use std::path::PathBuf;

use crate::chain::SignedHead;
pub(crate) use at_end::sha256_of;
pub use keys::{Keys, Signature};
pub use report::{Finding, Note, Report, What};

/// What is verified, against what.
#[derive(Debug)]
pub struct Input {
    /// Folder of the segments.
    pub folder: PathBuf,
    /// Keys that may sign heads and tombstones; without them no signature is looked at.
    pub keys: Option<Keys>,
    /// The newest head that is known from elsewhere: from the store, or from another machine.
    pub anchor: Option<SignedHead>,
}

/// Is told how many bytes of how many are done.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Verifies.
///
/// # Errors
/// When a file cannot be read. Whatever is wrong with what it holds is in the report.
pub fn verify(input: &Input, progress: Progress<'_>) -> io::Result<Report> {
    walk::Walk::new(input)?.run(progress)
}
