//! The policy proof: random questions to the engine, to a naive evaluator of our own and to iam-simulate. The engine and
//! the naive evaluator agree always; the oracle agrees but for its known quirks, and with them exactly.

mod case;
mod engine;
mod explained;
mod generate;
mod naive;
mod oracle;
mod shrink;
mod vocabulary;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::ProgressBar;

use crate::Setting;
use crate::chance::Chance;
use crate::failure::Failure;
use crate::report::{bar, say};
use case::{Case, Decision};
use explained::{Blind, QUIRKS, Quirks};
use oracle::Oracle;

/// Cases that one oracle is asked at once.
const BATCH: usize = 1000;

/// What was compared, for the report.
#[derive(Debug, Default)]
struct Tally {
    cases: usize,
    allowed: usize,
    explicit: usize,
    granted: usize,
    foreign: usize,
    /// Cases in which the oracle's word does not count.
    blind: usize,
    /// Cases in which the oracle decides otherwise than the engine.
    explained: usize,
    /// The same by the first quirk of the table that explains it alone; the rest owe it to several at once.
    by_quirk: Vec<usize>,
}

/// Runs the proof.
///
/// # Errors
/// [`Failure::Broken`] with the smallest case found when a difference is explained by nothing.
pub(crate) fn run(setting: &Setting, cases: usize) -> Result<(), Failure> {
    let root = Chance::new(setting.seed);
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally { by_quirk: vec![0; QUIRKS.len()], ..Tally::default() });
    let progress = bar(cases, "cases");
    let work = || work(&root, &next, cases, &tally, &progress);
    let processes = thread::available_parallelism().map_or(1, usize::from);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..processes).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    progress.finish_and_clear();
    for outcome in outcomes {
        outcome.unwrap_or_else(|_| Err(Failure::Setting("a thread of the proof died".to_owned())))?;
    }
    if let Ok(tally) = tally.into_inner() {
        report(&tally);
    }
    Ok(())
}

fn report(tally: &Tally) {
    let Tally { cases, allowed, explicit, granted, foreign, blind, explained, by_quirk } = tally;
    say(&format!(
        "policy: {cases} cases, {foreign} of them across accounts; {allowed} allowed and {explicit} denied explicitly; \
         a grant decided {granted} more. The engine and the naive evaluator agree in all of them. The oracle was not \
         heard in {blind}, and decides {explained} otherwise, each exactly as its known quirks make it:"
    ));
    for (row, count) in QUIRKS.iter().zip(by_quirk) {
        say(&format!("  {count:>8} {:?}: {} ({})", row.quirk, row.rule, row.page));
    }
    say(&format!("  {:>8} several of them at once", explained.saturating_sub(by_quirk.iter().sum())));
    for blind in explained::BLIND {
        say(&format!("  not heard: {}", blind.why));
    }
}

/// Takes batches until none is left, or until somebody failed.
fn work(
    root: &Chance,
    next: &AtomicUsize,
    cases: usize,
    tally: &Mutex<Tally>,
    progress: &ProgressBar,
) -> Result<(), Failure> {
    let mut oracle = Oracle::start()?;
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= cases {
            return Ok(());
        }
        let numbers = from..cases.min(from.saturating_add(BATCH));
        let outcome = batch(&mut oracle, root, numbers.clone(), tally);
        if outcome.is_err() {
            next.store(cases, Ordering::Relaxed);
            return outcome;
        }
        progress.inc(u64::try_from(numbers.len()).unwrap_or_default());
        if progress.is_hidden() {
            say_milestone(&numbers, cases);
        }
    }
}

/// Every tenth of the way, where no bar shows it.
fn say_milestone(numbers: &Range<usize>, cases: usize) {
    let tenth = (cases / 10).max(BATCH);
    if numbers.start / tenth != numbers.end / tenth {
        say(&format!("  {} of {cases} cases", numbers.end));
    }
}

