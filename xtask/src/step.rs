//! One external command: shown before it runs, and named with its remedy when it fails.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, IsTerminal as _},
    path::Path,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    failure::Failure,
    house::{House, say},
};

/// A command with the advice for the case that it fails.
#[derive(Debug)]
pub(crate) struct Step {
    command: Command,
    shown: String,
    advice: String,
}

impl Step {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Step {
        let program = program.as_ref();
        Step {
            command: Command::new(program),
            shown: program.to_string_lossy().into_owned(),
            advice: "read the output above".to_owned(),
        }
    }

    /// `cargo …` with the same toolchain that runs xtask.
    pub(crate) fn cargo(house: &House, arguments: &[&str]) -> Step {
        Step::new("cargo").args(arguments).within(&house.root)
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Step {
        let text = argument.as_ref().to_string_lossy();
        let quote = if text.contains(char::is_whitespace) || text.is_empty() { "'" } else { "" };
        self.shown = format!("{} {quote}{text}{quote}", self.shown);
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<T: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = T>) -> Step {
        arguments.into_iter().fold(self, Step::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Step {
        self.shown = format!("{name}={} {}", value.as_ref().to_string_lossy(), self.shown);
        self.command.env(name, value);
        self
    }

    pub(crate) fn within(mut self, folder: &Path) -> Step {
        self.command.current_dir(folder);
        self
    }

    /// What a reader should do when the command fails.
    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Step {
        self.advice = advice.into();
        self
    }

    /// Runs with the terminal: for commands that show their own progress.
    pub(crate) fn live(mut self) -> Result<(), Failure> {
        say(&format!("  $ {}", self.shown));
        let status = self.command.status();
        self.judge(status)
    }

    /// Runs behind a progress line; the output goes to a log file and is printed only when the command fails.
    pub(crate) fn quiet(mut self, house: &House, doing: &str) -> Result<(), Failure> {
        say(&format!("  $ {}", self.shown));
        let folder = house.target.join("xtask");
        fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
        let path = folder.join(format!("{}.log", doing.replace([' ', '/'], "-")));
        let log = File::create(&path).map_err(|error| Failure::file(&path, &error))?;
        let twin = log.try_clone().map_err(|error| Failure::file(&path, &error))?;
        self.command.stdin(std::process::Stdio::null()).stdout(log).stderr(twin);

        let started = Instant::now();
        let bar = spinner(doing);
        let status = self.command.status();
        bar.finish_and_clear();
        if matches!(&status, Ok(code) if code.success()) {
            say(&format!("  {doing}: {:.1} s", started.elapsed().as_secs_f32()));
        } else {
            say(&fs::read_to_string(&path).unwrap_or_default());
        }
        self.judge(status)
    }

    /// Runs and returns what the command wrote to its standard output.
    pub(crate) fn output(mut self) -> Result<String, Failure> {
        let output = self.command.stderr(std::process::Stdio::inherit()).output();
        let (status, bytes) = match output {
            Ok(output) => (Ok(output.status), output.stdout),
            Err(error) => (Err(error), Vec::new()),
        };
        self.judge(status)?;
        String::from_utf8(bytes).map_err(|error| Failure::unreadable("the output of a command", error))
    }

    fn judge(self, status: io::Result<ExitStatus>) -> Result<(), Failure> {
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::new(format!("`{}` ended with {status}", self.shown), self.advice)),
            Err(error) => Err(Failure::new(format!("cannot start `{}`: {error}", self.shown), self.advice)),
        }
    }
}

/// A line that shows what is being waited for; nothing when the output is not a terminal.
fn spinner(doing: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("  {spinner} {msg} [{elapsed_precise}]");
    let bar = ProgressBar::new_spinner().with_message(doing.to_owned());
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn a_failure_names_the_command_and_the_remedy() {
        let failure = Step::new("false")
            .args(["--now", "or never"])
            .advice("turn it off and on")
            .live()
            .unwrap_err()
            .to_string();
        assert!(failure.contains("`false --now 'or never'`"), "{failure}");
        assert!(failure.contains("next: turn it off and on"), "{failure}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = Step::new("no-such-program-here").live().unwrap_err().to_string();
        assert!(failure.contains("cannot start `no-such-program-here`"), "{failure}");
    }
}
