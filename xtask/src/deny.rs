//! `cargo xtask deny`: cargo-deny on licences, bans and sources. Advisories need the network and are left to a timer.

use std::path::Path;

use crate::{
    failure::Failure,
    house::{House, say, succeeds},
    step::Step,
};

/// The release that `deny.toml` is written for.
const INSTALL: &str = "cargo install --locked cargo-deny@0.20.2";

pub(crate) fn run(house: &House) -> Result<(), Failure> {
    if !installed() {
        return Err(Failure::new("cargo-deny is not installed", format!("run `{INSTALL}`")));
    }
    Step::cargo(house, &["deny", "check", "licenses", "bans", "sources"])
        .advice("replace the dependency, or change deny.toml and say why there")
        .live()
}

/// For the test command: `tidy` holds the same `deny.toml` without it, so its absence is said and is no failure.
pub(crate) fn run_if_installed(house: &House) -> Result<(), Failure> {
    if installed() {
        return run(house);
    }
    say(&format!("  cargo-deny is not installed; tidy checked deny.toml's lists. To install it: {INSTALL}"));
    Ok(())
}

fn installed() -> bool {
    succeeds(Path::new("cargo"), &["deny", "--version"])
}
