//! Rules about what is written in a file.

use super::{Finding, source::Source};

/// Past this nobody reads a file from top to bottom.
const LONGEST: usize = 600;
/// The one crate that may talk to C.
const UNSAFE_HOME: &str = "crates/keyreeve-native/";
/// Folders of somebody's machine. (Taken apart here, so that this file passes its own rule.)
const MACHINE_FOLDERS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/fa", "rm/"),
    concat!("/Us", "ers/"),
];
/// Marks of work that was put off. A plan belongs in an issue.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
const UNFINISHED_RUST: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!(")];
/// Data that others wrote: only machine paths are looked for.
const FOREIGN: &[&str] = &[
    "model/kms.json",
    "model/iam.json",
    "model/sts.json",
    "tests/clients/node/package-lock.json",
    "tests/oracle/policy/package-lock.json",
    "LICENSE",
];

pub(super) fn length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    if lines <= LONGEST || !["rs", "py", "js", "mjs"].contains(&source.extension()) {
        return Vec::new();
    }
    vec![Finding::new(&source.path, format!("{lines} lines, at most {LONGEST}; split it by noun"))]
}

/// Every Rust file begins by saying what it is.
pub(super) fn header(source: &Source) -> Vec<Finding> {
    if !source.is_rust() || source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![Finding::new(&source.path, "begins without a `//!` line that says what the file is")]
}

pub(super) fn machine_paths(source: &Source) -> Vec<Finding> {
    let hit = |line: &str| MACHINE_FOLDERS.iter().find(|folder| names_folder(line, folder)).copied();
    let lines = source.lines().filter_map(|(place, line)| hit(line).map(|folder| (place, folder)));
    lines.map(|(place, folder)| Finding::new(place, format!("`{folder}` is a path of one machine"))).collect()
}

/// The folder at the start of a path, not in the middle of one (`https://x/…`, `a/…`).
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "/._-~*}>".contains(c))
    })
}

pub(super) fn unfinished(source: &Source) -> Vec<Finding> {
    if FOREIGN.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let rust: &[&str] = if source.is_rust() { UNFINISHED_RUST } else { &[] };
    let hit = |line: &str| {
        let word = UNFINISHED.iter().find(|word| has_word(line, word));
        word.or_else(|| rust.iter().find(|call| line.contains(*call))).copied()
    };
    let lines = source.lines().filter_map(|(place, line)| hit(line).map(|word| (place, word)));
    lines.map(|(place, word)| Finding::new(place, format!("`{word}`: do it now or file an issue"))).collect()
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !inside(before) && (!inside(after) || word.ends_with(':'))
    })
}

/// A silenced lint says why, in the attribute itself.
pub(super) fn lint_reasons(source: &Source) -> Vec<Finding> {
    if !source.is_rust() {
        return Vec::new();
    }
    let starts = [
        concat!("#[al", "low("),
        concat!("#![al", "low("),
        concat!("#[exp", "ect("),
        concat!("#![exp", "ect("),
    ];
    let mut findings = Vec::new();
    let mut offset = 0;
    for (place, line) in source.lines() {
        let attribute = starts.iter().find_map(|start| line.find(start));
        if let Some(at) = attribute {
            let rest = source.text.get(offset + at..).unwrap_or_default();
            let attribute = rest.split_once(")]").map_or(rest, |(attribute, _)| attribute);
            if !attribute.contains("reason = ") {
                findings.push(Finding::new(place, "silences a lint without `reason = \"…\"`"));
            }
        }
        offset += line.len() + 1;
    }
    findings
}

pub(super) fn unsafe_code(source: &Source) -> Vec<Finding> {
    if !source.is_rust() || source.path.starts_with(UNSAFE_HOME) {
        return Vec::new();
    }
    let word = concat!("uns", "afe");
    let code = |line: &str| line.split("//").next().is_some_and(|code| opens_unsafe(code, word));
    let lines = source.lines().filter(|(_, line)| code(line));
    lines.map(|(place, _)| Finding::new(place, format!("{word} code belongs in {UNSAFE_HOME}"))).collect()
}

fn opens_unsafe(code: &str, word: &str) -> bool {
    ["{", "fn", "impl", "trait", "extern"].iter().any(|next| code.contains(&format!("{word} {next}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&Source { path: path.to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn long_files_are_refused() {
        let text = "//! x\n".repeat(LONGEST);
        assert_eq!(check(length, "a.rs", &text), 0);
        assert_eq!(check(length, "a.rs", &format!("{text}x\n")), 1);
        assert_eq!(check(length, "a.py", &format!("{text}x\n")), 1);
        assert_eq!(check(length, "Cargo.lock", &format!("{text}x\n")), 0);
    }

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(check(header, "a.rs", "fn main() {}\n"), 1);
        assert_eq!(check(header, "a.rs", "//! A.\nfn main() {}\n"), 0);
        assert_eq!(check(header, "a.py", "x = 1\n"), 0);
    }

    #[test]
    fn paths_of_one_machine_are_refused() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(check(machine_paths, "a.md", &format!("see {folder}x")), 1, "{folder}");
            assert_eq!(check(machine_paths, "a.rs", &format!("open(\"{folder}x\")")), 1, "{folder}");
            assert_eq!(check(machine_paths, "a.md", &format!("https://host{folder}x")), 0, "{folder}");
            assert_eq!(check(machine_paths, "a.md", &format!("tests{folder}x")), 0, "{folder}");
        }
    }

    #[test]
    fn work_put_off_is_refused() {
        for word in UNFINISHED {
            assert_eq!(check(unfinished, "a.md", &format!("- {word} later")), 1, "{word}");
            assert_eq!(check(unfinished, "model/kms.json", word), 0, "{word}");
        }
        for call in UNFINISHED_RUST {
            assert_eq!(check(unfinished, "a.rs", &format!("    {call})")), 1, "{call}");
        }
        assert_eq!(check(unfinished, "a.md", concat!("MASTO", "DON")), 0);
    }

    #[test]
    fn a_silenced_lint_needs_a_reason() {
        let bare = concat!("#[exp", "ect(clippy::panic)]\nfn f() {}\n");
        let explained = concat!("#[exp", "ect(\n    clippy::panic,\n    reason = \"proved\"\n)]\n");
        assert_eq!(check(lint_reasons, "a.rs", bare), 1);
        assert_eq!(check(lint_reasons, "a.rs", concat!("//! é\n#![al", "low(dead_code)]\n")), 1);
        assert_eq!(check(lint_reasons, "a.rs", explained), 0);
        assert_eq!(check(lint_reasons, "a.rs", &format!("{explained}{bare}")), 1);
    }

    #[test]
    fn talking_to_c_has_one_home() {
        let block = concat!("let x = uns", "afe { f() };");
        assert_eq!(check(unsafe_code, "crates/keyreeve-store/src/lib.rs", block), 1);
        assert_eq!(check(unsafe_code, "crates/keyreeve-native/src/lib.rs", block), 0);
        assert_eq!(
            check(unsafe_code, "a.rs", concat!("// never uns", "afe { }\n#![forbid(uns", "afe_code)]")),
            0
        );
    }
}
