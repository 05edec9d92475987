//! The lookup proof: a log of many records, its indexes made as a server makes them, and the time that the first page of
//! every kind of lookup takes. It needs no server: journal, index and lookup are the server's own.

mod record;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyreeve_audit::index::lookup::{Lookup, Query};
use keyreeve_audit::index::{self, Attribute, index_name};
use keyreeve_audit::{Durability, Journal, JournalError, JournalOptions, segment};
use keyreeve_model::timestamp::Timestamp;

use crate::Setting;
use crate::failure::Failure;
use crate::report::{bar, say};
use record::Records;

/// As the server's.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Of the short form, so that it has several segments too.
const SHORT_SEGMENT_BYTES: u64 = 2 << 20;
/// From this many records on, segments are as large as the server's.
const LONG_RECORDS: usize = 1_000_000;
/// Records of one append.
const BATCH: usize = 100;
/// What is promised.
const FIRST_PAGE_MAX: Duration = Duration::from_secs(1);
const INDEX_SHARE_MAX: f64 = 0.15;

/// Runs the proof.
///
/// # Errors
/// [`Failure::Broken`] when a page took longer, did not hold what it must, or the index is larger.
pub(crate) async fn run(setting: &Setting, count: usize) -> Result<(), Failure> {
    let folder = setting.folder()?;
    let records = Records::new(setting.seed, count);
    let journal = write(folder.path(), &records, count).await?;
    let (log, indexes, segments) = sizes(folder.path())?;
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
    let share = indexes as f64 / log as f64;
    say(&format!(
        "  {count} records in {segments} segments of {log} bytes, {} bytes a record; indexes: {:.1} % of that",
        log / u64::try_from(count).unwrap_or(1).max(1),
        share * 100.0
    ));
    if share > INDEX_SHARE_MAX {
        return Err(Failure::Broken(format!("the indexes are {share:.3} of the log")));
    }
    ask(folder.path(), &records, &journal)
}

async fn write(folder: &Path, records: &Records, count: usize) -> Result<Arc<Journal>, Failure> {
    let options = JournalOptions {
        folder: folder.to_owned(),
        durability: Durability::Buffered,
        segment_bytes: if count < LONG_RECORDS { SHORT_SEGMENT_BYTES } else { SEGMENT_BYTES },
        reserve_bytes: 0,
    };
    let journal = Arc::new(Journal::open(&options).map_err(log_failure)?);
    let progress = bar(count, "records");
    let mut segments = 1;
    for from in (0..count).step_by(BATCH) {
        let batch = (from..count.min(from + BATCH)).map(|number| records.entry(number)).collect();
        journal.append(batch).await.map_err(log_failure)?;
        progress.inc(BATCH as u64);
        if journal.segments().len() > segments {
            segments = journal.segments().len();
            index::keep(&journal, folder).await.map_err(log_failure)?;
        }
    }
    progress.finish_and_clear();
    index::keep(&journal, folder).await.map_err(log_failure)?;
    Ok(journal)
}

/// The values are to be taken by name: clippy would have the error by reference, which `map_err` does not give.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn log_failure(error: JournalError) -> Failure {
    Failure::Setting(error.to_string())
}

/// Bytes of closed segments, bytes of their indexes, and how many there are.
fn sizes(folder: &Path) -> Result<(u64, u64, usize), Failure> {
    let mut files = segment::list(folder).map_err(Failure::file(folder))?;
    files.pop();
    let bytes = |path: &Path| std::fs::metadata(path).map(|file| file.len()).map_err(Failure::file(path));
    let (mut log, mut indexes) = (0, 0);
    for file in &files {
        log += bytes(&file.path)?;
        indexes += bytes(&file.path.with_file_name(index_name(file.first)))?;
    }
    Ok((log, indexes, files.len()))
}

/// Asks for the first page of every kind of lookup, with what a server has in memory: the index of the open segment.
fn ask(folder: &Path, records: &Records, journal: &Journal) -> Result<(), Failure> {
    let (lookup, durable) = (Lookup::new(folder.to_owned()), journal.durable());
    let started = Instant::now();
    lookup.follow(durable).map_err(Failure::file(folder))?;
    say(&format!("  after a start, following the open segment: {:.0?}", started.elapsed()));
    for (attribute, value, span, least) in records.questions() {
        let query = Query {
            account: records.account,
            region: records.region.clone(),
            attribute: attribute.map(|attribute: Attribute| (attribute, value.clone())),
            start: span.map(|span| Timestamp::from_millis(span.0)),
            end: span.map(|span| Timestamp::from_millis(span.1)),
            limit: 50,
            after: None,
        };
        let started = Instant::now();
        let page = lookup.find(&query, durable).map_err(Failure::file(folder))?;
        let took = started.elapsed();
        let name = attribute.map_or("everything", Attribute::name);
        let range = if span.is_some() { " in an early minute" } else { "" };
        say(&format!("  {name} {value}{range}: {} events in {took:.1?}", page.events.len()));
        if took > FIRST_PAGE_MAX || page.events.len() < least {
            return Err(Failure::Broken(format!("{name} {value}: {} events, {took:?}", page.events.len())));
        }
    }
    Ok(())
}
