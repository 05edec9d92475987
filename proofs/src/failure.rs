//! Why a proof ends without success: something was lost, or the proof itself could not run.

use std::io;
use std::path::Path;

/// Why a proof ends without success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A promise was broken. This is the finding that the proof exists for.
    #[error("PROMISE BROKEN: {0}")]
    Broken(String),
    /// The server under test did something that the proof does not expect at all.
    #[error("the server: {0}")]
    Server(String),
    /// The proof could not be carried out.
    #[error("the proof could not run: {0}")]
    Setting(String),
}

impl Failure {
    /// An operation on a file or folder failed.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Setting(format!("{}: {error}", path.display()))
    }

    /// The same failure, with where it happened before it.
    pub(crate) fn at(self, place: &str) -> Self {
        match self {
            Self::Broken(what) => Self::Broken(format!("{place}: {what}")),
            Self::Server(what) => Self::Server(format!("{place}: {what}")),
            Self::Setting(what) => Self::Setting(format!("{place}: {what}")),
        }
    }
}
