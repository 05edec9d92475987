//! Explorations: which histories, and what was found.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model as _};

use crate::healing::trouble_after_healing;
use crate::rules::Rules;
use crate::state::{PLACES, Place};
use crate::step::{Budget, Protocol};

/// How far an exploration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// For the test command: a quarter of a minute of one processor.
    Short,
    /// More happens in one history: minutes, and less than a gigabyte.
    Long,
}

/// One exploration that found nothing.
#[derive(Debug)]
pub struct Explored {
    /// Which histories.
    pub name: &'static str,
    /// Different states, all of them looked at.
    pub states: usize,
    /// The longest of the shortest ways to a state, in steps.
    pub depth: usize,
    /// Different durable states from which healing was tried.
    pub healed: usize,
    /// Seconds that it took.
    pub seconds: f32,
}

/// What is explored exhaustively.
#[derive(Debug)]
struct Scenario {
    name: &'static str,
    regions: &'static [Place],
    budget: Budget,
    forgetful: bool,
    extent: Extent,
}

/// Explores every scenario of the extent.
///
/// # Errors
/// A history that breaks a promise, step by step.
pub fn explore(extent: Extent, mut tell: impl FnMut(&Explored)) -> Result<(), String> {
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.extent == extent) {
        let started = Instant::now();
        let model = Protocol {
            rules: Rules::default(),
            budget: scenario.budget,
            regions: scenario.regions,
            forgetful: scenario.forgetful,
            healed: Mutex::default(),
        };
        let explored = check(model, HasDiscoveries::AnyFailures);
        let explored = explored.map_err(|broken| format!("{}: {}", scenario.name, broken.story))?;
        tell(&Explored { name: scenario.name, seconds: started.elapsed().as_secs_f32(), ..explored });
    }
    Ok(())
}

/// Promises that do not hold, and a history that breaks one of them.
#[derive(Debug)]
struct Broken {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the tests ask which promise; a person reads the story")
    )]
    promises: Vec<&'static str>,
    story: String,
}

fn check(model: Protocol, until: HasDiscoveries) -> Result<Explored, Broken> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let checker = model.checker().threads(threads).finish_when(until).spawn_bfs().join();
    let discoveries = checker.discoveries();
    let Some((promise, path)) = discoveries.iter().next() else {
        let healed = checker.model().healed.lock().map_or(0, |healed| healed.len());
        let (states, depth) = (checker.unique_state_count(), checker.max_depth());
        return Ok(Explored { name: "", states, depth, healed, seconds: 0.0 });
    };
    let mut story = format!("{promise}, but:");
    for (state, step) in path.clone().into_vec() {
        for place in PLACES {
            let _ = write!(story, "\n    {place:?} {:?}", state.rows[place]);
        }
        if let Some(step) = step {
            let _ = write!(story, "\n{step:?}");
        }
    }
    if let Some(trouble) = trouble_after_healing(checker.model(), path.last_state()) {
        let _ = write!(story, "\nafter healing: {trouble}");
    }
    Err(Broken { promises: discoveries.keys().copied().collect(), story })
}

const ALL: &[Place] = &PLACES;
const PAIR: &[Place] = &[Place::A, Place::B];

const NOTHING: Budget = Budget {
    steps: 4,
    rotations: 0,
    replications: 0,
    deletions: 0,
    promotions: 0,
    forced: 0,
    unreachable: 0,
    refusals: 0,
    pulls: 0,
};