fn batch(
    oracle: &mut Oracle,
    root: &Chance,
    numbers: Range<usize>,
    tally: &Mutex<Tally>,
) -> Result<(), Failure> {
    let stream = |number: usize| root.branch(&[u64::try_from(number).unwrap_or(u64::MAX)]);
    let cases: Vec<Case> = numbers.clone().map(|number| generate::case(stream(number))).collect();
    let ours = || cases.iter().map(Ours::of).collect::<Vec<_>>();
    let (answers, ours) = oracle.ask(&cases, ours)?;
    for (((number, case), answer), ours) in numbers.zip(&cases).zip(&answers).zip(&ours) {
        let theirs =
            answer.decision().map_err(|error| error.at(&format!("case {number}: {}", case.line())))?;
        if ours.difference(theirs).is_some() {
            return Err(unexplained(oracle, case.clone(), number));
        }
        if let Ok(mut tally) = tally.lock() {
            tally.book(case, ours, theirs);
        }
    }
    Ok(())
}

/// What our two evaluators decide.
#[derive(Debug)]
struct Ours {
    engine: engine::Decided,
    engine_with_grant: engine::Decided,
    naive: Decision,
    naive_with_grant: Decision,
    naive_as_oracle: Decision,
    /// Why the oracle's word does not count.
    blind: Option<&'static Blind>,
}

impl Ours {
    fn of(case: &Case) -> Self {
        let naive = naive::decide(case, None, Quirks::NONE);
        let (engine, engine_with_grant) = engine::decide(case);
        Self {
            engine,
            engine_with_grant,
            naive,
            naive_with_grant: case
                .grant
                .as_ref()
                .map_or(naive, |grant| naive::decide(case, Some(grant), Quirks::NONE)),
            naive_as_oracle: naive::decide(case, None, Quirks::ALL),
            blind: explained::blind(&case.line()),
        }
    }

    /// What must not be.
    fn difference(&self, theirs: Decision) -> Option<String> {
        let blind = self.blind.is_some();
        let Self { engine, engine_with_grant, naive, naive_with_grant, naive_as_oracle, .. } = self;
        if !engine.is(*naive) {
            return Some(format!(
                "the engine: {engine:?}, the naive evaluator: {naive:?}, the oracle: {theirs:?}"
            ));
        }
        if !engine_with_grant.is(*naive_with_grant) {
            return Some(format!(
                "with the grant, the engine: {engine_with_grant:?}, the naive evaluator: {naive_with_grant:?}"
            ));
        }
        (*naive_as_oracle != theirs && !blind).then(|| {
            format!(
                "the engine: {engine:?}, the oracle: {theirs:?}, with its known quirks: {naive_as_oracle:?}"
            )
        })
    }
}

/// The failure for a case whose difference nothing explains, as small as it can be made.
fn unexplained(oracle: &mut Oracle, case: Case, number: usize) -> Failure {
    let mut difference = |case: &Case| -> Result<Option<String>, Failure> {
        let (answers, ours) = oracle.ask(std::slice::from_ref(case), || Ours::of(case))?;
        let theirs = answers.first().map_or(Ok(Decision::Implicit), oracle::Answer::decision)?;
        Ok(ours.difference(theirs))
    };
    let small = match shrink::smallest(case, |case| difference(case).map(|found| found.is_some())) {
        Ok(small) => small,
        Err(failure) => return failure.at(&format!("while case {number} was made smaller")),
    };
    let what = difference(&small).ok().flatten().unwrap_or_default();
    let shown = serde_json::to_string_pretty(&small).unwrap_or_default();
    Failure::Broken(format!("case {number}: {what}\n{shown}"))
}

impl Tally {
    fn book(&mut self, case: &Case, ours: &Ours, theirs: Decision) {
        self.cases += 1;
        self.allowed += usize::from(ours.naive == Decision::Allowed);
        self.explicit += usize::from(ours.naive == Decision::Explicit);
        self.granted += usize::from(ours.naive != ours.naive_with_grant);
        self.foreign += usize::from(case.caller.account != case.resource.owner);
        self.blind += usize::from(ours.blind.is_some());
        if ours.naive == theirs || ours.blind.is_some() {
            return;
        }
        self.explained += 1;
        let alone = |row: &explained::Row| naive::decide(case, None, Quirks::only(row.quirk)) == theirs;
        let first = QUIRKS.iter().position(alone);
        if let Some(count) = first.and_then(|at| self.by_quirk.get_mut(at)) {
            *count += 1;
        }
    }
}
