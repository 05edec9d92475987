//! Files and folders that are gone when their work ends, however it ends.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A file or folder that is removed on drop, if it is still there.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A place that nobody uses yet.
    pub(super) const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// A new folder for its owner only.
    pub(super) fn folder(path: PathBuf) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Often gone already: renamed to where it belongs.
        drop(if self.0.is_dir() { fs::remove_dir_all(&self.0) } else { fs::remove_file(&self.0) });
    }
}
