//! The one that writes: chains what was asked for, puts it on disk in as few calls as can be, goes on in a new segment
//! where one is full, and after a failure takes nothing for granted.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::disk::Identity;
use super::folder::Folder;
use super::health::{now, sentence};
use super::layout::Segment;
use super::open_segment::{OpenSegment, name_segment};
use super::queue::{Batch, Patience, Request, Seal};
use super::{Durability, JournalError, Shared};
use crate::chain::{Hash, Place, SignedHead, link};
use crate::frame::{FRAME_HEAD_BYTES, Frame, FrameKind};
use crate::segment::{FORMAT, Opening, file_name};

/// The most bytes that are written between two syncs, unless one append alone is longer.
pub(super) const WRITE_BYTES_MAX: usize = 1 << 20;
/// More than the payload of a signed head takes.
const HEAD_BYTES_MAX: usize = 2048;
/// More than an opening takes.
const OPENING_BYTES_MAX: usize = 1024;

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) place: Place,
    pub(super) hash: Hash,
}

/// Why something was not written: a sentence.
#[derive(Debug)]
pub(super) struct Fault(pub(super) String);

/// The writer of a log. There is one.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    folder: Folder,
    log: Uuid,
    open: Option<OpenSegment>,
    /// The end of what is written, and synced where that is promised.
    tip: Tip,
    /// No greater number was ever written, whether or not that succeeded.
    highest: Place,
    staged: Staged,
    /// Since when something is written that is not synced.
    unsynced: Option<Instant>,
    /// When mending is tried next.
    next_try: Instant,
}

/// Tells whoever still waits when the writer ends, however it ends.
#[derive(Debug)]
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.queue.close();
        drop(self.0.queue.take(None, Patience::default()));
        if std::thread::panicking() {
            self.0.state.break_down("its writer failed: restart Keyreeve, and report this with its log");
        }
    }
}

/// Frames that are chained and not written.
#[derive(Debug)]
struct Staged {
    bytes: Vec<u8>,
    tip: Tip,
    frames: u64,
    /// The first of them, which begins where the file ends.
    first: Place,
}

impl Writer {
    /// A writer that goes on at this end of the chain. `open` is the segment that it stands in, if any.
    pub(super) fn new(
        shared: Arc<Shared>,
        folder: Folder,
        log: Uuid,
        tip: Tip,
        open: Option<OpenSegment>,
    ) -> Self {
        Self {
            staged: Staged { bytes: Vec::new(), tip, frames: 0, first: Place(tip.place.0 + 1) },
            highest: tip.place,
            unsynced: None,
            next_try: Instant::now(),
            shared,
            folder,
            log,
            open,
            tip,
        }
    }

