//! Buckets that are folders. A file appears whole or not at all; what S3 keeps as metadata stands beside it in
//! `<name>.metadata.json`.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::destination::{Object, PutFault};

/// Puts an object. Blocks.
///
/// # Errors
/// [`PutFault`].
pub(super) fn put(root: &Path, makes_root: bool, object: &Object) -> Result<(), PutFault> {
    let path = root.join(&object.key);
    put_file(root, makes_root, object, &path).map_err(|error| {
        let absent = error.kind() == ErrorKind::NotFound && !root.is_dir();
        let code = if absent { "NoSuchBucket" } else { "InternalError" };
        PutFault { code: code.to_owned(), why: format!("{}: {error}", path.display()) }
    })
}

fn put_file(root: &Path, makes_root: bool, object: &Object, path: &Path) -> Result<(), Error> {
    if makes_root {
        fs::create_dir_all(root)?;
    }
    // A disk that is not mounted must not be filled under its mount point.
    if !root.is_dir() {
        return Err(Error::new(ErrorKind::NotFound, "the folder of the bucket is not there"));
    }
    let metadata: Map<String, Value> = object
        .metadata
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    if !metadata.is_empty() {
        // First, so that no digest is without its signature.
        write(&beside(path, ".metadata.json"), Value::Object(metadata).to_string().as_bytes())?;
    }
    write(path, &object.body)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    make(folder)?;
    let unfinished = beside(path, ".part");
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}

/// Makes a folder and those above it. Each is on disk in the one above before anything is said to be delivered.
fn make(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(above) = folder.parent() else { return Ok(()) };
    make(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => File::open(above)?.sync_all(),
    }
}
