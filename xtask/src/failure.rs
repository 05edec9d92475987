//! What a development command says when it fails: what happened, by which command, and what to do next.

use std::{io, path::Path};

/// A failure that is printed once, by `main`.
#[derive(Debug, thiserror::Error)]
#[error("FAILED: {what}\n  next: {next}")]
pub(crate) struct Failure {
    what: String,
    next: String,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { what: what.into(), next: next.into() }
    }

    /// A file or folder that could not be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Failure {
        Failure::new(
            format!("{}: {error}", path.display()),
            "check that the path exists, is writable and that the disk has room",
        )
    }

    /// Another program's answer that does not have the shape we know.
    pub(crate) fn unreadable(what: &str, error: impl std::fmt::Display) -> Failure {
        Failure::new(
            format!("cannot read {what}: {error}"),
            "run the command by hand and compare with the code in xtask",
        )
    }
}
