//! The power-cut proof: a run of the real binary is recorded call by call, its folder is rebuilt as a power cut at many
//! moments may leave it, and the real binary must start on each and show everything acknowledged before.

pub(crate) mod disk;
mod history;
pub(crate) mod load;
pub(crate) mod recording;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::Setting;
use crate::chance::Chance;
use crate::crash::keep;
use crate::failure::Failure;
use crate::report::{bar, say};
use crate::world::observer::{confirm_all, look};
use crate::world::writer::Writer;
use crate::world::{Outcome, State};
use disk::{Disk, Fate, Image};
use history::History;
use load::WRITERS;
use recording::{Event, Recorder, What};

/// Acknowledged requests that each session of the recorded run makes, of the short and the long form.
const SESSION_REQUESTS: (usize, usize) = (30, 500);
/// From this many cuts on, the recorded run is the long one.
const LONG_CUTS: usize = 200;

/// What was done, for the report.
#[derive(Debug, Default)]
struct Tally {
    dropped_from: usize,
    pending_applied: usize,
    keys: usize,
    witnesses: usize,
    before_first: usize,
}

/// Runs the proof.
///
/// # Errors
/// [`Failure::Broken`] when something acknowledged is lost, or a server does not start.
pub(crate) async fn run(setting: &Setting, cuts: usize) -> Result<(), Failure> {
    let folder = setting.folder()?;
    let outcome = prove(setting, folder.path(), cuts).await;
    if outcome.is_err() {
        keep(folder);
    }
    outcome
}

