//! Forgetting for good what rows held that are gone. `secure_delete` overwrites them in the database file; two things
//! are left, and done here by the writing thread, a little between commits: the log still holds pages as they were
//! (`wipe`), and pages hold copies that SQLite left behind when it moved rows (`residue.rs`).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::link::BUSY_TIMEOUT;
use super::reason;
use super::residue::{Residue, residue};
use super::site::Identity;
use super::writer::{Checkpoint, Writer, checkpoint, overwrite, roll_back};
use crate::error::Reason;

/// Pages looked at in one turn: some tenths of a millisecond.
const PAGES_PER_TURN: usize = 128;
/// Between two turns: commits that come meanwhile go first.
const PAUSE: Duration = Duration::from_millis(3);
/// After a turn that came to nothing, as a reader held it up or the disk failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long readers are waited for; commits wait too.
const PATIENCE: Duration = Duration::from_millis(20);
/// Cleaning a page may move others: then they are looked at again. Large rows may move each time and never come to rest;
/// but what they leave is their own. So the last round is enough in which no page was missed.
const ROUNDS_MAX: u32 = 8;
/// The log's own header, and that of each page in it: <https://www.sqlite.org/fileformat2.html#wal_file_format>.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
/// A log with more pages than the one small change that began it was not begun anew.
const FRESH_FRAMES_MAX: u32 = 4;

type Waiting = Vec<oneshot::Sender<()>>;

/// What was asked for, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Forgetting {
    now: Option<Round>,
    waiting: Waiting,
    /// They came while a round was under way that may have passed their rows already.
    later: Waiting,
    next_turn: Option<Instant>,
    /// The database file. Never closed before its connections: that would give up their locks on it.
    /// <https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>
    file: Option<(Identity, File)>,
}

/// One walk over the file.
#[derive(Debug)]
struct Round {
    number: u32,
    /// On this connection.
    generation: u64,
    step: Step,
    /// Pages that were cleaned.
    cleaned: u64,
    /// Pages that were not: a commit was first, and the row that was to fill one is gone.
    missed: u64,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The log is moved into the file, so that the file is the whole truth, and wiped.
    Wipe,
    /// Pages from this one on are looked at.
    Look { from: u64 },
}

/// How a turn ended.
enum Turn {
    /// The next one.
    Go(Step),
    /// A reader, or the disk, is in the way.
    Held,
    /// Nothing is left.
    Done,
}

impl Forgetting {
    /// Whether there is something to do.
    pub(super) const fn is_idle(&self) -> bool {
        self.now.is_none()
    }

    /// How long the thread may wait for other work.
    pub(super) fn pause(&self, otherwise: Duration) -> Duration {
        match self.next_turn.filter(|_| !self.is_idle()) {
            Some(next) => next.saturating_duration_since(Instant::now()).min(otherwise),
            None => otherwise,
        }
    }
}

impl Writer {
    pub(super) fn begin_forgetting(&mut self, waiting: oneshot::Sender<()>) {
        let generation = self.link.generation();
        match self.forgetting.now {
            Some(_) => self.forgetting.later.push(waiting),
            None => {
                self.forgetting.waiting.push(waiting);
                self.forgetting.now =
                    Some(Round { number: 1, generation, step: Step::Wipe, cleaned: 0, missed: 0 });
                self.forgetting.next_turn = Some(Instant::now());
            }
        }
    }

    /// Does a little, if it is time.
    pub(super) fn forget(&mut self) {
        let due = self.forgetting.next_turn.is_some_and(|next| next <= Instant::now());
        let Some(mut round) = self.forgetting.now.take_if(|_| due) else { return };
        let turn = self.turn(&mut round).unwrap_or_else(|reason| {
            warn!(%reason, "what deleted rows left behind cannot be removed yet");
            Turn::Held
        });
        let pause = match turn {
            Turn::Go(step) => {
                self.forgetting.now = Some(Round { step, ..round });
                PAUSE
            }
            Turn::Held => {
                self.forgetting.now = Some(round);
                RETRY_PAUSE
            }
            Turn::Done => {
                debug!(rounds = round.number, "nothing is left of deleted rows");
                self.forgetting.waiting.drain(..).for_each(|waiting| waiting.send(()).unwrap_or_default());
                self.forgetting.waiting = std::mem::take(&mut self.forgetting.later);
                if !self.forgetting.waiting.is_empty() {
                    self.forgetting.now =
                        Some(Round { number: 1, step: Step::Wipe, cleaned: 0, missed: 0, ..round });
                }
                PAUSE
            }
        };
        self.forgetting.next_turn = Some(Instant::now() + pause);
    }

    fn turn(&mut self, round: &mut Round) -> Result<Turn, Reason> {
        self.settled()?;
        if self.link.generation() != round.generation {
            // Another file, perhaps: from the beginning.
            (round.generation, round.step) = (self.link.generation(), Step::Wipe);
        }
        match round.step {
            Step::Wipe => Ok(match self.wipe()? {
                Checkpoint::Whole => Turn::Go(Step::Look { from: 2 }),
                Checkpoint::Partial => Turn::Held,
            }),
            Step::Look { from } => self.look(round, from),
        }
    }

