//! The proof of Regions: three real processes, each with its own root key, store and certificate, behind links that break; random
//! histories of multi-Region keys; after healing one primary, equal replicas, and nothing lost that was acknowledged.

mod deployment;
mod history;
mod installation;
mod ledger;
mod links;
mod rest;

use keyreeve_regions_model::{Extent, explore};

use crate::Setting;
use crate::chance::Chance;
use crate::crash::keep;
use crate::failure::Failure;
use crate::report::{bar, say};
use history::History;
use installation::{Installation, NAMES};
use ledger::{KeyBook, Tally};
use links::Fate;

/// Explores the model of the protocol: the short bounds for one round, the long ones for more.
///
/// # Errors
/// [`Failure::Broken`] with the history that breaks a promise.
pub(crate) fn model(rounds: usize) -> Result<(), Failure> {
    let extents = if rounds > 1 { [Extent::Short, Extent::Long].as_slice() } else { &[Extent::Short] };
    extents.iter().try_for_each(|extent| {
        let told = explore(*extent, |explored| {
            say(&format!(
                "  {}: {} states, up to {} steps deep, healing tried from {} durable states, {:.0} s",
                explored.name, explored.states, explored.depth, explored.healed, explored.seconds
            ));
        });
        told.map_err(Failure::Broken)
    })
}

/// Runs the proof.
///
/// # Errors
/// [`Failure::Broken`] when something acknowledged is lost, or the Regions do not agree after healing.
pub(crate) async fn run(setting: &Setting, histories: usize) -> Result<(), Failure> {
    let folder = setting.folder()?;
    let mut tally = Tally::default();
    let progress = bar(histories, "histories");
    let outcome = async {
        let mut installation = Installation::make(&setting.binary, folder.path())?;
        links_break_and_heal(&mut installation).await?;
        installation.open_account().await?;
        let root = Chance::new(setting.seed);
        let mut keys = Vec::new();
        for round in 0..histories {
            let chance = root.branch(&[u64::try_from(round).unwrap_or(u64::MAX)]);
            let place = format!("history {round} of seed {}", setting.seed);
            let made =
                history(&mut installation, chance, &mut tally).await.map_err(|error| error.at(&place))?;
            keys.extend(made);
            progress.inc(1);
        }
        // Later histories and kills have not harmed the keys of earlier ones.
        for key in &keys {
            rest::check(&mut installation, key, &mut tally).await.map_err(|error| error.at("at the end"))?;
        }
        Ok(())
    };
    let outcome: Result<(), Failure> = outcome.await;
    progress.finish_and_clear();
    if outcome.is_err() {
        keep(folder);
    }
    outcome?;
    report(&tally, histories);
    Ok(())
}

/// That the proof can break and heal what it says: a link that always works would prove nothing.
async fn links_break_and_heal(installation: &mut Installation) -> Result<(), Failure> {
    let [one, other, _] = NAMES;
    for (fate, reachable) in [(Fate::Whole, true), (Fate::Cut, false), (Fate::Whole, true)] {
        installation.set(one, other, fate);
        if installation.reaches(one, other).await? != reachable {
            return Err(Failure::Server(format!(
                "{one} finds {other} reachable: not {reachable} over {fate:?}"
            )));
        }
        if !installation.reaches(other, one).await? {
            return Err(Failure::Server(format!("{other} does not reach {one} over a link that works")));
        }
    }
    installation.disturbed = false;
    Ok(())
}

async fn history(
    installation: &mut Installation,
    chance: Chance,
    tally: &mut Tally,
) -> Result<Vec<KeyBook>, Failure> {
    let mut history = History { installation, chance, keys: Vec::new(), tally, story: Vec::new() };
    let outcome = async {
        history.run().await?;
        history.installation.heal()?;
        history.story.push("healed".to_owned());
        for key in &history.keys {
            rest::check(history.installation, key, history.tally).await?;
        }
        Ok(())
    };
    let outcome: Result<(), Failure> = outcome.await;
    if let Err(error) = outcome {
        say(&history.story.join("\n"));
        return Err(error);
    }
    history.installation.disturbed = false;
    Ok(history.keys)
}

fn report(tally: &Tally, histories: usize) {
    say(&format!(
        "regions: {histories} histories, {} link faults, {} kills; {} keys, {} replicas, {} rotations, {} promotions, {} \
         ciphertexts acknowledged and none lost ({} decryptions after healing); {} requests refused, {} without a certain \
         answer; rest at most {} ms after healing.",
        tally.link_faults,
        tally.kills,
        tally.keys,
        tally.replicas,
        tally.rotations,
        tally.promotions,
        tally.ciphertexts,
        tally.decrypted,
        tally.refused,
        tally.unknown,
        tally.longest_healing_ms,
    ));
}
