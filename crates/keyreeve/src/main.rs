//! `keyreeve`: a key management service that every AWS KMS client already speaks to.
#![forbid(unsafe_code)]

mod cli;
mod command;
mod progress;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

/// Every freed allocation is overwritten: request bodies, answers and parsed JSON hold plaintext, in buffers of many
/// libraries that know nothing of secrets.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    terminal::start_log();
    match command::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
