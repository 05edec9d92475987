//! The commands: one file each.

pub(crate) mod accept_rollback;
pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod backup;
mod completions;
pub(crate) mod config;
mod dev;
mod endpoint;
pub(crate) mod explain;
mod given_secret;
pub(crate) mod init;
pub(crate) mod key;
mod man;
mod operator;
mod operators;
pub(crate) mod reencrypt;
pub(crate) mod region;
pub(crate) mod restore;
pub(crate) mod root;
pub(crate) mod serve;
pub(crate) mod service;

use std::error::Error;

use crate::cli::Command;

/// What a command fails with: a sentence for whoever called it.
pub(crate) type Failure = Box<dyn Error>;

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(options) => dev::run(options),
        Command::Init(arguments) => init::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Config(command) => config::run(command),
        Command::Account(command) => account::run(command),
        Command::Audit(command) => audit::run(&command),
        Command::Service(command) => service::run(command),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Key(command) => key::run(command),
        Command::Reencrypt(arguments) => reencrypt::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Region(command) => region::run(&command),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::AcceptRollback(arguments) => accept_rollback::run(&arguments),
        Command::Root(command) => root::run(command),
        Command::Completions { shell } => completions::run(shell),
        Command::Man => man::run(),
    }
}
