//! `cargo xtask tidy`: the house rules that no compiler checks. One row a rule.

mod arrows;
mod dependencies;
mod licence;
mod naming;
mod source;
mod text;

use std::fmt;

use source::Source;

use crate::{
    failure::Failure,
    house::{House, say},
};

/// One breach of one rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `path:line`, a path, or a crate.
    place: String,
    /// What is wrong and what to do.
    what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Finding {
        Finding { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "  {}: {}", self.place, self.what)
    }
}

/// A rule that looks at one file at a time.
struct FileRule {
    name: &'static str,
    check: fn(&Source) -> Vec<Finding>,
}

const FILE_RULES: &[FileRule] = &[
    FileRule { name: "names", check: naming::vague_names },
    FileRule { name: "length", check: text::length },
    FileRule { name: "header", check: text::header },
    FileRule { name: "machine paths", check: text::machine_paths },
    FileRule { name: "unfinished work", check: text::unfinished },
    FileRule { name: "lint reasons", check: text::lint_reasons },
    FileRule { name: "unsafe code", check: text::unsafe_code },
];

/// A rule about the whole dependency graph.
struct GraphRule {
    name: &'static str,
    check: fn(&House) -> Result<Vec<Finding>, Failure>,
}

const GRAPH_RULES: &[GraphRule] = &[
    GraphRule { name: "crate arrows", check: arrows::check },
    GraphRule { name: "licences, bans and sources", check: dependencies::check },
];

pub(crate) fn run(house: &House) -> Result<(), Failure> {
    let sources = source::all(house)?;
    let mut findings = Vec::new();
    for rule in FILE_RULES {
        report(rule.name, sources.iter().flat_map(rule.check).collect(), &mut findings);
    }
    for rule in GRAPH_RULES {
        report(rule.name, (rule.check)(house)?, &mut findings);
    }
    if findings.is_empty() {
        say(&format!("tidy: {} files, {} rules", sources.len(), FILE_RULES.len() + GRAPH_RULES.len()));
        return Ok(());
    }
    Err(Failure::new(
        format!("tidy found {} breach(es) of the house rules", findings.len()),
        "change the places above; CONTRIBUTING.md gives the reasons",
    ))
}

fn report(rule: &str, found: Vec<Finding>, findings: &mut Vec<Finding>) {
    if !found.is_empty() {
        say(&format!("{rule}:"));
        found.iter().for_each(|finding| say(&finding.to_string()));
    }
    findings.extend(found);
}
