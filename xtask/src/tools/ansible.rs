//! Ansible's collection `amazon.aws`. It is published on PyPI inside the `ansible` package only, which has a hundred
//! others: the wheel is fetched, pinned by hash, and this one collection unpacked. `ansible-core`, which runs it, is
//! among the Python clients.

use std::{fs, path::PathBuf};

use super::python;
use crate::{failure::Failure, house::House, step::Step};

/// The release that holds the collection; it belongs to the `ansible-core` of `tests/clients/requirements.txt`.
const VERSION: &str = "12.3.0";
/// SHA-256 of its wheel on PyPI.
const SHA256: &str = "cd156f82fa87f7a899212b0efa9f7ca3a24d609212de9f78428a572eb01e5414";
/// Unpacks what begins with the second argument from the wheel that is the first.
const UNPACK: &str = "import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
wheel.extractall('.', [name for name in wheel.namelist() if name.startswith(sys.argv[2])])";

pub(super) fn ensure(house: &House) -> Result<(), Failure> {
    let folder = collections(house);
    let stamp = folder.join("unpacked");
    if fs::read_to_string(&stamp).is_ok_and(|hash| hash == SHA256) {
        return Ok(());
    }
    python::ensure(house, &python::CLIENTS)?;
    fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let pin = folder.join("pin.txt");
    let line = format!("ansible=={VERSION} --hash=sha256:{SHA256}\n");
    fs::write(&pin, line).map_err(|error| Failure::file(&pin, &error))?;
    Step::new(python::python_of(house))
        .args(["-m", "pip", "download", "--no-deps", "--only-binary", "ansible", "--require-hashes"])
        .arg("--dest")
        .arg(&folder)
        .arg("--requirement")
        .arg(&pin)
        .advice("check the network; a wrong hash means that the release on PyPI is not the one we know")
        .quiet(house, "pip download ansible")?;
    let wheel = format!("ansible-{VERSION}-py3-none-any.whl");
    Step::new(python::python_of(house))
        .args(["-c", UNPACK, &wheel, "ansible_collections/amazon/aws/"])
        .within(&folder)
        .advice("remove target/ansible-collections and run this again")
        .quiet(house, "unpack amazon.aws")?;
    fs::remove_file(folder.join(&wheel)).map_err(|error| Failure::file(&folder, &error))?;
    fs::write(&stamp, SHA256).map_err(|error| Failure::file(&stamp, &error))
}

/// The folder that Ansible is to search.
pub(crate) fn collections(house: &House) -> PathBuf {
    house.target.join("ansible-collections")
}
