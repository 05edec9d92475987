//! The power-cut proof of the audit log: appends to it are recorded call by call, its folder is rebuilt as a power cut at
//! many moments may leave it, and each log must open, chain, and hold everything that was acknowledged before. It needs no
//! server: the journal is the server's own.

mod check;
pub(crate) mod session;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::Setting;
use crate::chance::Chance;
use crate::crash::keep;
use crate::failure::Failure;
use crate::power_cut::disk::{Disk, Fate, Image};
use crate::power_cut::load::{names, read};
use crate::power_cut::recording::{Event, Recorder, What};
use crate::power_cut::{build, fate, make_folder};
use crate::report::{bar, say};
use check::check;
use session::{Acknowledged, End};

/// A fresh folder and a kill; a recovery and a kill; a recovery and a close; a normal start and a kill; a recovery.
const SESSIONS: [End; 5] = [End::Kill, End::Kill, End::Stop, End::Kill, End::Stop];
/// Acknowledgements of each session, of the short and the long form.
const SESSION_APPENDS: (usize, usize) = (100, 400);
/// From this many cuts on, the recorded run is the long one.
const LONG_CUTS: usize = 1000;

/// What was recorded.
#[derive(Debug, Default)]
struct Recorded {
    events: Vec<Event>,
    /// In order of time.
    acknowledged: Vec<(u64, Acknowledged)>,
}

/// What was done, for the report.
#[derive(Debug, Default)]
struct Tally {
    dropped_from: usize,
    entries: usize,
    unacknowledged: usize,
}

/// Runs the proof.
///
/// # Errors
/// [`Failure::Broken`] when something acknowledged is lost, or a log does not open or chain.
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
    let chance = Chance::new(setting.seed);
    let appends = if cuts < LONG_CUTS { SESSION_APPENDS.0 } else { SESSION_APPENDS.1 };
    let recorded = record(folder, &data, root_inode, &chance.branch(&[1]), appends)?;
    say(&format!(
        "audit-power-cut: recorded {} calls and {} acknowledgements in {} sessions; replayed without a cut, they give \
         the folder byte for byte",
        recorded.events.len(),
        recorded.acknowledged.len(),
        SESSIONS.len(),
    ));
    control(folder, root_inode, &recorded).await?;
    let moments = moments(&recorded, cuts, &mut chance.branch(&[2]));
    let mut disk = Disk::new(root_inode);
    let (mut next, mut tally) = (recorded.events.iter().peekable(), Tally::default());
    let progress = bar(cuts, "cuts");
    for (number, moment) in moments.into_iter().enumerate() {
        while let Some(event) = next.next_if(|event| event.at <= moment) {
            disk.play(&event.what).map_err(Failure::Setting)?;
        }
        let mut chance = chance.branch(&[3, u64::try_from(number).unwrap_or(u64::MAX)]);
        let fate = fate(number);
        tally.dropped_from += disk.pending();
        let image = disk.after_cut(fate, &mut chance);
        let checked = cut(folder, &image, &recorded.before(moment), &mut chance, &mut tally).await;
        checked.map_err(|error| error.at(&format!("cut {number} ({fate:?}) of seed {}", setting.seed)))?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    let Tally { dropped_from, entries, unacknowledged } = tally;
    say(&format!(
        "audit-power-cut: {cuts} cuts, {dropped_from} operations that a cut may drop; every log opened without an alarm, \
         chained, and went on; {entries} acknowledged entries looked for, none lost, none twice; {unacknowledged} entries \
         whose append was under way were found, whole."
    ));
    Ok(())
}

impl Recorded {
    fn before(&self, moment: u64) -> Vec<&Acknowledged> {
        let count = self.acknowledged.partition_point(|(at, _)| *at <= moment);
        self.acknowledged.iter().take(count).map(|(_, acknowledged)| acknowledged).collect()
    }
}

fn record(
    folder: &Path,
    data: &Path,
    root_inode: u64,
    chance: &Chance,
    appends: usize,
) -> Result<Recorded, Failure> {
    let recorder = Recorder::build(folder)?;
    let mut recorded = Recorded::default();
    for (session, end) in (0..).zip(SESSIONS) {
        let seed = chance.branch(&[session]).next();
        recorded.acknowledged.extend(session::run(&recorder, data, (session, seed), (appends, end))?);
        recorded.events.extend(recorder.events(session)?);
        let actual = read(data)?;
        let mut replayed = replay(root_inode, &recorded.events)?;
        if replayed != actual {
            // A kill may leave the last event of its session recorded and not carried out.
            recorded.events.pop();
            replayed = replay(root_inode, &recorded.events)?;
        }
        if replayed != actual {
            let text = format!("replayed: {}; actual: {}", names(&replayed), names(&actual));
            return Err(Failure::Setting(format!("the recorder missed a call: {text}")));
        }
    }
    recorded.acknowledged.sort_by_key(|(at, _)| *at);
    Ok(recorded)
}

fn replay(root_inode: u64, events: &[Event]) -> Result<Image, Failure> {
    let mut disk = Disk::new(root_inode);
    events.iter().try_for_each(|event| disk.play(&event.what)).map_err(Failure::Setting)?;
    Ok(disk.visible())
}

/// Half of the cuts come directly after an acknowledgement, which is when a loss would show; half anywhere.
fn moments(recorded: &Recorded, cuts: usize, chance: &mut Chance) -> Vec<u64> {
    let mut moments: Vec<u64> = (0..cuts)
        .filter_map(|number| match number % 2 {
            0 => chance.pick(&recorded.acknowledged).map(|(at, _)| *at),
            _ => chance.pick(&recorded.events).map(|event| event.at),
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// The proof of the proof: on a disk whose syncs do nothing once there was an acknowledgement, the later ones are gone, and
/// the check must say so.
async fn control(folder: &Path, root_inode: u64, recorded: &Recorded) -> Result<(), Failure> {
    let first = recorded.acknowledged.first().map_or(0, |(at, _)| *at);
    let mut disk = Disk::new(root_inode);
    let lies = |event: &&Event| event.at < first || !matches!(event.what, What::SyncEnds { .. });
    for event in recorded.events.iter().filter(lies) {
        disk.play(&event.what).map_err(Failure::Setting)?;
    }
    let mut chance = Chance::new(0);
    let image = disk.after_cut(Fate::None, &mut chance);
    match cut(folder, &image, &recorded.before(u64::MAX), &mut chance, &mut Tally::default()).await {
        Err(Failure::Broken(_)) => Ok(()),
        Err(failure @ (Failure::Server(_) | Failure::Setting(_))) => Err(failure.at("the control")),
        Ok(()) => {
            Err(Failure::Setting("a disk that never syncs went unnoticed: the proof is blind".to_owned()))
        }
    }
}

/// Rebuilds the folder and checks the log in it.
async fn cut(
    folder: &Path,
    image: &Image,
    acknowledged: &[&Acknowledged],
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let data = folder.join("cut");
    if data.exists() {
        fs::remove_dir_all(&data).map_err(Failure::file(&data))?;
    }
    build(&data, image)?;
    let contents = check(&data, acknowledged, chance).await?;
    let answered: BTreeSet<_> = acknowledged
        .iter()
        .flat_map(|acknowledged| match acknowledged {
            Acknowledged::Entries(ids) => ids.as_slice(),
            Acknowledged::Head(..) => &[],
        })
        .collect();
    tally.entries += answered.len();
    tally.unacknowledged += contents.entries.len() - answered.len();
    Ok(())
}
