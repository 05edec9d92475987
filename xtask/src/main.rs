//! `cargo xtask`: the development commands. Nothing here ships.
//!
//! A check is a row: stages in `test.rs`, installed tools in `tools/mod.rs`, house rules in `tidy/mod.rs`.
#![forbid(unsafe_code)]

mod deny;
mod failure;
mod house;
mod model;
mod prove;
mod step;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand, builder::PossibleValuesParser};

use crate::{failure::Failure, house::House};

/// Keyreeve's development commands.
///
/// Start with `cargo xtask test --fast` while you work and `cargo xtask test` before you push. Each command prints
/// what it runs; when something fails it prints the command and what to do next.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Everything that has to pass: format, lints, house rules, Rust tests, real AWS clients
    ///
    /// Installs what the chosen stages need: Python packages into .venv, npm packages into tests/clients/node and
    /// tests/oracle/policy, Debian
    /// packages (AWS CLI v2, faketime) through apt-get when they are missing. Client tests run against the dev-profile
    /// binary, which has debug assertions and overflow checks on.
    Test {
        /// Only the quick stages, few property-test cases, and of the client tests only the boto3 smoke tests
        #[arg(long)]
        fast: bool,
        /// Run just this stage (may be repeated)
        #[arg(long, value_name = "STAGE", value_parser = PossibleValuesParser::new(test::stage_names()))]
        only: Vec<String>,
        /// Arguments for pytest in the `clients` stage, such as `-k smoke`
        #[arg(last = true, value_name = "PYTEST_ARGUMENT")]
        pytest: Vec<String>,
    },
    /// The house rules: crate arrows, dependencies and licences, file names, file lengths, forbidden words
    Tidy,
    /// Licences, bans and sources by cargo-deny (`tidy` checks the same deny.toml in short)
    Deny,
    /// The long form of a proof, against the dev-profile binary; its summary belongs in docs/evidence
    Prove {
        /// Which proof
        #[arg(value_parser = PossibleValuesParser::new(prove::names()))]
        name: String,
        /// What chance begins with; a failure names its seed
        #[arg(long)]
        seed: Option<u64>,
        /// How many rounds, or cases of `policy`
        #[arg(long, visible_alias = "cases")]
        rounds: Option<usize>,
    },
    /// Server time per request and requests per second, as ratios to a bare echo and to raw AWS-LC, in one run
    Bench {
        /// Arguments for the benchmark, such as `--rounds 9`; `audit` or `decision` first measures only that part
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Rewrite the service models and their origin in model/ from the pinned botocore release
    Model,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            house::say(&format!("\n{failure}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    let house = House::find()?;
    match task {
        Task::Test { fast, only, pytest } => test::run(&house, &test::Choice { fast, only, pytest }),
        Task::Tidy => tidy::run(&house),
        Task::Deny => deny::run(&house),
        Task::Model => model::run(&house),
        Task::Prove { name, seed, rounds } => prove::run(&house, &name, seed, rounds),
        Task::Bench { arguments } => prove::bench(&house, &arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