    fn look(&mut self, round: &mut Round, from: u64) -> Result<Turn, Reason> {
        let (residues, read) = self.residues(from)?;
        #[cfg(test)]
        if let Some(connection) = self.link.current() {
            self.fault.meanwhile(connection, &residues).map_err(|error| self.link.failed(&error))?;
        }
        for residue in &residues {
            if self.clean(residue)? {
                round.cleaned += 1;
            } else {
                round.missed += 1;
            }
        }
        if read == PAGES_PER_TURN {
            return Ok(Turn::Go(Step::Look { from: from + PAGES_PER_TURN as u64 }));
        }
        let last = round.number == ROUNDS_MAX;
        if round.missed == 0 && (round.cleaned == 0 || last) {
            return Ok(Turn::Done);
        }
        if last {
            warn!(pages = round.missed, "pages are changed faster than they can be cleaned of deleted rows");
            *round = Round { number: 1, step: Step::Wipe, cleaned: 0, missed: 0, ..*round };
            return Ok(Turn::Held);
        }
        (round.number, round.cleaned, round.missed) = (round.number + 1, 0, 0);
        Ok(Turn::Go(Step::Wipe))
    }

    /// What the next pages hold, as they lie in the file, and how many there were.
    fn residues(&mut self, from: u64) -> Result<(Vec<Residue>, usize), Reason> {
        let page = page_size(self.link.ready()?).map_err(|error| self.link.failed(&error))?;
        let size = usize::try_from(page).unwrap_or_default();
        let site = &self.link.opened().site;
        let ([identity, _], database) = (site.identities()?, site.database());
        let failed = |error: std::io::Error| reason::system(&error, database);
        let file = match &mut self.forgetting.file {
            Some((of, file)) if *of == identity => file,
            kept => &mut kept.insert((identity, File::open(database).map_err(failed)?)).1,
        };
        let there = file.metadata().map_err(failed)?.len() / page;
        let count = usize::try_from((there + 1).saturating_sub(from)).unwrap_or(PAGES_PER_TURN);
        let count = count.min(PAGES_PER_TURN);
        let mut pages = vec![0; count * size];
        file.read_exact_at(&mut pages, (from - 1) * page).map_err(failed)?;
        Ok((pages.chunks_exact(size.max(1)).filter_map(residue).collect(), count))
    }

    /// Overwrites the free space of the page that a row lies on: for a moment the row fills it. `false` when the row is
    /// gone by now.
    fn clean(&mut self, residue: &Residue) -> Result<bool, Reason> {
        let connection = self.settled()?;
        match fill(connection, residue) {
            Ok(true) => {}
            Ok(false) => {
                roll_back(connection);
                return Ok(false);
            }
            Err(error) => {
                roll_back(connection);
                return Err(self.link.failed(&error));
            }
        }
        self.seal().map_err(|error| {
            // The rows are as they were; but nothing may follow in the log before this is settled.
            self.in_doubt();
            self.link.meaning(&error)
        })?;
        Ok(true)
    }

    /// Moves the log into the database file, overwrites it and cuts it off.
    pub(super) fn wipe(&mut self) -> Result<Checkpoint, Reason> {
        let connection = self.link.ready()?;
        let moved = patiently(connection, |connection| {
            if checkpoint(connection, "RESTART")? == Checkpoint::Partial {
                return Ok(None);
            }
            // Begins the log anew, unless a reader came meanwhile: then it is appended to.
            overwrite(connection)?;
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get::<_, u32>(1)).map(Some)
        });
        let frames = moved.map_err(|error| self.link.failed(&error))?;
        let Some(frames) = frames.filter(|frames| *frames <= FRESH_FRAMES_MAX) else {
            return Ok(Checkpoint::Partial);
        };
        let size = page_size(self.link.ready()?).map_err(|error| self.link.failed(&error))?;
        self.link.opened().site.overwrite_log(LOG_HEADER + u64::from(frames) * (FRAME_HEADER + size))?;
        let connection = self.link.ready()?;
        let moved = patiently(connection, |connection| checkpoint(connection, "TRUNCATE"));
        let moved = moved.map_err(|error| self.link.failed(&error))?;
        if moved == Checkpoint::Whole {
            self.unchecked = 0;
        }
        Ok(moved)
    }

    pub(super) fn in_doubt(&mut self) {
        self.link.opened().doubtful.store(true, Ordering::SeqCst);
        self.doubt = Some(self.link.generation());
    }
}

fn page_size(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("PRAGMA page_size", (), |row| row.get::<_, u32>(0)).map(u64::from)
}

/// Does something that waits for readers, but not for long.
fn patiently<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.busy_timeout(PATIENCE)?;
    let done = work(connection);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    done
}

/// Leaves the transaction open; `false` when the row is gone by now.
fn fill(connection: &Connection, residue: &Residue) -> rusqlite::Result<bool> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut select = connection.prepare_cached("SELECT value FROM row WHERE id = ?1")?;
    let value = select.query_row([residue.id], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    let Some(value) = value else { return Ok(false) };
    let filling = i64::try_from(residue.filling).unwrap_or_default();
    connection
        .prepare_cached("UPDATE row SET value = zeroblob(?2) WHERE id = ?1")?
        .execute((residue.id, filling))?;
    connection.prepare_cached("UPDATE row SET value = ?2 WHERE id = ?1")?.execute((residue.id, value))?;
    Ok(true)
}
