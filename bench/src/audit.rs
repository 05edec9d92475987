//! What a durable audit log costs: one append alone beside a bare fdatasync, and 64 that append at once, durable beside
//! buffered. All in one process, in alternating windows, so that a busy disk meets every row.
//!
//! These are figures of the log alone. What it costs the whole server is measured by `run`: see `served.rs`.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use keyreeve_audit::{Durability, Entry, Journal, JournalOptions};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::cli::Audit;
use crate::{Failure, note};

/// Who append at once.
const SUBMITTERS: usize = 64;
/// Length of a record of Encrypt, with its encryption context.
const RECORD_BYTES: usize = 900;
const SEGMENT_BYTES: u64 = 32 << 20;
/// Ready before each window, which ends when it is used up: making it is no part of the measurement.
const RESERVE_BYTES: u64 = 256 << 20;
/// What an append alone may take beyond twice the device's fdatasync.
pub(crate) const ALLOWANCE: Duration = Duration::from_millis(1);

/// What one round measured.
#[derive(Debug)]
struct Round {
    probe: Duration,
    alone: Duration,
    durable: f64,
    buffered: f64,
}

/// A log that is measured.
#[derive(Debug)]
struct Subject {
    journal: Journal,
    runtime: Runtime,
}

/// Measures, and answers a table.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn run(options: &Audit) -> Result<String, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let probe = prepare_probe(&folder.path().join("probe"))?;
    let durable = Subject::open(&folder.path().join("durable"), Durability::Durable)?;
    let buffered = Subject::open(&folder.path().join("buffered"), Durability::Buffered)?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        note(&format!("round {number} of {}", options.rounds));
        rounds.push(Round {
            probe: median(probe_window(&probe, options.seconds)?),
            alone: median(durable.alone(options.seconds)?),
            durable: durable.together(options.seconds)?,
            buffered: buffered.together(options.seconds)?,
        });
    }
    Ok(table(&rounds))
}

fn table(rounds: &[Round]) -> String {
    let probe = middle(rounds, |round| round.probe.as_secs_f64() * 1e6);
    let alone = middle(rounds, |round| round.alone.as_secs_f64() * 1e6);
    let durable = middle(rounds, |round| round.durable);
    let buffered = middle(rounds, |round| round.buffered);
    let limit = 2.0 * probe + ALLOWANCE.as_secs_f64() * 1e6;
    let mut text = format!("the audit log alone; medians of {} rounds\n", rounds.len());
    for (name, figure, unit) in [
        ("fdatasync of the device, p50", probe, "us"),
        ("one append alone, durable, p50", alone, "us"),
        ("the most it may take: 2 x fdatasync + 1 ms", limit, "us"),
        ("64 at once, durable", durable, "records/s"),
        ("64 at once, buffered", buffered, "records/s"),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<44} {figure:10.0} {unit}");
    }
    let _ = write!(text, "{:<44} {:10.2}", "durable to buffered, 64 at once", durable / buffered);
    text
}

/// A file full of written zeros, as a segment is.
pub(crate) fn prepare_probe(path: &Path) -> Result<File, Failure> {
    let file = File::options().write(true).create_new(true).open(path)?;
    file.write_all_at(&vec![0; usize::try_from(SEGMENT_BYTES)?], 0)?;
    file.sync_all()?;
    Ok(file)
}

/// Writes a record's length behind the other, each with an fdatasync.
pub(crate) fn probe_window(file: &File, window: Duration) -> Result<Vec<Duration>, Failure> {
    let (record, begun) = ([7; RECORD_BYTES], Instant::now());
    let (mut offset, mut took) = (0, Vec::new());
    while begun.elapsed() < window {
        let before = Instant::now();
        file.write_all_at(&record, offset)?;
        file.sync_data()?;
        took.push(before.elapsed());
        offset = (offset + u64::try_from(RECORD_BYTES)?) % (SEGMENT_BYTES - u64::try_from(RECORD_BYTES)?);
    }
    Ok(took)
}

impl Subject {
    fn open(folder: &Path, durability: Durability) -> Result<Self, Failure> {
        let options = JournalOptions {
            folder: folder.to_owned(),
            durability,
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: RESERVE_BYTES,
        };
        Ok(Self { journal: Journal::open(&options)?, runtime: Builder::new_current_thread().build()? })
    }

    /// Removes what was written, and waits until the reserve is ready.
    fn prepare(&self) -> Result<(), Failure> {
        for segment in self.journal.release(self.journal.durable()) {
            std::fs::remove_file(segment.path)?;
        }
        while self.journal.figures().reserve_bytes < RESERVE_BYTES {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// How long each append took that waited for the one before.
    fn alone(&self, window: Duration) -> Result<Vec<Duration>, Failure> {
        self.prepare()?;
        self.runtime.block_on(async {
            let (begun, mut took) = (Instant::now(), Vec::new());
            while begun.elapsed() < window {
                let entries = vec![entry()?];
                let before = Instant::now();
                self.journal.append(entries).await?;
                took.push(before.elapsed());
            }
            Ok(took)
        })
    }

    /// Records a second when each of the submitters appends as soon as its last append was answered.
    fn together(&self, window: Duration) -> Result<f64, Failure> {
        self.prepare()?;
        let (begun, count) = (Instant::now(), Cell::new(0_u32));
        let most = u32::try_from((RESERVE_BYTES - SEGMENT_BYTES) / u64::try_from(RECORD_BYTES + 200)?)?;
        let submitters = (0..SUBMITTERS).map(|_| async {
            while begun.elapsed() < window && count.get() < most {
                self.journal.append(vec![entry()?]).await?;
                count.set(count.get() + 1);
            }
            Ok::<(), Failure>(())
        });
        let work = futures_util::future::try_join_all(submitters);
        self.runtime.block_on(work)?;
        Ok(f64::from(count.get()) / begun.elapsed().as_secs_f64())
    }
}

fn entry() -> Result<Entry, Failure> {
    Ok(Entry {
        id: Uuid::new_v4(),
        time: Timestamp::from_millis(0),
        account: AccountId::parse("111122223333").ok_or("no account")?,
        region: Region::parse("eu-central-1").ok_or("no Region")?,
        event: vec![b'x'; RECORD_BYTES],
        rows: Vec::new(),
    })
}

pub(crate) fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took.get(took.len() / 2).copied().unwrap_or_default()
}

fn middle(rounds: &[Round], figure: fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_limit_and_the_ratio() {
        let round = Round {
            probe: Duration::from_micros(100),
            alone: Duration::from_micros(300),
            durable: 50.0,
            buffered: 80.0,
        };
        let text = table(&[round]);
        for row in [" 100 us", "1200 us", "0.62"] {
            assert!(text.contains(row), "{text}");
        }
    }
}
