//! `cargo xtask test`: the stages, in the order that finds mistakes soonest. One row a stage.

use std::{fmt, time::Instant};

use crate::{
    deny,
    failure::Failure,
    house::{House, say, succeeds},
    prove,
    step::Step,
    tidy,
    tools::{self, Tool},
};

/// Cases per property test in `--fast`; the full run leaves each test's own number.
const FAST_PROPTEST_CASES: &str = "16";

/// Tests that take seconds each; `--fast` leaves them to the complete run. Parts of their full names.
const LONG_TESTS: &[&str] = &[
    "a_kill_at_any_point_of_a_rotation_loses_nothing_and_the_next_start_goes_on",
    "every_mutation_is_detected_and_named_rightly",
    "bodies_of_the_shape_of_the_input",
    "every_condition_key_decides_every_operation_of_iam_and_sts",
    "every_condition_key_decides_every_other_operation_of_kms",
    "a_deployment_with_a_passphrase_rotates_only_with_it",
    "what_is_found_is_what_a_naive_search_finds_page_by_page",
    "a_changed_row_stops_its_own_key_and_no_other",
    "conditions::every_operator",
    "a_passphrase_opens_and_a_wrong_weak_or_public_one_does_not",
    "audit_faults::",
    "every_combination_signs_and_verifies_or_is_refused_alike_by_both",
    "a_restored_deployment_serves_only_after_its_roll_back_was_accepted",
    "open_key::tests::forged::",
    "a_key_of_every_spec_is_seeded_once_and_found_again_after_a_restart",
    "a_damaged_index_hides_at_most_and_never_invents",
    "a_log_that_was_cut_anywhere_keeps_a_prefix_of_the_commits",
    "a_kill_at_any_point_of_an_epochs_change_loses_nothing_and_the_next_start_goes_on",
    "a_kill_between_any_two_commits_leaves_one_primary_and_every_material",
    "whatever_happens_to_any_message_everybody_agrees_after_healing",
];

/// Client tests at a time: half of one's time it waits for its server, which the other then uses.
const CLIENT_WORKERS: &str = "2";

/// What the command line asked for.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) fast: bool,
    pub(crate) only: Vec<String>,
    pub(crate) pytest: Vec<String>,
}

struct Stage {
    name: &'static str,
    about: &'static str,
    tools: &'static [&'static Tool],
    /// Tools that only the complete run of the stage needs.
    tools_unless_fast: &'static [&'static Tool],
    run: fn(&House, &Choice) -> Result<(), Failure>,
}

impl fmt::Debug for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

const STAGES: &[Stage] = &[
    Stage { name: "fmt", about: "formatting", tools: &[], tools_unless_fast: &[], run: fmt_check },
    Stage {
        name: "tidy",
        about: "house rules",
        tools: &[],
        tools_unless_fast: &[],
        run: |house, _| tidy::run(house),
    },
    Stage {
        name: "deny",
        about: "licences, bans and sources by cargo-deny, where it is installed",
        tools: &[],
        tools_unless_fast: &[],
        run: |house, _| deny::run_if_installed(house),
    },
    Stage { name: "clippy", about: "lints", tools: &[], tools_unless_fast: &[], run: clippy },
    Stage {
        name: "rust",
        about: "unit, property and integration tests",
        tools: &[&tools::BOTOCORE_SOURCE],
        tools_unless_fast: &[],
        run: rust_tests,
    },
    Stage {
        name: "doc",
        about: "documentation examples",
        tools: &[],
        tools_unless_fast: &[],
        run: doc_tests,
    },
    Stage {
        name: "proofs",
        about: "short forms of the crash, audit-crash, power-cut, audit-power-cut, audit-lookup, memory, policy and regions proofs",
        tools: &[],
        tools_unless_fast: &[&tools::POLICY_ORACLE],
        run: short_proofs,
    },
    Stage {
        name: "clients",
        about: "real AWS clients against the dev-profile binary, which has debug assertions on",
        tools: &[&tools::PYTHON_CLIENTS],
        tools_unless_fast: &[
            &tools::ENCRYPTION_CLI,
            &tools::ANSIBLE_COLLECTION,
            &tools::NODE_CLIENTS,
            &tools::RUST_SDK_CLIENT,
            &tools::AWS_CLI_2,
            &tools::FAKETIME,
            &tools::CURL,
            &tools::OPENSSL,
        ],
        run: client_tests,
    },
];

pub(crate) fn stage_names() -> Vec<&'static str> {
    STAGES.iter().map(|stage| stage.name).collect()
}

pub(crate) fn run(house: &House, choice: &Choice) -> Result<(), Failure> {
    let started = Instant::now();
    let stages = chosen(choice);
    say("== install: what these stages need");
    for tool in tools_for(&stages, choice.fast) {
        say(&format!("- {}", tool.name));
        (tool.ensure)(house)?;
    }
    for (number, stage) in stages.iter().enumerate() {
        let begun = Instant::now();
        say(&format!("\n== {}/{} {}: {}", number + 1, stages.len(), stage.name, stage.about));
        (stage.run)(house, choice).inspect_err(|_| {
            say(&format!("\nTo repeat only this stage: cargo xtask test --only {}", stage.name));
        })?;
        say(&format!("== {} passed in {:.0} s", stage.name, begun.elapsed().as_secs_f32()));
    }
    say(&format!("\nAll {} stages passed in {:.0} s.", stages.len(), started.elapsed().as_secs_f32()));
    Ok(())
}

