//! Last uses that a crash would lose: every use stands in the durable audit log, so a start reads there what was used since
//! the last flush. A flush notes up to which place of the log it is complete.

use std::sync::Arc;

use keyreeve_audit::{Entry, FrameKind, Journal, Place};
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OnceCell};

use super::KeyAccess;
use super::last_usage::LAST_USES_PER_COMMIT;
use crate::audit::uses_of;
use crate::records::path;
use crate::usage::{KeyUse, KeyUses, UsageTracker};

/// Bytes of the log that are read at once.
const CHUNK_BYTES: usize = 1 << 20;
/// Frames that are read at most where no flush ever noted a place.
const FIRST_FRAMES_MAX: u64 = 200_000;
/// Keys whose uses are kept in memory while the log is read.
const KEYS_MAX: usize = 20_000;
/// Without uses the place is noted after so many frames, so that the next start need not read them.
const IDLE_FRAMES_MAX: u64 = 10_000;

/// The row of a log: every use that it tells of up to the place stands in the rows of last uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Complete {
    place: Place,
    /// Since when no use was missed.
    since: Timestamp,
}

/// Uses of keys, on their way into the store.
#[derive(Debug)]
pub(crate) struct KeyUsage {
    tracker: UsageTracker<KeyArn, KeyUses>,
    journal: Arc<Journal>,
    /// What the log told at the start; absent until it was read.
    replayed: OnceCell<Complete>,
    /// One flush at a time; the place that was noted last.
    flushing: Mutex<Place>,
}

impl KeyUsage {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        let (tracker, replayed) = (UsageTracker::new(), OnceCell::new());
        Self { tracker, journal, replayed, flushing: Mutex::new(Place(0)) }
    }

    /// Notes a use.
    pub(crate) fn note(&self, key: &KeyArn, used: KeyUse) {
        self.tracker.note(key, used);
    }

    /// What was noted of a key, and is not stored yet.
    pub(super) fn recent(&self, key: &KeyArn) -> Option<KeyUses> {
        self.tracker.recent(key)
    }
}

/// What a piece of the log tells.
struct Told {
    /// The last frame of the piece; `None` behind the end.
    last: Option<Place>,
    /// When its first entry happened.
    first: Option<Timestamp>,
    uses: Vec<(KeyArn, KeyUse)>,
}

fn told(journal: &Journal, after: Place) -> Result<Told, KmsError> {
    let frames = journal.read(after, CHUNK_BYTES).map_err(|error| {
        tracing::warn!(%error, "the uses of keys since the last flush cannot be read yet");
        KmsError::DependencyTimeout
    })?;
    let entries = frames.iter().filter(|frame| frame.kind == FrameKind::Entry);
    let mut told = Told { last: frames.last().map(|frame| frame.number), first: None, uses: Vec::new() };
    for entry in entries.filter_map(|frame| Entry::from_payload(&frame.payload)) {
        told.first = told.first.or(Some(entry.time));
        told.uses.extend(uses_of(&entry));
    }
    Ok(told)
}

impl KeyAccess {
    /// Sees that the uses of a process before this one are known, and answers since when none was missed. The first who
    /// asks reads the log, others wait.
    pub(super) async fn uses_known_since(
        &self,
        usage: &KeyUsage,
        now: Timestamp,
    ) -> Result<Timestamp, KmsError> {
        let known = usage.replayed.get_or_try_init(|| self.replay(usage, now)).await?;
        Ok(known.since)
    }

    async fn replay(&self, usage: &KeyUsage, now: Timestamp) -> Result<Complete, KmsError> {
        let end = usage.journal.durable();
        let place = path::audit_usage(usage.journal.recovered().log)?;
        let noted = match self.records.read::<Complete>(&place).await {
            Ok(row) => row.map(|row| row.value),
            // A row that was altered says nothing: as if there were none.
            Err(KmsError::Internal) => None,
            Err(error) => return Err(error),
        };
        let first = Place(end.0.saturating_sub(FIRST_FRAMES_MAX));
        let mut place = noted.as_ref().map_or(first, |noted| noted.place);
        let mut since = noted.map(|noted| noted.since);
        while place < end {
            let journal = Arc::clone(&usage.journal);
            let reading = tokio::task::spawn_blocking(move || told(&journal, place));
            let told = reading.await.map_err(|_| KmsError::Internal)??;
            since = since.or(told.first);
            told.uses.into_iter().for_each(|(key, used)| usage.tracker.note(&key, used));
            if usage.tracker.len() > KEYS_MAX {
                self.store_uses(&usage.tracker, now).await;
            }
            let Some(last) = told.last else { break };
            place = last;
        }
        Ok(Complete { place: end, since: since.unwrap_or(now) })
    }

    /// Writes what was used since the last flush, and up to where the log is now told.
    pub(crate) async fn flush_uses(&self, usage: &KeyUsage, now: Timestamp) {
        let mut noted = usage.flushing.lock().await;
        let since = self.uses_known_since(usage, now).await;
        // Taken before the uses: a use is noted before its record is appended, so that whatever stands below this place
        // is among them.
        let place = usage.journal.durable();
        let Some(stored) = self.store_uses(&usage.tracker, now).await else { return };
        let Ok(since) = since else { return };
        let idle = stored == 0 && place.0.saturating_sub(noted.0) < IDLE_FRAMES_MAX;
        if idle || place <= *noted {
            return;
        }
        match self.note_complete(usage, Complete { place, since }).await {
            Ok(()) => *noted = place,
            Err(error) => tracing::warn!(%error, "the place of the last uses could not be noted yet"),
        }
    }

    /// Answers of how many keys; `None` when some could not be written.
    async fn store_uses(&self, tracker: &UsageTracker<KeyArn, KeyUses>, now: Timestamp) -> Option<usize> {
        let uses = tracker.unflushed();
        let mut complete = true;
        for batch in uses.chunks(LAST_USES_PER_COMMIT) {
            match self.store_last_uses(batch, now).await {
                Ok(settled) => {
                    tracker.flushed(&settled);
                    // What is not must be found in the log again.
                    complete &= settled.len() == batch.len();
                }
                Err(error) => {
                    tracing::warn!(%error, count = batch.len(), "last uses of keys could not be written yet");
                    complete = false;
                }
            }
        }
        complete.then_some(uses.len())
    }

    /// What the audit stores for itself leaves no record.
    async fn note_complete(&self, usage: &KeyUsage, complete: Complete) -> Result<(), KmsError> {
        let path = path::audit_usage(usage.journal.recovered().log)?;
        let before = self.records.read::<Complete>(&path).await?.map(|row| row.stamp);
        let draft = self.records.draft()?.put(&path, before, &complete)?;
        self.records.commit_unrecorded(draft).await
    }
}