async fn prove(setting: &Setting, folder: &Path, cuts: usize) -> Result<(), Failure> {
    let data = folder.join("data");
    make_folder(&data, 0o700)?;
    let root_inode = fs::metadata(&data).map_err(Failure::file(&data))?.ino();
    let recorder = Recorder::build(folder)?;
    let launch = setting.launch(&data, &folder.join("server.log"));
    let chance = Chance::new(setting.seed);
    let requests = if cuts < LONG_CUTS { SESSION_REQUESTS.0 } else { SESSION_REQUESTS.1 };
    let mut run = load::Run::new(&launch, &recorder, root_inode, chance.branch(&[1]));
    run.record(requests).await?;
    let load::Recorded { history, events } = run.finish();
    say(&format!(
        "power-cut: recorded {} calls and {} acknowledgements in {} sessions; replayed without a cut, they give the \
         folder byte for byte",
        events.len(),
        history.acknowledgements().len(),
        load::SESSIONS.len(),
    ));
    control(setting, folder, root_inode, &events, &history).await?;
    let moments = moments(&events, &history, cuts, &mut chance.branch(&[2]));
    let mut disk = Disk::new(root_inode);
    let (mut next, mut tally) = (events.iter().peekable(), Tally::default());
    let progress = bar(cuts, "cuts");
    for (number, moment) in moments.into_iter().enumerate() {
        while let Some(event) = next.next_if(|event| event.at <= moment) {
            disk.play(&event.what).map_err(Failure::Setting)?;
        }
        let mut chance = chance.branch(&[3, u64::try_from(number).unwrap_or(u64::MAX)]);
        let fate = fate(number);
        tally.dropped_from += disk.pending();
        let image = disk.after_cut(fate, &mut chance);
        let check = check(setting, folder, &image, history.writers_at(moment, WRITERS), &mut tally).await;
        check.map_err(|error| error.at(&format!("cut {number} ({fate:?}) of seed {}", setting.seed)))?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    report(&tally, cuts);
    Ok(())
}

fn report(tally: &Tally, cuts: usize) {
    let Tally { dropped_from, pending_applied, keys, witnesses, before_first } = tally;
    say(&format!(
        "power-cut: {cuts} cuts ({before_first} before the first acknowledgement), {dropped_from} operations that a cut \
         may drop; every server started; {keys} keys with their aliases, states, tags and policies and {witnesses} \
         ciphertexts, MACs and public keys checked, none lost. Of the changes under way, {pending_applied} were found \
         carried out, each whole."
    ));
}

/// Of ten cuts, four come directly after an acknowledgement, which is when a loss would show, one while the folder is
/// being made, and five anywhere.
fn moments(events: &[Event], history: &History, cuts: usize, chance: &mut Chance) -> Vec<u64> {
    let acknowledged = history.acknowledgements();
    let first = acknowledged.iter().min().copied().unwrap_or(0);
    let making = events.partition_point(|event| event.at < first);
    let making = events.get(..making).unwrap_or_default();
    let drawn = (0..cuts).filter_map(|number| match number % 10 {
        0..4 => chance.pick(&acknowledged).copied(),
        4 => chance.pick(making).map(|event| event.at),
        _ => chance.pick(events).map(|event| event.at),
    });
    let mut moments: Vec<u64> = drawn.collect();
    moments.sort_unstable();
    moments
}

/// The proof of the proof: on a disk whose syncs do nothing once the folder was made, the acknowledged changes are gone,
/// and the check must say so.
async fn control(
    setting: &Setting,
    folder: &Path,
    root_inode: u64,
    events: &[Event],
    history: &History,
) -> Result<(), Failure> {
    let first = history.acknowledgements().into_iter().min().unwrap_or(0);
    let mut disk = Disk::new(root_inode);
    let lies = |event: &&Event| event.at < first || !matches!(event.what, What::SyncEnds { .. });
    for event in events.iter().filter(lies) {
        disk.play(&event.what).map_err(Failure::Setting)?;
    }
    let image = disk.after_cut(Fate::None, &mut Chance::new(setting.seed));
    let writers = history.writers_at(u64::MAX, WRITERS);
    match check(setting, folder, &image, writers, &mut Tally::default()).await {
        Err(Failure::Broken(_)) => Ok(()),
        Err(failure @ (Failure::Server(_) | Failure::Setting(_))) => Err(failure.at("the control")),
        Ok(()) => {
            Err(Failure::Setting("a disk that never syncs went unnoticed: the proof is blind".to_owned()))
        }
    }
}

pub(crate) fn fate(number: usize) -> Fate {
    match number % 6 {
        0 => Fate::None,
        1 => Fate::Some(50),
        2 => Fate::Torn(30),
        3 => Fate::Some(90),
        4 => Fate::Torn(80),
        _ => Fate::All,
    }
}

/// Rebuilds the folder, starts the server on it and holds what it shows against what was acknowledged.
async fn check(
    setting: &Setting,
    folder: &Path,
    image: &Image,
    mut writers: Vec<Writer>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let data = folder.join("cut");
    if data.exists() {
        fs::remove_dir_all(&data).map_err(Failure::file(&data))?;
    }
    build(&data, image)?;
    let server = setting.launch(&data, &folder.join("cut.log")).start()?;
    let chosen: BTreeSet<String> =
        writers.iter().flat_map(|writer| writer.world.keys.keys().cloned()).collect();
    let outcomes = look(&server.address.into(), &writers, &chosen).await?.judge(&writers)?;
    tally.keys += chosen.len();
    tally.before_first += usize::from(writers.iter().all(|writer| writer.world.keys.is_empty()));
    for (writer, outcome) in writers.iter_mut().zip(outcomes) {
        if let (Some(change), Outcome::Applied(id)) = (writer.pending.take(), outcome) {
            tally.pending_applied += 1;
            writer.book(&change, id.as_deref());
        }
    }
    for writer in &writers {
        let state = |id: &str| -> Option<State> { writer.world.keys.get(id).map(|key| key.state) };
        let witnesses: Vec<_> = writer.witnesses.iter().collect();
        confirm_all(server.address, &witnesses, state).await?;
        tally.witnesses += witnesses.len();
    }
    server.kill()
}

pub(crate) fn make_folder(path: &Path, mode: u32) -> Result<(), Failure> {
    fs::DirBuilder::new().mode(mode).create(path).map_err(Failure::file(path))
}

pub(crate) fn build(data: &Path, image: &Image) -> Result<(), Failure> {
    make_folder(data, 0o700)?;
    // Sorted by path: a folder comes before what lies in it.
    for (name, (mode, content)) in image {
        let path = data.join(name);
        match content {
            None => make_folder(&path, *mode)?,
            Some(bytes) => {
                let file = fs::File::options().write(true).create_new(true).mode(*mode).open(&path);
                file.and_then(|mut file| file.write_all(bytes)).map_err(Failure::file(&path))?;
            }
        }
    }
    Ok(())
}
