//! `deny.toml` in short: accepted licences, banned crates, crates.io only. cargo-deny is the full check.

use super::{Finding, licence};
use crate::{failure::Failure, house::House, step::Step};

/// The lists of `deny.toml` that are held here.
#[derive(Debug)]
struct Lists {
    licences: Vec<String>,
    banned: Vec<String>,
    /// Crates that may be there in one version only.
    single: Vec<String>,
}

/// One line of `cargo tree`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    /// What cargo prints after the version: nothing for crates.io, else a path or an address.
    origin: String,
    licence: String,
}

pub(super) fn check(house: &House) -> Result<Vec<Finding>, Failure> {
    let lists = lists(&house.read("deny.toml")?)?;
    // cargo tree, not cargo metadata: metadata also lists crates that only a feature nobody turns on would bring.
    let arguments = ["tree", "--workspace", "--all-features", "--target", "all", "--prefix", "none"];
    let tree = Step::cargo(house, &arguments).args(["--format", "{p}|{l}"]).output()?;
    let root = house.root.to_string_lossy();
    Ok(breaches(&packages(&tree, &root), &lists))
}

fn lists(text: &str) -> Result<Lists, Failure> {
    let table: toml::Table = text.parse().map_err(|error| Failure::unreadable("deny.toml", error))?;
    let list = |section: &str, key: &str| {
        table.get(section).and_then(|s| s.get(key)).and_then(toml::Value::as_array)
    };
    let (Some(allow), Some(deny)) = (list("licenses", "allow"), list("bans", "deny")) else {
        return Err(Failure::unreadable("deny.toml", "[licenses] allow or [bans] deny is missing"));
    };
    let licences = allow.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect();
    let single = |entry: &&toml::Value| {
        entry.get("deny-multiple-versions").and_then(toml::Value::as_bool) == Some(true)
    };
    let name = |entry: &toml::Value| entry.get("crate").and_then(toml::Value::as_str).map(str::to_owned);
    let (singles, bans): (Vec<_>, Vec<_>) = deny.iter().partition(single);
    Ok(Lists {
        licences,
        banned: bans.into_iter().filter_map(name).collect(),
        single: singles.into_iter().filter_map(name).collect(),
    })
}

/// Each package once. `root` is the checkout: what lies in it is ours.
fn packages(tree: &str, root: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = tree.lines().filter_map(|line| package(line, root)).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn package(line: &str, root: &str) -> Option<Package> {
    let (package, licence) = line.split_once('|')?;
    let mut words = package.split_whitespace();
    let (name, version) = (words.next()?, words.next()?);
    // `(*)` marks a repeat and `(proc-macro)` a kind; a path or an address has a slash.
    let origin = words.filter(|word| word.contains('/')).map(|word| word.trim_matches(['(', ')']));
    let origin: String = origin.filter(|place| !place.starts_with(root)).collect();
    let licence = licence.trim_end_matches("(*)").trim();
    Some(Package { name: name.to_owned(), version: version.to_owned(), origin, licence: licence.to_owned() })
}

fn breaches(packages: &[Package], lists: &Lists) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let place = format!("{} {}", package.name, package.version);
        match licence::accepted(&package.licence, &lists.licences) {
            Some(true) => {}
            Some(false) => {
                findings.push(Finding::new(&place, format!("licence `{}` is not accepted", package.licence)))
            }
            None => {
                findings.push(Finding::new(&place, format!("licence `{}` cannot be read", package.licence)))
            }
        }
        if lists.banned.contains(&package.name) {
            findings.push(Finding::new(&place, "is banned by deny.toml"));
        }
        if !package.origin.is_empty() {
            findings.push(Finding::new(&place, format!("comes from {}, not from crates.io", package.origin)));
        }
    }
    for name in &lists.single {
        if packages.iter().filter(|package| package.name == *name).count() > 1 {
            findings.push(Finding::new(name, "is there in two versions"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{breaches, lists, packages};

    const DENY: &str = r#"
        [licenses]
        allow = ["MIT"]
        [bans]
        deny = [{ crate = "ring", reason = "x" }, { crate = "aws-lc-sys", deny-multiple-versions = true }]
    "#;

    #[test]
    fn bad_dependencies_are_named() {
        let lists = lists(DENY).unwrap();
        for (tree, wanted) in [
            ("a v1.0.0|MIT\na v1.0.0|MIT (*)\n", 0),
            ("ours v0.1.0 (/checkout/crates/ours)|MIT\n", 0),
            ("made v1.0.0 (proc-macro)|MIT\n", 0),
            ("a v1.0.0|GPL-3.0-only\n", 1),
            ("a v1.0.0|\n", 1),
            ("ring v0.17.0|MIT\n", 1),
            ("a v1.0.0 (https://git.example/a#1)|MIT\n", 1),
            ("a v1.0.0 (/elsewhere/a)|MIT\n", 1),
            ("aws-lc-sys v0.46.0|MIT\naws-lc-sys v0.47.0|MIT\n", 1),
        ] {
            let found = breaches(&packages(tree, "/checkout"), &lists);
            assert_eq!(found.len(), wanted, "{tree} {found:?}");
        }
    }

    #[test]
    fn a_deny_file_without_lists_is_refused() {
        assert!(lists("[licenses]\n").is_err());
        assert!(lists("not toml").is_err());
    }
}
