//! The environment variables and the home folder of a process, which tests replace.

use std::fmt;
use std::path::PathBuf;

/// Variables and the home folder.
pub struct Environment<'e> {
    variable: &'e dyn Fn(&str) -> Option<String>,
    home: Option<PathBuf>,
}

impl Environment<'static> {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self { variable: &|name| std::env::var(name).ok(), home: std::env::home_dir() }
    }
}

impl<'e> Environment<'e> {
    /// Others.
    #[must_use]
    pub fn new(variable: &'e dyn Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Self {
        Self { variable, home }
    }

    /// A variable; one that is empty counts as not set, as in the AWS SDKs.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// The file that a variable names, or else one in `.aws` of the home folder.
    pub(super) fn file(&self, name: &str, usual: &str) -> PathBuf {
        let home = || self.home.clone().unwrap_or_default();
        match self.get(name) {
            Some(path) => match path.strip_prefix("~/") {
                Some(rest) => home().join(rest),
                None => PathBuf::from(path),
            },
            None => home().join(".aws").join(usual),
        }
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("home", &self.home).finish_non_exhaustive()
    }
}
