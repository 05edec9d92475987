//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::Failure;
use crate::workload::{WORKLOADS, Workload};

/// Measures what a request costs Keyreeve, beside a bare hyper echo and raw AWS-LC in the same run.
#[derive(Debug, Parser)]
#[command(name = "keyreeve-bench", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measures, and prints a table.
    Run(Run),
    /// Measures the audit log alone, beside the device's fdatasync.
    Audit(Audit),
    /// Measures a decision of the policy engine, beside one HMAC.
    Decision,
    /// Serves the bare echo that the ratios are taken to. `run` starts it by itself.
    Echo,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Quiet the machine first: anything else that computes makes all figures worse, and not evenly.\nRepeat with: cargo build --release -p keyreeve && cargo run --release -p keyreeve-bench -- run"
)]
pub(crate) struct Run {
    /// Length of one window, in seconds.
    #[arg(long, default_value = "2", value_parser = window)]
    pub(crate) seconds: Duration,
    /// How often every window is measured; the table has the median, the least and the greatest.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) connections: u16,
    /// The keyreeve to measure [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// On which disk what a durable audit log costs is measured: a folder, in which some hundred MB are written and removed
    /// again.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Measures only this, and the echo, and nothing of the audit log; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = workload)]
    pub(crate) only: Vec<&'static Workload>,
    /// Lets the kernel place the processes; otherwise taskset, where there is one, gives the server one core and the
    /// load the others.
    #[arg(long)]
    pub(crate) no_pin: bool,
    /// Prints JSON with the figures of every round.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Length of one window, in seconds.
    #[arg(long, default_value = "0.5", value_parser = window)]
    pub(crate) seconds: Duration,
    /// How often every window is measured; the table has medians.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// On which disk: a folder, in which up to 1 GB is written and removed again.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) folder: PathBuf,
}

/// A longer window would outlive the 300 s of its signatures, which are made before it begins.
const WINDOW_S: std::ops::RangeInclusive<f64> = 0.1..=200.0;

fn window(text: &str) -> Result<Duration, Failure> {
    let seconds: f64 = text.parse()?;
    if WINDOW_S.contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("from {} to {} seconds", WINDOW_S.start(), WINDOW_S.end()).into())
    }
}

fn workload(name: &str) -> Result<&'static Workload, Failure> {
    let names = || WORKLOADS.iter().map(|workload| workload.name).collect::<Vec<_>>().join(", ");
    let found = WORKLOADS.iter().find(|workload| workload.name == name);
    found.ok_or_else(|| format!("one of {}", names()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_window_is_no_longer_than_a_signature_lives() {
        for (text, accepted) in [("0.1", true), ("200", true), ("201", false), ("0", false), ("x", false)] {
            assert_eq!(window(text).is_ok(), accepted, "{text}");
        }
    }
}
