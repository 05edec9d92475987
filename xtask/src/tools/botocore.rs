//! botocore's source distribution: AWS's SigV4 test suite and the service models, pinned by hash.
//!
//! Not part of this repository; pip verifies the hash before anything is unpacked.

use std::{fs, path::PathBuf};

use super::python;
use crate::{failure::Failure, house::House, step::Step};

/// The release whose models and SigV4 suite we hold ourselves to.
pub(crate) const VERSION: &str = "1.44.5";
/// SHA-256 of `botocore-1.44.5.tar.gz` on PyPI.
pub(crate) const SHA256: &str = "a988f39e3a4484def0b8010f41128f71157da0515a4804fccce4739aa8f216da";

pub(super) fn ensure(house: &House) -> Result<(), Failure> {
    let folder = folder(house);
    let stamp = folder.join("unpacked");
    if fs::read_to_string(&stamp).is_ok_and(|hash| hash == SHA256) {
        return Ok(());
    }
    python::ensure(house, &python::CLIENTS)?;
    fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let pin = folder.join("pin.txt");
    let line = format!("botocore=={VERSION} --hash=sha256:{SHA256}\n");
    fs::write(&pin, line).map_err(|error| Failure::file(&pin, &error))?;
    Step::new(python::python_of(house))
        .args(["-m", "pip", "download", "--no-deps", "--no-binary", "botocore", "--require-hashes"])
        .arg("--dest")
        .arg(&folder)
        .arg("--requirement")
        .arg(&pin)
        .advice("check the network; a wrong hash means that the release on PyPI is not the one we know")
        .quiet(house, "pip download botocore")?;
    Step::new("tar")
        .args(["xzf", &format!("botocore-{VERSION}.tar.gz")])
        .within(&folder)
        .advice("remove target/botocore-sdist and run this again")
        .quiet(house, "unpack botocore")?;
    fs::write(&stamp, SHA256).map_err(|error| Failure::file(&stamp, &error))
}

/// AWS's SigV4 test cases, one folder each.
pub(crate) fn sigv4_suite(house: &House) -> PathBuf {
    source(house).join("tests").join("unit").join("auth").join("aws4_testsuite")
}

/// A service model with its documentation.
pub(crate) fn service_model(house: &House, service: &str, version: &str) -> PathBuf {
    source(house).join("botocore").join("data").join(service).join(version).join("service-2.json")
}

fn source(house: &House) -> PathBuf {
    folder(house).join(format!("botocore-{VERSION}"))
}

fn folder(house: &House) -> PathBuf {
    house.target.join("botocore-sdist")
}
