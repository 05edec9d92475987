//! Virtual environments, rebuilt only when their requirements file changed.

use std::{fs, path::PathBuf};

use super::debian;
use crate::{
    failure::Failure,
    house::{House, succeeds},
    step::Step,
};

/// A virtual environment and the file that pins what is in it.
#[derive(Debug)]
pub(super) struct Environment {
    name: &'static str,
    requirements: &'static str,
}

pub(super) const CLIENTS: Environment =
    Environment { name: "clients", requirements: "tests/clients/requirements.txt" };
pub(super) const ENCRYPTION_CLI: Environment =
    Environment { name: "encryption-cli", requirements: "tests/clients/requirements-encryption-cli.txt" };

/// The interpreter that has the Python clients.
pub(crate) fn python_of(house: &House) -> PathBuf {
    house.venv(CLIENTS.name).join("bin").join("python")
}

pub(super) fn ensure(house: &House, environment: &Environment) -> Result<(), Failure> {
    let folder = house.venv(environment.name);
    let wanted = house.read(environment.requirements)?;
    // The stamp is the file itself, written last: a half-made environment has none.
    let stamp = folder.join("requirements.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    create(house, environment)?;
    Step::new(folder.join("bin").join("pip"))
        .args(["install", "--disable-pip-version-check", "--requirement"])
        .arg(house.root.join(environment.requirements))
        .advice(format!("check the network and {}, then run this again", environment.requirements))
        .quiet(house, &format!("pip install {}", environment.name))?;
    fs::write(&stamp, wanted).map_err(|error| Failure::file(&stamp, &error))
}

fn create(house: &House, environment: &Environment) -> Result<(), Failure> {
    let folder = house.venv(environment.name);
    if succeeds(&folder.join("bin").join("pip"), &["--version"]) {
        return Ok(());
    }
    let doing = format!("python venv {}", environment.name);
    let venv = || Step::new("python3").args(["-m", "venv", "--clear"]).arg(&folder);
    if venv().quiet(house, &doing).is_ok() {
        return Ok(());
    }
    // Debian's python3 comes without the part that makes environments.
    debian::install(house, "python3-venv")?;
    venv().advice("install Python 3.9 or newer with its venv module").quiet(house, &doing)
}
