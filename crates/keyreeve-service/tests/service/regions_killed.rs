//! Three Regions in processes of their own, one of which is killed between two commits, at every place where it can be,
//! and started again: one primary, no material lost, and what was acknowledged has happened.

use crate::regions_scenarios::{SCENARIOS, Scenario};
use crate::regions_world::{ALL, World};

/// When the killed Region is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Back {
    /// At once.
    Soon,
    /// After the others have done without it what they can.
    Late,
}

/// One run in which a Region dies after so many commits; answers whether it made that many.
fn run(scenario: &Scenario, victim: &str, commits: u64, back: Back) -> bool {
    let context =
        format!("{}: {victim} is killed after {commits} commits and is back {back:?}", scenario.name);
    let mut world = World::new();
    let id = world.replicated(scenario.replicas);
    world.encrypt_everywhere(&id);
    world.store(victim).die_after(commits);
    let acted = (scenario.act)(&world, &id);
    let mut killed = false;
    for _ in 0..scenario.ticks {
        if world.store(victim).is_dead() && !killed && back == Back::Soon {
            killed = true;
            world.start_again(victim);
        }
        world.tick();
        world.encrypt_everywhere(&id);
    }
    world.store(victim).spare();
    let died = world.store(victim).is_dead();
    if died && !killed {
        world.start_again(victim);
    }
    world.heal();
    world.check(&id, &context);
    assert!(acted.is_err() || (scenario.came_to)(&world, &id), "{context}: it was acknowledged");
    died
}

#[test]
fn a_kill_between_any_two_commits_leaves_one_primary_and_every_material() {
    let mut kills = 0;
    for scenario in SCENARIOS {
        for victim in ALL {
            for back in [Back::Soon, Back::Late] {
                kills += (0..).take_while(|commits| run(scenario, victim, *commits, back)).count();
            }
        }
    }
    assert!(kills >= 60, "only {kills} kills");
}
