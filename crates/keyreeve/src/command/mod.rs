//! The commands: one file each.

mod completions;
mod dev;
mod man;

use std::error::Error;

use crate::cli::Command;

/// What a command fails with: a sentence for whoever called it.
pub(crate) type Failure = Box<dyn Error>;

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(options) => dev::run(options),
        Command::Completions { shell } => completions::run(shell),
        Command::Man => man::run(),
    }
}
