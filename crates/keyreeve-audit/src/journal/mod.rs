//! The log that is being written: appends, signed heads, and reading what is durable.
//!
//! One thread writes ([`writer`]); what is asked for meanwhile is gathered into the next batch ([`queue`]), so that any number
//! of appends share one fdatasync and one alone waits for no timer. A second thread keeps spare segments ready
//! ([`reserve`]), a third looks after the files ([`watch`]).

mod disk;
mod figures;
mod folder;
mod health;
mod layout;
mod open_segment;
mod queue;
mod read;
mod recovery;
mod reserve;
#[cfg(test)]
mod tests;
mod watch;
mod writer;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use keyreeve_model::timestamp::Timestamp;
use tokio::sync::{oneshot, watch as channel};
use uuid::Uuid;

pub use figures::{Figures, SYNC_BUCKETS_US};
pub use health::{Alarm, Health};
pub use layout::Segment;
pub use queue::Appended;
pub use recovery::Recovered;

use crate::chain::{Hash, Place, SignedHead};
use crate::entry::Entry;
use crate::frame::{Frame, FrameKind, PAYLOAD_BYTES_MAX};
use crate::signing_key::SigningKey;
use disk::Disk;
use folder::Folder;
use open_segment::OpenSegment;
use queue::{Batch, Queue, Request, Seal};
use writer::{Tip, Writer};

/// How often the files are looked at, what is buffered is synced, and mending is tried.
const BEAT: Duration = Duration::from_secs(1);
/// A segment is not made smaller than this.
const SEGMENT_BYTES_MIN: u64 = 16 * 1024;
/// Size of the segments of a log that goes with the process.
const EPHEMERAL_SEGMENT_BYTES: u64 = 8 << 20;

/// When an append answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Once it is on disk.
    Durable,
    /// Once it is handed to the operating system: `dev` and the benchmark only. It is on disk a second later.
    Buffered,
}

/// Where and how a log is written.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// Folder of the segment files; made when it is missing.
    pub folder: PathBuf,
    /// When an append answers.
    pub durability: Durability,
    /// Size of a segment file; an append that is larger gets a segment of its own size.
    pub segment_bytes: u64,
    /// Space that is kept ready beyond the open segment, in whole segments, one at least.
    pub reserve_bytes: u64,
}

/// Why the log does not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It cannot be written: a sentence that says why and what to do.
    #[error("the audit log cannot be written: {0}")]
    Unwritable(String),
    /// It cannot be read.
    #[error("the audit log cannot be read: {0}")]
    Unreadable(String),
}

/// The log.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    hand: Hand,
    recovered: Recovered,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Removed with the journal.
    folder: Option<tempfile::TempDir>,
}

/// Who writes.
#[derive(Debug)]
enum Hand {
    /// The writer's thread.
    Thread,
    /// Whoever appends: for a log that is never synced.
    Caller(Box<Mutex<Writer>>),
}

/// What all parts of a journal see.
#[derive(Debug)]
struct Shared {
    plan: Plan,
    disk: Disk,
    state: health::State,
    queue: Queue,
    layout: layout::Layout,
    counters: figures::Counters,
    reserve: reserve::Reserve,
    durable: channel::Sender<Place>,
    stop: watch::Stop,
}

/// What was decided about a log when it was opened.
#[derive(Debug)]
struct Plan {
    folder: PathBuf,
    durability: Durability,
    /// It outlives the process. Otherwise nothing is synced.
    lasting: bool,
    beat: Duration,
}

impl Journal {
    /// Opens the log of a folder, or begins it. A folder whose newest segments are damaged is opened too: see
    /// [`Self::recovered`] and [`Self::alarms`].
    ///
    /// # Errors
    /// [`JournalError::Unwritable`] when another process writes it, or the folder cannot be written.
    pub fn open(options: &JournalOptions) -> Result<Self, JournalError> {
        Self::open_on(options, Disk::default(), BEAT, true)
    }

