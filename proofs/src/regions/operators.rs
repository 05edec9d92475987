//! Two operators with keys of their own, registered in every Region, and the ceremony by which they promote a replica.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::deployment::Deployment;
use crate::failure::Failure;

const NAMES: [&str; 2] = ["alice", "bob"];

/// The folder with their keys, and with what they sign.
#[derive(Debug)]
pub(super) struct Operators {
    folder: PathBuf,
}

impl Operators {
    /// Makes the keys, and registers them in every Region.
    pub(super) fn make<'a>(
        folder: PathBuf,
        deployments: impl Iterator<Item = &'a Deployment> + Clone,
    ) -> Result<Self, Failure> {
        fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
        let made = Self { folder };
        for name in NAMES {
            let (private, public) = (made.file(name, "key"), made.file(name, "pub"));
            let mut printed = None;
            for deployment in deployments.clone() {
                if printed.is_none() {
                    printed =
                        Some(deployment.run_alone(&["region", "operator-key", "new", "--out", &private])?);
                    fs::write(&public, printed.as_deref().unwrap_or_default())
                        .map_err(Failure::file(public.as_ref()))?;
                }
                deployment.run(&["region", "operator-key", "add", &public, "--name", name])?;
            }
        }
        Ok(made)
    }

    fn file(&self, name: &str, kind: &str) -> String {
        self.folder.join(format!("{name}.{kind}")).to_string_lossy().into_owned()
    }

    /// Makes `at` the primary of the key in place of the lost Region; the answer, or why it was refused.
    pub(super) fn promote(
        &self,
        at: &Deployment,
        key: &str,
        lost: &str,
    ) -> Result<Result<Value, String>, Failure> {
        let asked = at.attempt(&["region", "promotion-request", "--key-id", key, "--lost", lost])?;
        let request = self.file("request", "json");
        match asked {
            Ok(text) => fs::write(&request, text).map_err(Failure::file(request.as_ref()))?,
            Err(why) => return Ok(Err(why)),
        }
        let mut arguments = vec!["region".to_owned(), "force-promote".to_owned(), "--json".to_owned()];
        arguments.extend(["--request".to_owned(), request.clone()]);
        for name in NAMES {
            let signed = at.run_alone(&["region", "sign", &request, "--with", &self.file(name, "key")])?;
            let file = self.file(name, "sig");
            fs::write(&file, signed).map_err(Failure::file(file.as_ref()))?;
            arguments.extend(["--signature".to_owned(), file]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Ok(at.attempt(&arguments)?.map(|reply| serde_json::from_str(&reply).unwrap_or_default()))
    }
}
