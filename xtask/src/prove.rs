//! `cargo xtask prove`: the long forms of the proofs. One row a proof; the test command runs their short, seeded forms.

use crate::{failure::Failure, house::House, step::Step, tools};

/// Seed of the short forms in the test command, so that a red run can be repeated.
const SHORT_SEED: &str = "2026";

/// Every proof, by the name that `keyreeve-proofs` knows it under.
const PROOFS: &[&str] = &[
    "crash",
    "audit-crash",
    "power-cut",
    "audit-power-cut",
    "audit-lookup",
    "memory",
    "policy",
    "regions",
    "regions-model",
];

/// The one whose short form is a unit test of its crate, and needs no second run.
const TESTED_AS_UNIT: &str = "regions-model";

/// The one that needs `tools::POLICY_ORACLE`.
const ASKS_THE_ORACLE: &str = "policy";
/// The one whose servers run under a clock that the proof moves on.
const MOVES_THE_CLOCK: &str = "regions";

pub(crate) const fn names() -> &'static [&'static str] {
    PROOFS
}

/// The long form of one proof.
pub(crate) fn run(
    house: &House,
    name: &str,
    seed: Option<u64>,
    rounds: Option<usize>,
) -> Result<(), Failure> {
    build(house)?;
    if name == ASKS_THE_ORACLE {
        (tools::POLICY_ORACLE.ensure)(house)?;
    }
    if name == MOVES_THE_CLOCK {
        (tools::FAKETIME.ensure)(house)?;
    }
    let mut step = proof(house, name);
    if let Some(seed) = seed {
        step = step.args(["--seed", &seed.to_string()]);
    }
    if let Some(rounds) = rounds {
        step = step.args(["--rounds", &rounds.to_string()]);
    }
    step.advice("repeat it with the seed that it printed").live()
}

/// The short forms of all proofs.
pub(crate) fn run_short(house: &House) -> Result<(), Failure> {
    build(house)?;
    for name in PROOFS.iter().filter(|name| **name != TESTED_AS_UNIT) {
        let advice = format!("repeat it with `cargo xtask prove {name} --seed {SHORT_SEED}`");
        proof(house, name).args(["--short", "--seed", SHORT_SEED]).advice(advice).live()?;
    }
    Ok(())
}

/// Measurements of one part, which need no server.
const PARTS: &[&str] = &["audit", "decision"];

/// The benchmark, on release builds.
pub(crate) fn bench(house: &House, arguments: &[String]) -> Result<(), Failure> {
    let build = ["build", "--release", "-p", "keyreeve", "-p", "keyreeve-bench"];
    Step::cargo(house, &build).advice("read the compiler's message above").live()?;
    let release = house.target.join("release");
    let bench = Step::new(release.join("keyreeve-bench"));
    let bench = match arguments.first() {
        Some(first) if PARTS.contains(&first.as_str()) => bench,
        Some(_) | None => bench.arg("run").arg("--binary").arg(release.join("keyreeve")),
    };
    bench.args(arguments).within(&house.root).advice("quiet the machine, and repeat it").live()
}

fn build(house: &House) -> Result<(), Failure> {
    Step::cargo(house, &["build", "--workspace", "--bins"]).advice("read the compiler's message above").live()
}

fn proof(house: &House, name: &str) -> Step {
    Step::new(house.target.join("debug").join("keyreeve-proofs")).arg(name).within(&house.root)
}
