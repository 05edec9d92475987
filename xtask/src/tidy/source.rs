//! The files that the rules look at: what git tracks or would track, as text.

use std::fs;

use crate::{failure::Failure, house::House, step::Step};

/// A text file of the checkout. Binary files are left out.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    pub(super) fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    pub(super) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// Lines with their place, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (format!("{}:{}", self.path, index + 1), line))
    }
}

/// Every tracked file and every new file that is not ignored.
pub(super) fn all(house: &House) -> Result<Vec<Source>, Failure> {
    let listing = Step::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .within(&house.root)
        .advice("run tidy inside a git checkout")
        .output()?;
    let mut paths: Vec<&str> = listing.split_terminator('\0').collect();
    paths.sort_unstable();
    paths.dedup();
    // A file that is deleted but still in the index, or that is not text, cannot be read as text: nothing to check.
    let read = |path: &str| fs::read_to_string(house.root.join(path)).ok();
    Ok(paths
        .iter()
        .filter_map(|path| read(path).map(|text| Source { path: (*path).to_owned(), text }))
        .collect())
}
