//! `keyreeve-bench`: what a request costs the server, as ratios to a bare hyper echo and to raw AWS-LC that were
//! measured in the same run. Ratios travel between machines; the microseconds beside them do not.
//! It is no test: nothing fails because a figure is low.
#![forbid(unsafe_code)]

mod answer;
mod audit;
mod cli;
mod cpu;
mod decision;
mod echo;
mod figures;
mod load;
mod pin;
mod raw;
mod report;
mod request;
mod run;
mod served;
mod server;
mod setup;
mod workload;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

/// What stops a run: a sentence for whoever started it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let outcome = match cli::Arguments::parse().command {
        cli::Command::Echo => echo::serve(),
        cli::Command::Audit(options) => audit::run(&options).and_then(|text| print(&text)),
        cli::Command::Decision => decision::run().and_then(|text| print(&text)),
        cli::Command::Run(options) => run::run(&options).and_then(|text| print(&text)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(&format!("keyreeve-bench: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Tells a person what happens. That nobody reads it is no error.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
