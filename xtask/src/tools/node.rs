//! The npm packages of a folder such as `tests/clients/node`, exactly as its `package-lock.json` pins them.

use std::fs;

use super::debian;
use crate::{failure::Failure, house::House, step::Step};

/// Installs them into `node_modules` beside the lock file, unless these very packages are there.
pub(super) fn ensure(house: &House, relative: &str) -> Result<(), Failure> {
    debian::ensure(house, "node", "nodejs")?;
    debian::ensure(house, "npm", "npm")?;
    let wanted = house.read(&format!("{relative}/package-lock.json"))?;
    let folder = house.root.join(relative);
    let stamp = folder.join("node_modules").join("package-lock.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    Step::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .within(&folder)
        .advice("check the network and that node is version 20 or newer")
        .quiet(house, "npm ci")?;
    fs::write(&stamp, wanted).map_err(|error| Failure::file(&stamp, &error))
}
