//! One stream: reads the log from its place on, sends, and waits for as long as its receiver wants.

use std::sync::Arc;
use std::time::Duration;

use keyreeve_audit::{Journal, Place};
use keyreeve_service::clock::Clock;
use tokio::sync::watch;

use super::cursor::Cursor;
use super::sieve::{IDS_MAX, Item, Sieve};
use super::sink::{Fault, Sink};
use super::{Content, FeedCounts, Source, Stage};

/// What is read, and sent, at a time: all that a stream holds in memory, however far it lags.
const READ_BYTES: usize = 256 * 1024;
/// The first pause after a failure; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A stream.
#[derive(Debug)]
pub(super) struct Feed {
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    sieve: Sieve,
    sink: Sink,
    cursor: Cursor,
    counts: Arc<FeedCounts>,
    /// Failures since the last success: not each of them is worth a line in the log.
    failing: u32,
}

impl Feed {
    pub(super) fn new(
        source: &Source,
        content: Content,
        sink: Sink,
        cursor: Cursor,
        counts: Arc<FeedCounts>,
    ) -> Self {
        Self {
            journal: Arc::clone(&source.journal),
            clock: Arc::clone(&source.clock),
            sieve: Sieve::new(content),
            sink,
            cursor,
            counts,
            failing: 0,
        }
    }

    pub(super) fn counts(&self) -> Arc<FeedCounts> {
        Arc::clone(&self.counts)
    }

    /// Sends until told to end.
    pub(super) async fn run(mut self, mut stage: watch::Receiver<Stage>) {
        let mut ending = stage.clone();
        tokio::select! {
            () = self.send_all(&mut stage) => {}
            // Also when whoever would say so is gone.
            _ = ending.wait_for(|stage| *stage == Stage::Ending) => {}
        }
        self.cursor.keep(&self.journal);
    }

    async fn send_all(&mut self, stage: &mut watch::Receiver<Stage>) {
        self.cursor.keep(&self.journal);
        self.recall().await;
        loop {
            let (place, durable) = (self.cursor.place(), self.journal.durable());
            let frames = match self.journal.read(place, READ_BYTES) {
                Ok(frames) => frames,
                Err(error) => {
                    self.fail(Fault { why: error.to_string(), retry_after: None }).await;
                    continue;
                }
            };
            match frames.last().map(|frame| frame.number) {
                Some(last) => {
                    let items = self.sieve.pass(&frames);
                    drop(frames);
                    self.deliver(&items).await;
                    self.reach(last);
                    self.cursor.keep_now_and_then(&self.journal);
                }
                // What is lost or purged is passed over.
                None if durable > place => self.reach(durable),
                None if *stage.borrow_and_update() == Stage::Running => {
                    self.cursor.keep_now_and_then(&self.journal);
                    tokio::select! {
                        _ = self.journal.grown(place) => {}
                        _ = stage.changed() => {}
                    }
                }
                None => return,
            }
        }
    }

    /// Looks at what was sent before the last stop, as the log may hold some of it once more.
    async fn recall(&mut self) {
        let end = self.cursor.place();
        let mut place = Place(end.0.saturating_sub(u64::try_from(IDS_MAX).unwrap_or(u64::MAX)));
        while place < end {
            let Ok(mut frames) = self.journal.read(place, READ_BYTES) else { return };
            frames.retain(|frame| frame.number <= end);
            let Some(last) = frames.last() else { return };
            place = last.number;
            self.sieve.remember(&frames);
            // Others have their turn.
            tokio::task::yield_now().await;
        }
    }

    /// Sends until all is taken.
    async fn deliver(&mut self, items: &[Item]) {
        let mut rest = items;
        while let Some(first) = rest.first() {
            self.counts.waits(Some(first.entry.time));
            let sent = self.sink.send(rest).await;
            self.counts.took(sent.taken, sent.rejected);
            let (taken, left) = rest.split_at_checked(sent.taken).unwrap_or((rest, &[]));
            if let Some(last) = taken.last() {
                self.reach(last.place);
                self.recover();
            }
            rest = left;
            if let Some(fault) = sent.fault {
                self.cursor.keep(&self.journal);
                self.fail(fault).await;
            }
        }
        self.counts.waits(None);
    }

    fn reach(&mut self, place: Place) {
        self.cursor.move_to(place);
        self.counts.reached(place);
    }

    fn recover(&mut self) {
        if self.failing > 0 {
            tracing::info!(name = self.counts.name(), "the stream goes on");
        }
        self.failing = 0;
    }

    async fn fail(&mut self, fault: Fault) {
        self.counts.failed(self.clock.now());
        if self.failing == 0 {
            tracing::warn!(
                name = self.counts.name(),
                why = fault.why,
                "the stream waits, and tries again until it goes on"
            );
        }
        let pause = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.failing.min(16))).min(PAUSE_MAX);
        self.failing = self.failing.saturating_add(1);
        tokio::time::sleep(fault.retry_after.map_or(pause, |wanted| wanted.clamp(pause, PAUSE_MAX * 10)))
            .await;
    }
}