/// Anything may happen, this often in all.
const fn anything(steps: u8) -> Budget {
    Budget {
        steps,
        rotations: 2,
        replications: 2,
        deletions: 2,
        promotions: 2,
        forced: 2,
        unreachable: 1,
        refusals: 1,
        pulls: 1,
    }
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a primary and two replicas, any three things happen",
        regions: ALL,
        budget: anything(3),
        forgetful: true,
        extent: Extent::Short,
    },
    Scenario {
        name: "a primary and one replica, any three things happen",
        regions: PAIR,
        budget: anything(3),
        forgetful: true,
        extent: Extent::Short,
    },
    Scenario {
        name: "a primary and two replicas, any two things happen, no message is forgotten",
        regions: ALL,
        budget: anything(2),
        forgetful: false,
        extent: Extent::Short,
    },
    Scenario {
        name: "a primary and one replica: a rotation, a promotion of either kind, no message is forgotten",
        regions: PAIR,
        budget: Budget { steps: 3, rotations: 1, promotions: 1, forced: 1, ..NOTHING },
        forgetful: false,
        extent: Extent::Long,
    },
    Scenario {
        name: "a primary and one replica: it ends and is made again, a forced promotion, no message is forgotten",
        regions: PAIR,
        budget: Budget { steps: 3, replications: 1, deletions: 1, forced: 1, ..NOTHING },
        forgetful: false,
        extent: Extent::Long,
    },
    Scenario {
        name: "a primary and two replicas: a rotation, a planned promotion, two forced ones",
        regions: ALL,
        budget: Budget { rotations: 1, promotions: 1, forced: 2, ..NOTHING },
        forgetful: true,
        extent: Extent::Long,
    },
    Scenario {
        name: "a primary and two replicas: one replica ends and is made again, a promotion of either kind",
        regions: ALL,
        budget: Budget { replications: 1, deletions: 1, promotions: 1, forced: 1, ..NOTHING },
        forgetful: true,
        extent: Extent::Long,
    },
    Scenario {
        name: "a primary and two replicas: rotations, one replica ends and is made again",
        regions: ALL,
        budget: Budget { rotations: 2, replications: 1, deletions: 1, unreachable: 1, ..NOTHING },
        forgetful: true,
        extent: Extent::Long,
    },
    Scenario {
        name: "a primary and one replica, any four things happen",
        regions: PAIR,
        budget: anything(4),
        forgetful: true,
        extent: Extent::Long,
    },
];

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use stateright::HasDiscoveries;

    use super::{ALL, Extent, NOTHING, PAIR, check, explore};
    use crate::promise::{HEALING, NO_RESURRECTION, NOTHING_LOST, ONE_PRIMARY, OWN_CIPHERTEXT, STAGED};
    use crate::rules::{Rule, Rules};
    use crate::state::Place;
    use crate::step::{Budget, Protocol};

    #[test]
    fn every_promise_holds_in_every_reachable_state() {
        let mut seen = Vec::new();
        let outcome = explore(Extent::Short, |explored| seen.push(explored.states));
        assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        // Bounds that leave nothing to explore would hold every promise too.
        assert!(seen.iter().all(|states| *states > 5_000), "{seen:?}");
    }

    /// Each rule with the little that must happen for its absence to be seen, and the promise that then breaks.
    const NEEDED: &[(Rule, &[Place], Budget, &str)] = &[
        (Rule::EpochFirst, ALL, Budget { promotions: 1, ..NOTHING }, HEALING),
        (Rule::TieBreak, ALL, Budget { promotions: 1, forced: 1, ..NOTHING }, ONE_PRIMARY),
        (Rule::WaitForAcks, ALL, Budget { rotations: 1, ..NOTHING }, STAGED),
        (Rule::AckMeansBytes, ALL, Budget { rotations: 1, ..NOTHING }, STAGED),
        (Rule::AckOfThisLife, ALL, Budget { rotations: 1, deletions: 1, replications: 1, ..NOTHING }, STAGED),
        (
            Rule::FullPush,
            PAIR,
            Budget { rotations: 1, promotions: 1, unreachable: 1, ..NOTHING },
            OWN_CIPHERTEXT,
        ),
        (
            Rule::ExactBase,
            ALL,
            Budget { promotions: 1, deletions: 1, replications: 1, ..NOTHING },
            ONE_PRIMARY,
        ),
        (Rule::RefusalIsPromise, ALL, Budget { promotions: 1, refusals: 1, ..NOTHING }, ONE_PRIMARY),
        (Rule::RefusalNamesItsTry, ALL, Budget { promotions: 2, refusals: 1, ..NOTHING }, ONE_PRIMARY),
        (Rule::FrozenWhileUpdating, ALL, Budget { promotions: 1, rotations: 1, ..NOTHING }, ONE_PRIMARY),
        (Rule::Tombstone, ALL, Budget { deletions: 1, rotations: 1, ..NOTHING }, NO_RESURRECTION),
        (Rule::GoneTellsTerm, ALL, Budget { promotions: 2, deletions: 1, ..NOTHING }, ONE_PRIMARY),
        (Rule::GoneNamesSince, ALL, Budget { deletions: 1, replications: 1, ..NOTHING }, HEALING),
        (Rule::ReportExtra, ALL, Budget { rotations: 1, forced: 1, ..NOTHING }, HEALING),
        (Rule::ReportOrphans, PAIR, Budget { replications: 1, forced: 1, ..NOTHING }, HEALING),
        (Rule::HeardKeepsMembers, PAIR, Budget { replications: 1, forced: 1, ..NOTHING }, HEALING),
        (Rule::RememberGone, PAIR, Budget { replications: 1, forced: 1, deletions: 1, ..NOTHING }, HEALING),
        (
            Rule::DeleteOnlyWhatIsHeld,
            ALL,
            Budget { rotations: 1, forced: 1, deletions: 1, ..NOTHING },
            NOTHING_LOST,
        ),
        (Rule::CurrentNeedsBytes, ALL, Budget { rotations: 1, unreachable: 1, ..NOTHING }, OWN_CIPHERTEXT),
        (Rule::Demote, ALL, Budget { forced: 1, ..NOTHING }, HEALING),
        (Rule::BytesOfSameMark, ALL, Budget { rotations: 1, ..NOTHING }, HEALING),
    ];

    #[test]
    fn without_any_one_rule_a_promise_breaks() {
        for (rule, regions, budget, promise) in NEEDED {
            // These are about messages of the past, which are forgotten because they change nothing where the rule holds.
            let forgetful = !matches!(rule, Rule::AckOfThisLife | Rule::ExactBase | Rule::RefusalNamesItsTry);
            let (rules, healed) = (Rules::without(*rule), Mutex::default());
            let model = Protocol { rules, budget: *budget, regions, forgetful, healed };
            let broken = check(model, HasDiscoveries::AllOf([*promise].into()));
            let caught = broken.as_ref().is_err_and(|broken| broken.promises.contains(promise));
            assert!(caught, "{rule:?} is not missed by: {promise}: {broken:?}");
        }
    }
}
