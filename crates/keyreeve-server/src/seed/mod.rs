//! `keyreeve dev --seed FILE`: keys with chosen ids and material, read from TOML or JSON, or from the YAML of
//! nsmithuk/local-kms (<https://github.com/nsmithuk/local-kms#seeding-file-format>).
//!
//! ```toml
//! region = "us-east-1"            # of keys that name none
//! [[keys]]
//! id = "bc436485-5092-42b8-92a3-0aa8b93536dc"
//! spec = "SYMMETRIC_DEFAULT"      # this is the default
//! aliases = ["alias/app"]
//! material = "5cdaead27fe7da2de47945d73cd6d79e36494e73802f3cd3869f1d2cb0b5d7a9"
//! ```

mod fields;
mod keys;
mod local_kms;
mod material;

use std::path::{Path, PathBuf};

use keyreeve_model::region::{AccountId, Region};
use keyreeve_service::{SeedFault, SeedKey, Seeded, Service};
use serde_json::Value;

/// A seed file, and where keys go that name neither Region nor account.
#[derive(Debug, Clone)]
pub struct SeedFile {
    /// The file.
    pub path: PathBuf,
    /// Region of keys that name none.
    pub region: Region,
    /// Account of keys that name none.
    pub account: AccountId,
}

/// Why a seed file is not used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It cannot be read.
    #[error("cannot read the seed file {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("the seed file {}: {problem}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: Problem,
    },
    /// A key cannot be created.
    #[error("the seed file {}: key {key}: {fault}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Why not.
        fault: Box<SeedFault>,
    },
}

/// What is wrong in a seed file, and where: `keys[2].usage: …`. Never a value of the file, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Problem {
    /// Path of the field.
    pub place: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// What came of a seed file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeedReport {
    /// Keys that were created.
    pub created: usize,
    /// Keys that were there.
    pub present: usize,
}

impl SeedFile {
    /// Creates the keys of the file that are not there yet.
    ///
    /// # Errors
    /// [`SeedError`]: sentences for whoever wrote the file. Keys before the one at fault stay.
    pub async fn apply(&self, service: &Service) -> Result<SeedReport, SeedError> {
        let mut report = SeedReport::default();
        for key in self.load()? {
            let id = key.arn.to_string();
            match service.seed(key).await {
                Ok(Seeded::Created) => report.created += 1,
                Ok(Seeded::Present) => report.present += 1,
                Err(fault) => {
                    let fault = Box::new(fault);
                    return Err(SeedError::Key { path: self.path.clone(), key: id, fault });
                }
            }
        }
        Ok(report)
    }

    fn load(&self) -> Result<Vec<SeedKey>, SeedError> {
        let text = std::fs::read_to_string(&self.path)
            .map_err(|source| SeedError::Read { path: self.path.clone(), source })?;
        let malformed = |problem| SeedError::Malformed { path: self.path.clone(), problem };
        self.parse(&text).map_err(malformed)
    }

    fn parse(&self, text: &str) -> Result<Vec<SeedKey>, Problem> {
        let document = document(&self.path, text)?;
        // local-kms writes `Keys`, this file `keys`.
        if document.get("Keys").is_some() || document.get("Aliases").is_some() {
            return local_kms::parse(document, self);
        }
        keys::parse(document, self)
    }
}

/// The file as one tree, whatever it is written in. Errors name a line and no content.
fn document(path: &Path, text: &str) -> Result<Value, Problem> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let problem = |kind: &str, line: Option<usize>| Problem {
        place: line.map_or_else(|| "the whole".to_owned(), |line| format!("line {line}")),
        what: format!("it is not valid {kind}"),
    };
    match extension {
        "json" => serde_json::from_str(text).map_err(|error| problem("JSON", Some(error.line()))),
        "yaml" | "yml" => serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().and_then(|place| usize::try_from(place.line()).ok());
            problem("YAML (keys of digits alone need quotes)", line)
        }),
        "toml" => toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            problem("TOML", before.map(|before| before.matches('\n').count() + 1))
        }),
        _ => Err(Problem {
            place: "the name".to_owned(),
            what: "a seed file ends in .toml, .json, .yaml or .yml".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
