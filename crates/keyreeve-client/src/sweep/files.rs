//! A sweep over files and folders: one ciphertext a file, each rewritten where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::encoded::{Encoded, FILE_BYTES_MAX, NoBlob};
use super::journal::Journal;
use super::renewal::{Outcome, Renewer, Trouble};
use super::replace::replace;
use super::workers::{Done, Progress, each};
use super::{Plan, Tally};
use crate::kms::Call;

/// Name of the journal in a folder. As all names that begin with a dot, it is passed over.
const JOURNAL: &str = ".keyreeve-reencrypt";

/// The files of a sweep.
#[derive(Debug, Default)]
pub struct Found {
    /// Each once, in the order of their names.
    pub files: BTreeSet<PathBuf>,
    /// How many symbolic links stand in the folders; they are not followed.
    pub links: u64,
}

/// The named files, and every file in the named folders and in the folders there, except those whose names begin with a dot.
///
/// # Errors
/// The path that cannot be read, and why.
pub fn find(paths: &[PathBuf]) -> Result<Found, (PathBuf, io::Error)> {
    let mut found = Found::default();
    for path in paths {
        // A link that was named is meant: its target is rewritten, and stays a target.
        let real = path.canonicalize().map_err(|error| (path.clone(), error))?;
        let mut folders = Vec::new();
        if real.is_dir() {
            folders.push(real);
        } else if real.is_file() {
            found.files.insert(real);
        } else {
            return Err((path.clone(), io::Error::other("neither a file nor a folder")));
        }
        while let Some(folder) = folders.pop() {
            look_into(&folder, &mut folders, &mut found).map_err(|error| (folder, error))?;
        }
    }
    Ok(found)
}

fn look_into(folder: &Path, folders: &mut Vec<PathBuf>, found: &mut Found) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folders.push(entry.path());
        } else if kind.is_file() {
            found.files.insert(entry.path());
        } else if kind.is_symlink() {
            found.links += 1;
        }
    }
    Ok(())
}

/// Where the journal of a sweep over these is, unless somebody says otherwise: in the first folder, or beside the first file.
#[must_use]
pub fn journal_beside(paths: &[PathBuf]) -> PathBuf {
    let first = paths.first().map_or(Path::new("."), PathBuf::as_path);
    if first.is_dir() { first.join(JOURNAL) } else { first.with_file_name(JOURNAL) }
}

/// Sweeps, with one thread for each caller.
pub fn sweep<C: Call + Send>(
    plan: &Plan,
    journal: &Journal,
    found: &Found,
    callers: Vec<C>,
    progress: Progress<'_>,
) -> Tally {
    let renewer = Renewer::new(plan, journal);
    let files: Vec<&PathBuf> = found.files.iter().collect();
    let name = |path: &&PathBuf| path.display().to_string();
    each(&files, callers, progress, &name, &|call: &mut C, path: &&PathBuf| one(&renewer, call, path))
}

fn one(renewer: &Renewer<'_>, call: &mut impl Call, path: &Path) -> Result<Done, Trouble> {
    let failed = |error: io::Error| Trouble::One(error.to_string());
    let read = content_of(path).map_err(failed)?;
    if read.len() as u64 > FILE_BYTES_MAX {
        return Err(Trouble::One(NoBlob::TooLong.to_string()));
    }
    let encoded = Encoded::read(&read).map_err(|error| Trouble::One(error.to_string()))?;
    let (new, done) = match renewer.renew(call, &encoded.blob, &BTreeMap::new())? {
        Outcome::Current => return Ok(Done::Current),
        Outcome::Pending => return Ok(Done::Pending),
        Outcome::Renewed(new) => (new, Done::Renewed),
        Outcome::Resumed { new, sure } => (new, Done::Resumed { sure }),
    };
    replace(path, &read, &encoded.like(&new))?;
    Ok(done)
}

fn content_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    Ok(content)
}
