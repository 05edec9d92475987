//! `keyreeve man`.

use clap::CommandFactory as _;

use super::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(crate::cli::Arguments::command()).render(&mut page)?;
    crate::terminal::print(String::from_utf8(page)?.trim_end());
    Ok(())
}