fn chosen(choice: &Choice) -> Vec<&'static Stage> {
    STAGES
        .iter()
        .filter(|stage| choice.only.is_empty() || choice.only.iter().any(|name| name == stage.name))
        .collect()
}

/// Each tool once, in the order of the stages.
fn tools_for(stages: &[&'static Stage], fast: bool) -> Vec<&'static Tool> {
    let mut tools: Vec<&'static Tool> = Vec::new();
    for stage in stages {
        let more = if fast { &[] } else { stage.tools_unless_fast };
        for tool in stage.tools.iter().chain(more) {
            if !tools.iter().any(|known| known.name == tool.name) {
                tools.push(tool);
            }
        }
    }
    tools
}

fn fmt_check(house: &House, _: &Choice) -> Result<(), Failure> {
    Step::cargo(house, &["fmt", "--all", "--check"]).advice("run `cargo fmt --all`").live()?;
    tools::rust_sdk_fmt_check(house)
}

fn clippy(house: &House, _: &Choice) -> Result<(), Failure> {
    Step::cargo(house, &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
        .advice("fix the lint; where the code is proved right use #[expect(lint, reason = \"…\")]")
        .live()
}

fn rust_tests(house: &House, choice: &Choice) -> Result<(), Failure> {
    let left_out: &[&str] = if choice.fast { LONG_TESTS } else { &[] };
    let step = if has_nextest() {
        let all = left_out.iter().fold("all()".to_owned(), |all, name| format!("{all} - test({name})"));
        Step::cargo(house, &["nextest", "run", "--workspace"]).args(["-E", &all])
    } else {
        let skips = left_out.iter().flat_map(|name| ["--skip", name]);
        Step::cargo(house, &["test", "--workspace", "--all-targets", "--"]).args(skips)
    };
    let step = step.env("KEYREEVE_SIGV4_SUITE", tools::sigv4_suite(house));
    if choice.fast {
        say(&format!("  {} long tests are left to the complete run", LONG_TESTS.len()));
    }
    let step = if choice.fast { step.env("PROPTEST_CASES", FAST_PROPTEST_CASES) } else { step };
    step.advice("repeat one test with `cargo test -p CRATE NAME`; a property test prints its seed").live()
}

fn doc_tests(house: &House, _: &Choice) -> Result<(), Failure> {
    Step::cargo(house, &["test", "--workspace", "--doc"])
        .advice("repeat it with `cargo test --doc -p CRATE`")
        .live()
}

/// The same features as the tests (`--workspace`), so that no dependency is compiled twice.
fn build(house: &House) -> Result<(), Failure> {
    Step::cargo(house, &["build", "--workspace", "--bins"]).advice("read the compiler's message above").live()
}

fn short_proofs(house: &House, choice: &Choice) -> Result<(), Failure> {
    if choice.fast {
        say("  left to the complete run: it takes a minute or two");
        return Ok(());
    }
    prove::run_short(house)
}

fn client_tests(house: &House, choice: &Choice) -> Result<(), Failure> {
    build(house)?;
    let step = Step::new(tools::python_of(house))
        .args(["-m", "pytest", "tests/clients"])
        // Each worker has servers of its own; whoever is done takes tests over from the other.
        .args(["-n", CLIENT_WORKERS, "--dist", "worksteal"])
        .within(&house.root)
        .env("KEYREEVE_BIN", house.server());
    let step = if choice.fast {
        step.args(["-m", "smoke"])
    } else {
        step.env("KEYREEVE_AWS_CLI_2", tools::aws_cli_2(house)?)
            .env("KEYREEVE_ANSIBLE_COLLECTIONS", tools::ansible_collections(house))
            .env("KEYREEVE_RUST_SDK_CLIENT", tools::rust_sdk_client(house))
    };
    step.args(&choice.pytest)
        .advice("repeat one test with `cargo xtask test --only clients -- -k NAME`; the server's log is in the report")
        .live()
}

fn has_nextest() -> bool {
    succeeds(std::path::Path::new("cargo"), &["nextest", "--version"])
}

#[cfg(test)]
mod tests {
    use super::{Choice, chosen, stage_names, tools_for};

    fn names(fast: bool, only: &[&str]) -> (Vec<&'static str>, Vec<&'static str>) {
        let choice =
            Choice { fast, only: only.iter().map(ToString::to_string).collect(), pytest: Vec::new() };
        let stages = chosen(&choice);
        let tools = tools_for(&stages, fast).into_iter().map(|tool| tool.name).collect();
        (stages.into_iter().map(|stage| stage.name).collect(), tools)
    }

    #[test]
    fn only_picks_stages_in_their_own_order() {
        let (stages, tools) = names(false, &["tidy", "fmt"]);
        assert_eq!(stages, ["fmt", "tidy"]);
        assert!(tools.is_empty(), "{tools:?}");
    }

    #[test]
    fn fast_runs_every_stage_with_fewer_tools() {
        let (stages, fast) = names(true, &[]);
        assert_eq!(stages, stage_names());
        let (_, full) = names(false, &[]);
        assert!(fast.len() < full.len(), "{fast:?} {full:?}");
    }
}
