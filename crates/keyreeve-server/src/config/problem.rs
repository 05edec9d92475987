//! What is wrong with a configuration: every problem with its place, all of them at once.

use std::fmt;
use std::path::PathBuf;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of the file, from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
    /// Nowhere: it is missing.
    Absent,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What, and what to do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Line(line) => write!(f, "line {line}: {}", self.text),
            Place::Variable(name) => write!(f, "{name}: {}", self.text),
            Place::Absent => f.write_str(&self.text),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; `keyreeve config example` prints one to begin with", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What is wrong in it, or in the environment.
    #[error("{}", listed(.path, .problems))]
    Problems {
        /// The file; `None` where the environment says everything.
        path: Option<PathBuf>,
        /// Never empty.
        problems: Vec<Problem>,
    },
}

fn listed(path: &Option<PathBuf>, problems: &[Problem]) -> String {
    let mut text = match path {
        Some(path) => format!("the configuration {} cannot be used:", path.display()),
        None => "the configuration in the environment cannot be used:".to_owned(),
    };
    for problem in problems {
        text.push_str(&format!("\n  {problem}"));
    }
    text
}
