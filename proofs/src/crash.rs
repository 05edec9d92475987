//! The crash proof: concurrent writers, `kill -9` at moments that chance draws, and after each restart everything
//! acknowledged is there. One data folder through all rounds.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use futures_util::future::try_join_all;

use crate::Setting;
use crate::chance::Chance;
use crate::client::{Endpoint, Kms};
use crate::failure::Failure;
use crate::killing::{Moment, Pulse, kill_a_start, kill_under};
use crate::report::{bar, say};
use crate::server::{Launch, Server};
use crate::world::observer::{confirm_all, look};
use crate::world::writer::{Ended, Writer};
use crate::world::{Change, Outcome, State};

/// Writers at once.
pub(crate) const WRITERS: usize = 8;
/// Keys of earlier rounds that each round looks at; the last round looks at all.
const SAMPLE: usize = 64;

/// What was done, for the report.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: usize,
    kills: usize,
    kills_in_start: usize,
    unanswered: usize,
    unanswered_applied: usize,
    confirmed: usize,
}

/// Runs the proof.
///
/// # Errors
/// [`Failure::Broken`] when something acknowledged is lost.
pub(crate) async fn run(setting: &Setting, rounds: usize) -> Result<(), Failure> {
    let folder = setting.folder()?;
    let launch = setting.launch(&folder.path().join("data"), &folder.path().join("server.log"));
    let root = Chance::new(setting.seed);
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();
    let mut tally = Tally::default();
    let progress = bar(rounds, "rounds");
    let outcome = async {
        for round in 0..rounds {
            let chance = root.branch(&[u64::try_from(round).unwrap_or(u64::MAX)]);
            let place = format!("round {round} of seed {}", setting.seed);
            self::round(&launch, &mut writers, chance, &mut tally).await.map_err(|error| error.at(&place))?;
            progress.inc(1);
        }
        last(&launch, &mut writers, &mut tally).await.map_err(|error| error.at("after the last round"))
    };
    let outcome = outcome.await;
    if outcome.is_err() {
        keep(folder);
    }
    progress.finish_and_clear();
    outcome?;
    report(&tally, &writers, rounds);
    Ok(())
}

/// A folder that a failed proof leaves for whoever looks for the cause.
pub(crate) fn keep(folder: tempfile::TempDir) {
    say(&format!("the folder is kept: {}", folder.keep().display()));
}

fn report(tally: &Tally, writers: &[Writer], rounds: usize) {
    let keys: usize = writers.iter().map(|writer| writer.world.keys.len()).sum();
    let aliases: usize = writers.iter().map(|writer| writer.world.aliases.len()).sum();
    let witnesses: usize = writers.iter().map(|writer| writer.witnesses.len()).sum();
    let Tally { acknowledged, kills, kills_in_start, unanswered, unanswered_applied, confirmed } = tally;
    say(&format!(
        "crash: {rounds} rounds, {kills} kills under load and {kills_in_start} during start; {acknowledged} requests \
         acknowledged and none lost: {keys} keys, {aliases} aliases, {witnesses} ciphertexts, MACs and public keys \
         ({confirmed} checks of them). Of {unanswered} changes in flight at a kill, {unanswered_applied} were carried \
         out, each whole."
    ));
}

async fn round(
    launch: &Launch,
    writers: &mut [Writer],
    mut chance: Chance,
    tally: &mut Tally,
) -> Result<(), Failure> {
    tally.kills_in_start += usize::from(kill_a_start(launch, &mut chance)?);
    let server = launch.start()?;
    check(server.address, writers, &mut chance, tally).await?;
    for writer in writers.iter_mut() {
        writer.touched.clear();
    }
    load(server, writers, &mut chance, tally).await
}

/// Keys that the writers touched since that was last forgotten.
pub(crate) fn touched(writers: &[Writer]) -> BTreeSet<String> {
    writers.iter().flat_map(|writer| writer.touched.iter().cloned()).collect()
}

/// Keys of the last round and a sample of the others.
fn chosen(writers: &[Writer], chance: &mut Chance) -> BTreeSet<String> {
    let mut chosen = touched(writers);
    let all: Vec<&String> = writers.iter().flat_map(|writer| writer.world.keys.keys()).collect();
    chosen.extend((0..SAMPLE).filter_map(|_| chance.pick(&all)).map(|id| (*id).clone()));
    chosen
}

