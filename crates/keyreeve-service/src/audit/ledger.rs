//! The ledger: no change of the store without its record, no record twice.
//!
//! A change carries its record in the same commit, as an outbox row; afterwards the record is appended to the log, and
//! the row goes with the next committed head. Whatever a crash leaves in the outbox is appended at the next start, unless
//! the log has it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use keyreeve_audit::{Entry, Journal, JournalError};
use keyreeve_model::error::KmsError;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use uuid::Uuid;

use super::RefusedCall;
use super::context_keys::HashedContextKeys;
use super::record::Writer;
use super::service_event::ServiceEvent;
use crate::caller::Caller;
use crate::corridor::Outcome;
use crate::desk::Desk;

/// Why the store is changed. Every commit names it: a change without a record does not compile.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause<'a> {
    /// A request.
    Request(&'a Desk<'a>),
    /// Keyreeve itself: a rotation, a deletion that was due.
    Event(&'a ServiceEvent),
    /// Nobody: for whoever only reads.
    Reading,
    /// Keyreeve's housekeeping, which means nothing to any account. Its rows stand in the log nevertheless.
    Upkeep(Timestamp),
}

/// The log, and what the outbox holds.
#[derive(Debug)]
pub(crate) struct Ledger {
    journal: Arc<Journal>,
    hashed: OnceLock<HashedContextKeys>,
    /// The Region that upkeep is written under.
    upkeep_region: Option<Region>,
    outbox: Mutex<Outbox>,
}

/// What is in the outbox of the store, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Rows whose entries stand in the log.
    pub(super) settled: BTreeSet<Uuid>,
    /// Entries that could not be appended.
    pub(super) stranded: Vec<Entry>,
    /// Rows of which it is not known whether they were written.
    pub(super) uncertain: Vec<Uuid>,
    /// Whether the log was held against the committed head.
    pub(super) checked: bool,
    /// Whether the log is not the one that the store knows: it has to be told every row anew.
    pub(super) baseline_anew: bool,
    /// What is to be told of a log that was replaced.
    pub(super) replaced: Option<String>,
}

/// An entry of upkeep belongs to no Region, and needs a name for one.
const UPKEEP_REGION: &str = "keyreeve-upkeep-0";

impl Ledger {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self {
            journal,
            hashed: OnceLock::new(),
            upkeep_region: Region::parse(UPKEEP_REGION),
            outbox: Mutex::default(),
        }
    }

    /// One over a log that goes with the process.
    #[cfg(test)]
    pub(crate) fn ephemeral() -> Arc<Self> {
        Arc::new(Self::new(Arc::new(Journal::ephemeral().unwrap())))
    }

    pub(crate) const fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hashes the values of these keys of encryption contexts from now on, unless that was said before.
    pub(crate) fn hash_context(&self, hashed: HashedContextKeys) {
        drop(self.hashed.set(hashed));
    }

    /// Whether requests can be answered.
    ///
    /// # Errors
    /// [`KmsError::AuditUnavailable`].
    pub(crate) fn writable(&self) -> Result<(), KmsError> {
        self.journal.writable().map_err(|_| KmsError::AuditUnavailable)
    }

    /// The entry that a commit of this cause carries.
    pub(crate) fn entry(&self, cause: Cause<'_>) -> Result<Entry, KmsError> {
        match cause {
            Cause::Request(desk) => {
                let id = desk.notes.next_change();
                let noted = desk.notes.lock();
                if id != noted.event_id {
                    // A further change of the same request: the record went with the first.
                    return self.upkeep(id, desk.now);
                }
                let writer = Writer { desk, noted: &noted, hashed: self.hashed.get() };
                writer.entries(None).into_iter().next().ok_or(KmsError::Internal)
            }
            Cause::Event(event) => Ok(event.entry()),
            Cause::Upkeep(now) => self.upkeep(Uuid::new_v4(), now),
            Cause::Reading => Err(KmsError::Internal),
        }
    }

    pub(super) fn upkeep(&self, id: Uuid, time: Timestamp) -> Result<Entry, KmsError> {
        let region = self.upkeep_region.clone().ok_or(KmsError::Internal)?;
        Ok(Entry { id, time, account: AccountId::ZERO, region, event: Vec::new(), rows: Vec::new() })
    }

    /// The commit that carries this entry is durable. A request's waits for its answer, all others go into the log.
    pub(crate) async fn committed(&self, cause: Cause<'_>, entry: Entry) {
        match cause {
            Cause::Request(desk) => desk.notes.written(entry.id, entry.rows),
            Cause::Event(_) | Cause::Upkeep(_) | Cause::Reading => self.append_committed(vec![entry]).await,
        }
    }

    /// Whether the commit that carries this entry was applied is not known.
    pub(crate) fn uncertain(&self, cause: Cause<'_>, id: Uuid) {
        if let Cause::Request(desk) = cause {
            desk.notes.uncertain(id);
        }
        self.outbox().uncertain.push(id);
    }

    /// Appends entries that stand in the outbox as well: what does not get into the log now gets there later.
    pub(super) async fn append_committed(&self, entries: Vec<Entry>) {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        match self.journal.append(entries.clone()).await {
            Ok(()) => self.outbox().settled.extend(ids),
            Err(error) => {
                tracing::error!(%error, "records of changes wait in the outbox");
                self.outbox().stranded.extend(entries);
            }
        }
    }

    /// Appends an event that changed nothing in the store.
    ///
    /// # Errors
    /// [`JournalError::Unwritable`].
    pub(crate) async fn note(&self, event: &ServiceEvent) -> Result<(), JournalError> {
        self.journal.append(vec![event.entry()]).await
    }

    /// Writes the record of a call that a door refused.
    ///
    /// # Errors
    /// [`KmsError::AuditUnavailable`].
    pub(crate) async fn refused(
        &self,
        caller: &Caller,
        refusal: RefusedCall<'_>,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let entry = super::refusal::entry(caller, refusal, now);
        self.journal.append(vec![entry]).await.map_err(|_| KmsError::AuditUnavailable)
    }

    /// Writes the records of a call that has come to its end; answers once they are durable.
    ///
    /// # Errors
    /// [`KmsError::AuditUnavailable`] when they are not: then there is no other answer. A call that changed something
    /// is durable in the outbox already, and answered.
    pub(crate) async fn close(&self, desk: &Desk<'_>, outcome: &Outcome) -> Result<(), KmsError> {
        let (entries, changed) = {
            let noted = desk.notes.lock();
            let writer = Writer { desk, noted: &noted, hashed: self.hashed.get() };
            let mut entries = writer.entries(Some(outcome));
            for written in &noted.written {
                match entries.first_mut().filter(|entry| entry.id == written.id) {
                    Some(entry) => entry.rows.clone_from(&written.rows),
                    None => {
                        let upkeep = self.upkeep(written.id, desk.now)?;
                        entries.push(Entry { rows: written.rows.clone(), ..upkeep });
                    }
                }
            }
            (entries, !noted.written.is_empty())
        };
        if changed {
            self.append_committed(entries).await;
            return Ok(());
        }
        self.journal.append(entries).await.map_err(|error| {
            tracing::error!(%error, "a request is refused: its record cannot be written");
            KmsError::AuditUnavailable
        })
    }
}
