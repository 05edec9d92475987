//! The proof of Regions: three real processes, each with its own root key, store and certificate, behind links that break; random
//! histories of multi-Region keys; after healing one primary, equal replicas, and nothing lost that was acknowledged.

mod acts;
mod clock;
mod deployment;
mod history;
mod imports;
mod installation;
mod ledger;
mod links;
mod operators;
mod rest;
mod tally;
mod uses;
mod view;

use keyreeve_regions_model::{Extent, explore};

use crate::Setting;
use crate::chance::Chance;
use crate::crash::keep;
use crate::failure::Failure;
use crate::report::{bar, say};
use history::History;
use installation::{Installation, NAMES};
use ledger::KeyBook;
use links::Fate;
use tally::Tally;

/// Seconds that pass when all is healed: nobody waits any more before the next try.
const BACKOFF_SECONDS: i64 = 60;

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
        let mut keys = Vec::new();
        for round in 0..histories {
            // Each history has a seed of its own, so that it can be repeated alone.
            let seed = setting.seed.wrapping_add(u64::try_from(round).unwrap_or_default());
            let made = history(&mut installation, Chance::new(seed), &mut tally).await;
            let again =
                format!("history {round}, alone by `cargo xtask prove regions --seed {seed} --rounds 1`");
            keys.extend(made.map_err(|error| error.at(&again))?);
            progress.inc(1);
        }
        // Later histories and kills have not harmed the keys of earlier ones.
        for key in &mut keys {
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
    say(&format!(
        "regions: {histories} histories; all at rest at most {} ms after healing.\n\n{}\n",
        tally.longest_healing_ms,
        tally.table()
    ));
    match tally.thin(histories).as_slice() {
        [] => Ok(()),
        thin => Err(Failure::Setting(format!("too little happened to prove anything: {}", thin.join("; ")))),
    }
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
        history.installation.pass(BACKOFF_SECONDS)?;
        history.story.push("healed".to_owned());
        for key in &mut history.keys {
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
