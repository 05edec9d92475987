//! `keyreeve completions`.

use clap::CommandFactory as _;

use super::Failure;

pub(crate) fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::Arguments::command(), "keyreeve", &mut script);
    crate::terminal::print(String::from_utf8(script)?.trim_end());
    Ok(())
}
