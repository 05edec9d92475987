//! Debian packages: installed only when the program is missing, through sudo when not root.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    failure::Failure,
    house::{House, on_path, say, succeeds},
    step::Step,
};

/// Installs `package` unless `program` is on PATH.
pub(super) fn ensure(house: &House, program: &str, package: &str) -> Result<(), Failure> {
    if on_path(program).is_empty() { install(house, package) } else { Ok(()) }
}

/// The first `aws` on PATH that is a version 2 (a virtual environment may put version 1 in front).
pub(super) fn aws_cli_2(house: &House) -> Result<PathBuf, Failure> {
    if let Some(found) = find_aws_cli_2() {
        return Ok(found);
    }
    install(house, "awscli")?;
    find_aws_cli_2().ok_or_else(|| {
        Failure::new(
            "the package awscli brought no AWS CLI v2",
            "install AWS CLI v2 by hand and put it on PATH",
        )
    })
}

fn find_aws_cli_2() -> Option<PathBuf> {
    on_path("aws").into_iter().find(|program| is_version_2(program))
}

fn is_version_2(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| output.stdout.starts_with(b"aws-cli/2."))
}

/// `apt-get install`, after an `apt-get update` when the package lists are stale.
pub(super) fn install(house: &House, package: &str) -> Result<(), Failure> {
    if on_path("apt-get").is_empty() {
        return Err(Failure::new(
            format!("{package} is missing and this machine has no apt-get"),
            format!("install {package} with your package manager"),
        ));
    }
    say(&format!("  installing the Debian package {package}"));
    let first = apt_get(&["install", "-y", "--no-install-recommends", package])
        .quiet(house, &format!("apt {package}"));
    if first.is_ok() {
        return first;
    }
    apt_get(&["update"]).quiet(house, "apt update")?;
    apt_get(&["install", "-y", "--no-install-recommends", package])
        .advice(format!("install the package {package} by hand, then run this again"))
        .quiet(house, &format!("apt {package}"))
}

fn apt_get(arguments: &[&str]) -> Step {
    let step = if is_root() { Step::new("apt-get") } else { Step::new("sudo").args(["-n", "apt-get"]) };
    step.args(arguments).env("DEBIAN_FRONTEND", "noninteractive")
}

fn is_root() -> bool {
    // Process 1 belongs to root; whoever owns its folder is root too.
    succeeds(Path::new("test"), &["-O", "/proc/1"])
}
