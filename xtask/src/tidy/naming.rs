//! Names that say nothing: a stranger must be able to guess what a file holds.

use super::{Finding, source::Source};

/// Words that collect whatever has no home.
const VAGUE: &[&str] =
    &["utils", "util", "common", "helpers", "helper", "misc", "shared", "types", "manager"];
const CODE: &[&str] = &["rs", "py", "js", "mjs", "ts"];

pub(super) fn vague_names(source: &Source) -> Vec<Finding> {
    if !CODE.contains(&source.extension()) {
        return Vec::new();
    }
    let of_path = source.path.split('/').map(stem).filter(|name| is_vague(name));
    let mut findings: Vec<Finding> = of_path.map(|name| finding(&source.path, name)).collect();
    if source.is_rust() {
        let declared =
            source.lines().filter_map(|(place, line)| declared_module(line).map(|name| (place, name)));
        findings
            .extend(declared.filter(|(_, name)| is_vague(name)).map(|(place, name)| finding(&place, name)));
    }
    findings
}

fn finding(place: &str, name: &str) -> Finding {
    Finding::new(place, format!("`{name}` says nothing; name the noun that is inside"))
}

/// `a/http_utils.rs` counts as well: the last word is what is meant.
fn is_vague(name: &str) -> bool {
    let last = name.rsplit(['_', '-']).next().unwrap_or(name);
    VAGUE.contains(&last)
}

fn stem(component: &str) -> &str {
    component.split_once('.').map_or(component, |(stem, _)| stem)
}

/// The name in `mod name;`, `pub mod name {` and the like.
fn declared_module(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("mod ")?;
    let starts_item = before.trim().is_empty() || before.trim().starts_with("pub");
    let name = after.trim_end_matches([';', '{', ' ', '}']);
    (starts_item && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{Source, vague_names};

    fn count(path: &str, text: &str) -> usize {
        vague_names(&Source { path: path.to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn names_that_say_nothing_are_refused() {
        for (path, text, wanted) in [
            ("crates/a/src/utils.rs", "", 1),
            ("crates/a/src/common/mod.rs", "", 1),
            ("crates/a/src/http_helpers.rs", "", 1),
            ("tests/clients/helpers.py", "", 1),
            ("crates/a/src/lib.rs", "pub(crate) mod misc {\n}", 1),
            ("crates/a/src/lib.rs", "mod shared;", 1),
            ("crates/a/src/key_spec.rs", "mod key_state;\n// a mod types of its own", 0),
            ("docs/common.md", "", 0),
            ("crates/a/src/shared_secret.rs", "", 0),
        ] {
            assert_eq!(count(path, text), wanted, "{path} {text}");
        }
    }
}
