//! The npm packages of `tests/clients/node`, exactly as `package-lock.json` pins them.

use std::fs;

use super::debian;
use crate::{failure::Failure, house::House, step::Step};

pub(super) fn ensure(house: &House) -> Result<(), Failure> {
    debian::ensure(house, "node", "nodejs")?;
    debian::ensure(house, "npm", "npm")?;
    let wanted = house.read("tests/clients/node/package-lock.json")?;
    let folder = house.root.join("tests").join("clients").join("node");
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