async fn check(
    address: SocketAddr,
    writers: &mut [Writer],
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let chosen = chosen(writers, chance);
    check_keys(address, writers, &chosen, tally).await
}

async fn check_keys(
    address: SocketAddr,
    writers: &mut [Writer],
    chosen: &BTreeSet<String>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let (unanswered, applied) = settle(&address.into(), writers, chosen).await?;
    tally.unanswered += unanswered;
    tally.unanswered_applied += applied;
    for writer in writers.iter() {
        let witnesses: Vec<_> =
            writer.witnesses.iter().filter(|witness| chosen.contains(&witness.key)).collect();
        let state = |id: &str| writer.world.keys.get(id).map(|key| key.state);
        confirm_all(address, &witnesses, state).await?;
        tally.confirmed += witnesses.len();
    }
    Ok(())
}

/// Looks at the chosen keys and at every alias, and books of each request without an answer whether it was carried out.
/// Answers how many there were, and how many of them were.
pub(crate) async fn settle(
    endpoint: &Endpoint,
    writers: &mut [Writer],
    chosen: &BTreeSet<String>,
) -> Result<(usize, usize), Failure> {
    let outcomes = look(endpoint, writers, chosen).await?.judge(writers)?;
    let unanswered = writers.iter().filter(|writer| writer.pending.is_some()).count();
    let mut applied = 0;
    for (writer, outcome) in writers.iter_mut().zip(outcomes) {
        if let (Some(change), Outcome::Applied(id)) = (writer.pending.take(), outcome) {
            applied += 1;
            writer.book(&change, id.as_deref());
        }
    }
    Ok((unanswered, applied))
}

async fn load(
    server: Server,
    writers: &mut [Writer],
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let (pulse, address) = (Pulse::of(writers.len()), server.address);
    let moment = Moment::draw(chance);
    let seeds = chance.clone();
    let work = writers.iter_mut().map(|writer| {
        let seed = seeds.branch(&[u64::try_from(writer.number).unwrap_or(u64::MAX)]);
        write_until_killed(writer, address, seed, &pulse)
    });
    let killed = kill_under(server, moment, &pulse, try_join_all(work)).await;
    tally.acknowledged += pulse.acknowledged();
    tally.kills += 1;
    killed
}

async fn write_until_killed(
    writer: &mut Writer,
    address: SocketAddr,
    mut chance: Chance,
    pulse: &Pulse,
) -> Result<(), Failure> {
    let work = async {
        let Some(mut kms) = Kms::connect(address).await? else { return Ok(()) };
        loop {
            let step = writer.draw(&mut chance);
            match writer.take(&mut kms, step, &mut chance).await? {
                Ended::Acknowledged(_) => pulse.beat(),
                Ended::Gone => return Ok(()),
            }
        }
    };
    let outcome = work.await;
    pulse.end();
    outcome
}

/// Everything, in whatever state; then every key is revived so that every ciphertext can be decrypted; then everything
/// again after a graceful stop.
async fn last(launch: &Launch, writers: &mut [Writer], tally: &mut Tally) -> Result<(), Failure> {
    let all: BTreeSet<String> = writers.iter().flat_map(|writer| writer.world.keys.keys().cloned()).collect();
    let server = launch.start()?;
    check_keys(server.address, writers, &all, tally).await?;
    let mut kms = Kms::open(server.address).await?;
    for writer in writers.iter_mut() {
        revive(writer, &mut kms).await?;
    }
    let all: BTreeSet<String> = writers.iter().flat_map(|writer| writer.world.keys.keys().cloned()).collect();
    check_keys(server.address, writers, &all, tally).await?;
    server.stop()?;
    let server = launch.start()?;
    check_keys(server.address, writers, &all, tally).await?;
    server.stop()
}

async fn revive(writer: &mut Writer, kms: &mut Kms) -> Result<(), Failure> {
    let asleep = writer.world.keys.iter().filter(|(_, key)| key.state != State::Enabled);
    let asleep: Vec<(String, State)> = asleep.map(|(id, key)| (id.clone(), key.state)).collect();
    for (key, state) in asleep {
        if state == State::PendingDeletion {
            let change =
                Change::State { key: key.clone(), to: State::Disabled, operation: "CancelKeyDeletion" };
            writer.carry_out(kms, change).await?;
        }
        writer.carry_out(kms, Change::State { key, to: State::Enabled, operation: "EnableKey" }).await?;
    }
    Ok(())
}
