//! The oracle: @cloud-copilot/iam-simulate in a process of its own (AGPL-3.0: asked over a pipe, never linked), see
//! `tests/oracle/policy/driver.mjs`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use serde::Deserialize;

use super::case::{Case, Decision};
use crate::failure::Failure;

/// The driver, seen from the root of the checkout.
const DRIVER: &str = "tests/oracle/policy/driver.mjs";

/// What the oracle said about one case.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    result: String,
    #[serde(default)]
    error: Option<String>,
}

impl Answer {
    /// The decision.
    ///
    /// # Errors
    /// The oracle's own error when it could not evaluate the case.
    pub(crate) fn decision(&self) -> Result<Decision, Failure> {
        match self.result.as_str() {
            "Allowed" => Ok(Decision::Allowed),
            "ImplicitlyDenied" => Ok(Decision::Implicit),
            "ExplicitlyDenied" => Ok(Decision::Explicit),
            other => Err(Failure::Setting(format!(
                "the oracle answered {other}: {}",
                self.error.as_deref().unwrap_or_default()
            ))),
        }
    }
}

/// A running process.
#[derive(Debug)]
pub(crate) struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts one.
    ///
    /// # Errors
    /// When node or its packages are missing.
    pub(crate) fn start() -> Result<Self, Failure> {
        let packages = Path::new(DRIVER).with_file_name("node_modules");
        if !packages.is_dir() {
            let advice = "run it in the root of the checkout, after `npm ci` in tests/oracle/policy";
            return Err(Failure::Setting(format!("{} is missing: {advice}", packages.display())));
        }
        let mut child = Command::new("node")
            .arg(DRIVER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::file(Path::new("node")))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self { child, input, output: BufReader::new(output) }),
            _ => Err(Failure::Setting("node has no pipes".to_owned())),
        }
    }

    /// Asks about the cases, and does `meanwhile` while the oracle thinks.
    ///
    /// # Errors
    /// When the process ended or answers something else than one line a case.
    pub(crate) fn ask<T>(
        &mut self,
        cases: &[Case],
        meanwhile: impl FnOnce() -> T,
    ) -> Result<(Vec<Answer>, T), Failure> {
        let Self { input, output, .. } = self;
        let (answers, done) = thread::scope(|scope| {
            scope.spawn(move || {
                // That the process ended shows at its output.
                let _ = cases.iter().try_for_each(|case| writeln!(input, "{}", case.line()));
                let _ = input.flush();
            });
            let reader = scope.spawn(move || {
                let lines = output.lines().take(cases.len());
                lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect::<std::io::Result<Vec<Answer>>>()
            });
            let done = meanwhile();
            (reader.join(), done)
        });
        let answers = match answers {
            Ok(answers) => answers.map_err(Failure::file(Path::new(DRIVER)))?,
            Err(_) => return Err(Failure::Setting("the thread that reads the oracle died".to_owned())),
        };
        if answers.len() == cases.len() {
            Ok((answers, done))
        } else {
            Err(Failure::Setting(format!("{DRIVER} ended early; its own message is above")))
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