    /// A log that goes with the process.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn ephemeral() -> Result<Self, JournalError> {
        let folder = tempfile::tempdir().map_err(|error| JournalError::Unwritable(error.to_string()))?;
        let options = JournalOptions {
            folder: folder.path().to_owned(),
            durability: Durability::Buffered,
            segment_bytes: EPHEMERAL_SEGMENT_BYTES,
            reserve_bytes: 0,
        };
        let mut journal = Self::open_on(&options, Disk::default(), BEAT, false)?;
        journal.folder = Some(folder);
        Ok(journal)
    }

    fn open_on(
        options: &JournalOptions,
        disk: Disk,
        beat: Duration,
        lasting: bool,
    ) -> Result<Self, JournalError> {
        let unwritable = |error: std::io::Error| {
            JournalError::Unwritable(health::sentence("opening it", &error, &options.folder))
        };
        let folder = Folder::open(&disk, &options.folder).map_err(unwritable)?;
        let found = recovery::recover(&disk, &options.folder).map_err(unwritable)?;
        let shared = Arc::new(Shared::new(options, disk, beat, lasting));
        shared.reserve.take_stock().map_err(unwritable)?;
        let recovered = found.recovered.clone();
        let writer = shared.start(folder, found).map_err(|fault| JournalError::Unwritable(fault.0))?;
        let mut journal =
            Self { shared, hand: Hand::Thread, recovered, threads: Mutex::default(), folder: None };
        if lasting {
            journal.start_threads(writer).map_err(unwritable)?;
        } else {
            journal.hand = Hand::Caller(Box::new(Mutex::new(writer)));
        }
        Ok(journal)
    }

    fn start_threads(&self, writer: Writer) -> std::io::Result<()> {
        let (reserve, watched) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        self.start_thread("audit-writer", move || writer.run())?;
        self.start_thread("audit-reserve", move || reserve.reserve.run(&reserve.state, reserve.plan.beat))?;
        self.start_thread("audit-watch", move || watch::run(&watched))
    }

    fn start_thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = thread::Builder::new().name(name.into()).spawn(work)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// What was found when the log was opened, to be compared with the head that the store knows.
    pub const fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// The folder of the segment files.
    pub fn folder(&self) -> &std::path::Path {
        &self.shared.plan.folder
    }

    /// Whether requests can be answered: asked before each, so it costs a load.
    ///
    /// # Errors
    /// [`JournalError::Unwritable`] while the log cannot be written.
    pub fn writable(&self) -> Result<(), JournalError> {
        self.shared.state.writable()
    }

    /// Waits until the log can be written: at once where it can.
    pub async fn until_writable(&self) {
        self.shared.state.until_writable().await;
    }

    /// How the log fares, for readiness.
    pub fn health(&self) -> Health {
        self.shared.state.health()
    }

    /// Damage that was found since the log was opened, and when it was.
    pub fn alarms(&self) -> Vec<Alarm> {
        self.shared.state.alarms()
    }

    /// Figures for metrics.
    pub fn figures(&self) -> Figures {
        let Shared { counters, queue, reserve, layout, .. } = &*self.shared;
        counters.figures(queue.depth(), reserve.bytes(), layout.count())
    }

    /// Appends entries, all in one piece; answers once they are durable. They are appended whether or not anybody waits
    /// for the answer.
    ///
    /// # Errors
    /// [`JournalError::Unwritable`]; the entries may then stand in the log or not.
    pub fn append(&self, entries: Vec<Entry>) -> Appended {
        self.push(FrameKind::Entry, entries.iter().map(Entry::to_payload).collect())
    }

    /// Appends a frame of the log's own: of an index that was written, or of segments that were purged.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_frame(&self, kind: FrameKind, payload: Vec<u8>) -> Appended {
        self.push(kind, vec![payload])
    }

    /// Signs the head of the chain, writes it into the log and answers it once it is durable, to be committed to the
    /// store.
    ///
    /// # Errors
    /// [`JournalError::Unwritable`].
    pub async fn seal(&self, key: &SigningKey, now: Timestamp) -> Result<SignedHead, JournalError> {
        let (answer, signed) = oneshot::channel();
        self.submit(Request::Seal(Seal { key: key.clone(), now, answer })).await?;
        signed.await.map_err(|_| JournalError::Unwritable("the head was not signed".into()))?
    }

    /// Goes on behind this frame, in a new segment, where the log ends before it: for a store that knows a head which the
    /// log does not reach, so that no number is given twice. It is an alarm.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn go_on_behind(&self, place: Place, hash: Hash) -> Appended {
        self.submit(Request::GoOn(Tip { place, hash }))
    }

    /// The newest durable frame.
    pub fn durable(&self) -> Place {
        *self.shared.durable.borrow()
    }

    /// Waits until there are durable frames after this one.
    pub async fn grown(&self, after: Place) -> Place {
        let mut durable = self.shared.durable.subscribe();
        durable.wait_for(|place| *place > after).await.map_or(after, |place| *place)
    }

    /// Durable frames after this one, in order: as many as hold about `max_bytes`, one at least where there is one. What
    /// is lost, damaged or purged is passed over (numbers are missing then; what was not purged is an alarm). It reads
    /// files, so it is not for a thread that serves others.
    ///
    /// # Errors
    /// [`JournalError::Unreadable`].
    pub fn read(&self, after: Place, max_bytes: usize) -> Result<Vec<Frame>, JournalError> {
        read::read(&self.shared, after, max_bytes)
    }

    /// Which of these entries stand behind this frame: what a crash left in the outbox and is in the log all the same.
    ///
    /// # Errors
    /// [`JournalError::Unreadable`].
    pub fn contains(&self, ids: &HashSet<Uuid>, after: Place) -> Result<HashSet<Uuid>, JournalError> {
        read::contained(&self.shared, ids, after)
    }

    /// The segments, oldest first; the last one is open.
    pub fn segments(&self) -> Vec<Segment> {
        self.shared.layout.all()
    }

    /// Forgets the closed segments whose frames are all at or before this one, so that they can be removed: from now on
    /// nobody reads them and nobody misses them. Answers them, oldest first.
    pub fn release(&self, through: Place) -> Vec<Segment> {
        self.shared.layout.release(through)
    }

    /// Writes what waits, syncs, and ends the threads. Appends fail from now on. Dropping does it, too.
    pub fn close(&self) {
        self.shared.queue.close();
        self.shared.reserve.stop();
        self.shared.stop.stop();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // A thread that failed has said so.
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }

    fn push(&self, kind: FrameKind, payloads: Vec<Vec<u8>>) -> Appended {
        if payloads.iter().any(|payload| payload.len() > PAYLOAD_BYTES_MAX) {
            let reason = format!("a record is larger than {PAYLOAD_BYTES_MAX} bytes");
            return Appended::failed(JournalError::Unwritable(reason));
        }
        self.submit(Request::Frames(kind, payloads))
    }

    fn submit(&self, request: Request) -> Appended {
        match &self.hand {
            Hand::Thread => {
                let pushed = self.writable().and_then(|()| self.shared.queue.push(request));
                pushed.unwrap_or_else(Appended::failed)
            }
            Hand::Caller(writer) => {
                let batch = Batch::of(request);
                let appended = batch.appended();
                writer.lock().unwrap_or_else(PoisonError::into_inner).process(batch);
                appended
            }
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn new(options: &JournalOptions, disk: Disk, beat: Duration, lasting: bool) -> Self {
        let folder = options.folder.clone();
        let segment_bytes = options.segment_bytes.max(SEGMENT_BYTES_MIN);
        let spares = usize::try_from(options.reserve_bytes.div_ceil(segment_bytes)).unwrap_or(usize::MAX);
        let wanted = if lasting { spares.max(1) } else { 0 };
        Self {
            reserve: reserve::Reserve::new(disk.clone(), folder.clone(), segment_bytes, wanted),
            plan: Plan { folder, durability: options.durability, lasting, beat },
            disk,
            state: health::State::new(),
            queue: Queue::default(),
            layout: layout::Layout::default(),
            counters: figures::Counters::default(),
            durable: channel::Sender::new(Place(0)),
            stop: watch::Stop::default(),
        }
    }

    /// The writer that goes on where the log was found to end.
    fn start(self: &Arc<Self>, folder: Folder, found: recovery::Found) -> Result<Writer, writer::Fault> {
        let recovery::Found { recovered, segments, open, free } = found;
        for path in &recovered.damaged {
            self.state.alarm(format!(
                "{} is damaged: it was left as it is, and a new segment was begun; run `keyreeve audit verify`",
                path.display()
            ));
        }
        let newest = segments.last().cloned();
        segments.into_iter().for_each(|segment| self.layout.push(segment));
        let open = newest.zip(open).and_then(|(segment, (file, end))| {
            let identity = segment.identity?;
            Some(OpenSegment { first: segment.first, path: segment.path, file, identity, end })
        });
        let tip = Tip { place: recovered.last, hash: recovered.hash };
        let goes_on = open.is_some();
        let mut writer = Writer::new(Arc::clone(self), folder, recovered.log, tip, open);
        if goes_on {
            self.durable.send_replace(tip.place);
        } else {
            writer.begin(free, 0)?;
        }
        Ok(writer)
    }
}