    /// Writes batches until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _end = End(Arc::clone(&self.shared));
        let mut patience = Patience::default();
        loop {
            let taken = self.shared.queue.take(self.sleep(), patience);
            let closed = taken.closed && taken.batch.requests.is_empty();
            let requests = taken.batch.requests.len();
            self.process(taken.batch);
            if self.shared.plan.durability == Durability::Durable {
                patience = Patience { requests, most: self.shared.counters.patience() };
            }
            if closed {
                break;
            }
        }
        // What an acknowledgement promised is on disk already.
        drop(self.sync());
    }

    /// How long the writer may sleep when nobody asks anything of it.
    fn sleep(&self) -> Option<Duration> {
        let beat = self.shared.plan.beat;
        if self.shared.state.writable().is_err() {
            return Some(self.next_try.saturating_duration_since(Instant::now()));
        }
        self.unsynced.map(|since| beat.saturating_sub(since.elapsed()))
    }

    /// Mends what is broken, writes a batch, and tells those who wait for it.
    pub(super) fn process(&mut self, mut batch: Batch) {
        if self.shared.state.writable().is_err() && self.next_try <= Instant::now() {
            self.mend();
        }
        if !batch.requests.is_empty() {
            let mut heads = Vec::new();
            let requests = std::mem::take(&mut batch.requests);
            let outcome = self.shared.state.writable().and_then(|()| {
                self.write(requests, &mut heads).map_err(|fault| {
                    self.break_down(&fault);
                    JournalError::Unwritable(fault.0)
                })
            });
            for (head, seal) in heads {
                // Who asked may be gone.
                drop(seal.answer.send(outcome.clone().map(|()| head)));
            }
            batch.finish(outcome);
        }
        if self.unsynced.is_some_and(|since| since.elapsed() >= self.shared.plan.beat)
            && let Err(fault) = self.sync()
        {
            self.break_down(&fault);
        }
    }

    fn write(&mut self, requests: Vec<Request>, heads: &mut Vec<(SignedHead, Seal)>) -> Result<(), Fault> {
        for request in requests {
            match request {
                Request::Frames(kind, payloads) => {
                    self.make_room(payloads.iter().map(|payload| FRAME_HEAD_BYTES + payload.len()).sum())?;
                    payloads.into_iter().for_each(|payload| self.stage(kind, payload));
                }
                Request::Seal(seal) => self.seal(seal, heads)?,
                Request::GoOn(tip) => self.go_on(tip)?,
            }
        }
        self.flush()
    }

    fn go_on(&mut self, tip: Tip) -> Result<(), Fault> {
        self.flush()?;
        self.sync()?;
        if tip.place <= self.tip.place {
            return Ok(());
        }
        self.shared.state.alarm(format!(
            "the audit log ended with frame {}, and the store knows of frame {}: what lay between is missing; run \
             `keyreeve audit verify`",
            self.tip.place.0, tip.place.0
        ));
        self.shared.layout.close_last(self.tip.place);
        (self.open, self.tip, self.highest) = (None, tip, tip.place);
        self.begin(Place(tip.place.0 + 1), 0)
    }

    /// The head is signed here, so that it vouches for the very frame before it.
    fn seal(&mut self, seal: Seal, heads: &mut Vec<(SignedHead, Seal)>) -> Result<(), Fault> {
        self.make_room(FRAME_HEAD_BYTES + HEAD_BYTES_MAX)?;
        let signed = seal.key.sign_head(self.staged.tip.place, &self.staged.tip.hash, seal.now);
        match signed.map(|head| serde_json::to_vec(&head).map(|payload| (head, payload))) {
            Ok(Ok((head, payload))) => {
                self.stage(FrameKind::Head, payload);
                heads.push((head, seal));
            }
            Ok(Err(_)) | Err(_) => {
                let error = JournalError::Unwritable("the head could not be signed".into());
                drop(seal.answer.send(Err(error)));
            }
        }
        Ok(())
    }

    fn stage(&mut self, kind: FrameKind, payload: Vec<u8>) {
        let number = Place(self.staged.tip.place.0 + 1);
        let hash = link(&self.staged.tip.hash, number, kind, &payload);
        Frame { number, kind, hash, payload }.write_to(&mut self.staged.bytes);
        self.staged.tip = Tip { place: number, hash };
        self.staged.frames += 1;
    }

    /// Has room for this many bytes, in one piece with nothing or with what is staged.
    fn make_room(&mut self, bytes: usize) -> Result<(), Fault> {
        if self.staged.bytes.len() + bytes > WRITE_BYTES_MAX {
            self.flush()?;
        }
        let wanted = length(self.staged.bytes.len() + bytes);
        if self.open.as_ref().is_none_or(|open| open.end + wanted > open.identity.bytes) {
            self.flush()?;
            self.sync()?;
            self.begin(Place(self.tip.place.0 + 1), length(bytes))?;
        }
        Ok(())
    }

    /// Writes what is staged.
    fn flush(&mut self) -> Result<(), Fault> {
        let Self { shared, open: Some(open), staged, .. } = self else { return Ok(()) };
        if staged.bytes.is_empty() {
            return Ok(());
        }
        self.highest = staged.tip.place;
        let written = shared.disk.write(&open.file, &staged.bytes, open.end);
        written.map_err(|error| shared.fault("writing the audit log", &error))?;
        if shared.plan.durability == Durability::Durable {
            open.sync(shared)?;
        } else if shared.plan.lasting {
            self.unsynced.get_or_insert_with(Instant::now);
        }
        open.still_there(shared)?;
        shared.layout.mark(open.first, staged.first, open.end);
        open.end += length(staged.bytes.len());
        self.tip = staged.tip;
        shared.counters.wrote(staged.frames, staged.bytes.len());
        shared.durable.send_replace(staged.tip.place);
        self.unstage();
        Ok(())
    }

    fn unstage(&mut self) {
        self.staged.bytes.clear();
        self.staged.frames = 0;
        self.staged.tip = self.tip;
        self.staged.first = Place(self.tip.place.0 + 1);
    }

    /// Syncs what was written without.
    fn sync(&mut self) -> Result<(), Fault> {
        match (self.unsynced.take(), &self.open) {
            (Some(_), Some(open)) => open.sync(&self.shared),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// Begins a segment with this number, with room for this many bytes behind its opening.
    pub(super) fn begin(&mut self, first: Place, room: u64) -> Result<(), Fault> {
        let (first, path) = self.unused(first);
        let shared = Arc::clone(&self.shared);
        let opening = Opening {
            format: FORMAT,
            log: self.log,
            first,
            after: self.tip.place,
            before: hex::encode(self.tip.hash),
            time: now(),
        };
        let frame = opening.to_frame().ok_or_else(|| Fault("an opening could not be written down".into()))?;
        let failed = |error: io::Error| shared.fault("beginning a segment of the audit log", &error);
        let (file, spare) = shared.reserve.take(room + length(OPENING_BYTES_MAX)).map_err(failed)?;
        let begun = name_segment(&shared, &file, &frame, &spare, &path);
        let end = begun.inspect_err(|_| drop(fs::remove_file(&spare))).map_err(failed)?;
        let identity = Identity::of(&file.metadata().map_err(failed)?);
        shared.layout.close_last(self.tip.place);
        shared.layout.push(Segment {
            first,
            last: None,
            path: path.clone(),
            bytes: identity.bytes,
            lost: false,
            identity: Some(identity),
            settled: false,
        });
        self.open = Some(OpenSegment { first, path, file, identity, end });
        self.tip = Tip { place: first, hash: frame.hash };
        self.highest = self.highest.max(first);
        self.unstage();
        shared.counters.opened(opening.time);
        if shared.plan.lasting {
            shared.disk.sync_folder(&shared.plan.folder).map_err(failed)?;
        }
        shared.durable.send_replace(first);
        Ok(())
    }

    /// A number from this one on under whose name no file lies: none is ever written over.
    fn unused(&self, mut first: Place) -> (Place, PathBuf) {
        loop {
            let path = self.shared.plan.folder.join(file_name(first));
            if path.symlink_metadata().is_err() {
                return (first, path);
            }
            first.0 += 1;
        }
    }

    /// Nothing is acknowledged until the log was mended. Whether what was staged is on disk is not known.
    fn break_down(&mut self, fault: &Fault) {
        self.unstage();
        self.shared.state.break_down(&fault.0);
    }

    /// Leaves the open segment as it was when it was last in order, and goes on in a new one: after a failed sync nobody
    /// knows what the system still holds of the old one.
    fn mend(&mut self) {
        let seen = self.shared.state.breaks();
        self.next_try = Instant::now() + self.shared.plan.beat;
        self.unstage();
        let mended = self
            .folder
            .restore(&self.shared.disk)
            .map_err(|error| self.shared.fault("making the folder of the audit log", &error))
            .and_then(|()| {
                self.rescue();
                let clean = self.wipe().is_ok();
                let last = if clean { self.tip.place } else { self.highest };
                self.begin(Place(last.0 + 1), 0)
            });
        match mended {
            Ok(()) => self.shared.state.mend(seen),
            Err(fault) => self.shared.state.break_down(&fault.0),
        }
    }

    /// Where the open segment lies no longer in its place, what was acknowledged in it is copied from the open file.
    fn rescue(&self) {
        let Some(open) = self.open.as_ref().filter(|open| open.still_there(&self.shared).is_err()) else {
            return;
        };
        let name = format!("rescued-{}", file_name(open.first));
        match open.rescue(&self.shared.disk, &self.shared.plan.folder.join(&name)) {
            Ok(()) => self.shared.state.alarm(format!(
                "what {} held up to frame {} was saved as {name} beside it: see what removed it, then give it its own \
                 name back",
                open.path.display(),
                self.tip.place.0
            )),
            // By an earlier attempt to mend.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => tracing::warn!(%error, path = %open.path.display(), "a lost segment could not be saved"),
        }
    }

    /// Writes zeros over what a failed write may have left behind the end of the open segment.
    fn wipe(&mut self) -> Result<(), Fault> {
        let Some(open) =
            self.open.as_ref().filter(|_| self.highest > self.tip.place || self.unsynced.is_some())
        else {
            return Ok(());
        };
        open.still_there(&self.shared)?;
        let failed = |error: io::Error| self.shared.fault("wiping a failed append", &error);
        open.wipe(&self.shared.disk).map_err(failed)?;
        self.unsynced = None;
        open.sync(&self.shared)?;
        self.highest = self.tip.place;
        Ok(())
    }
}

impl Shared {
    pub(super) fn fault(&self, doing: &str, error: &io::Error) -> Fault {
        Fault(sentence(doing, error, &self.plan.folder))
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
