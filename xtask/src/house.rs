//! The places that every command knows, and the one way to print.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::Failure;

/// Prints a line. A closed terminal is no reason to fail a check.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr().lock(), "{line}").unwrap_or_default();
}

/// The checkout and its build folder.
#[derive(Debug)]
pub(crate) struct House {
    /// The folder that holds the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder; what xtask downloads is cached there too.
    pub(crate) target: PathBuf,
}

impl House {
    pub(crate) fn find() -> Result<House, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf);
        let root = root.ok_or_else(|| {
            Failure::new("xtask has no parent folder", "run it as `cargo xtask` inside the checkout")
        })?;
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Ok(House { root, target })
    }

    /// A virtual environment of this checkout.
    pub(crate) fn venv(&self, name: &str) -> PathBuf {
        self.root.join(".venv").join(name)
    }

    /// The dev-profile server that the client tests drive.
    pub(crate) fn server(&self) -> PathBuf {
        self.target.join("debug").join("keyreeve")
    }

    pub(crate) fn read(&self, relative: &str) -> Result<String, Failure> {
        let path = self.root.join(relative);
        fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))
    }

    pub(crate) fn write(&self, relative: &str, text: &str) -> Result<(), Failure> {
        let path = self.root.join(relative);
        fs::write(&path, text).map_err(|error| Failure::file(&path, &error))
    }
}

/// Every program of that name on PATH, first one first.
pub(crate) fn on_path(program: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).filter(|file| file.is_file()).collect()
}

/// Whether `program arguments` runs and succeeds; its output is thrown away.
pub(crate) fn succeeds(program: &Path, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
