//! Where the log stands, signed and committed to the store once a second while records arrive; with the same commit go
//! the outbox rows whose records are in the log.

use keyreeve_audit::{Entry, Place, SignedHead};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use std::sync::Arc;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::signing::SigningKeys;
use super::{Ledger, ServiceEvent, recovery};
use crate::records::{Records, path};

/// Outbox rows removed in one commit of the 96 operations that a store takes.
const ROWS_PER_COMMIT: usize = 90;

/// The work that keeps log and store in step. One at a time.
#[derive(Debug, Default)]
pub(crate) struct Heads(Mutex<Committed>);

/// What was done last.
#[derive(Debug, Default)]
struct Committed {
    keys: Option<Arc<SigningKeys>>,
    /// The frame that holds the newest committed head.
    place: Place,
    /// How many alarms of the log were written into it.
    alarms: usize,
    /// Whether what was before this process is settled.
    settled: bool,
}

impl Heads {
    /// The signing keys; makes the first one.
    ///
    /// # Errors
    /// As [`SigningKeys::load`].
    pub(crate) async fn keys(&self, records: &Records, now: Timestamp) -> Result<Arc<SigningKeys>, KmsError> {
        let mut committed = self.0.lock().await;
        keys(&mut committed, records, now).await
    }

    /// The secret under which values of encryption contexts are hashed.
    ///
    /// # Errors
    /// As [`SigningKeys::load`].
    pub(crate) async fn context_secret(
        &self,
        records: &Records,
        now: Timestamp,
    ) -> Result<SecretBytes, KmsError> {
        self.keys(records, now).await?;
        SigningKeys::context_secret(records).await?.ok_or(KmsError::Internal)
    }

    /// Commits a head and removes outbox rows, if there is anything to be done.
    ///
    /// # Errors
    /// Store errors, an unwritable log: the next round tries again.
    pub(crate) async fn commit(
        &self,
        ledger: &Ledger,
        records: &Records,
        region: &Region,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let mut committed = self.0.lock().await;
        if !committed.settled {
            recovery::settle(ledger, records, region, now).await?;
            committed.settled = true;
        }
        rescue(ledger, records).await?;
        let journal = ledger.journal();
        for alarm in journal.alarms().iter().skip(committed.alarms) {
            let event = ServiceEvent::integrity_alarm(region.clone(), alarm.time, &alarm.sentence, None);
            ledger.note(&event).await.map_err(|_| KmsError::AuditUnavailable)?;
            committed.alarms += 1;
        }
        if journal.durable() > committed.place {
            let keys = keys(&mut committed, records, now).await?;
            // Taken before the head: whatever is settled by now stands below it.
            let settled = std::mem::take(&mut ledger.outbox().settled);
            let stored = match journal.seal(&keys.current, now).await {
                Ok(head) => store(records, &head, &settled.iter().copied().collect::<Vec<_>>())
                    .await
                    .map(|()| head.place),
                Err(_) => Err(KmsError::AuditUnavailable),
            };
            match stored {
                Ok(place) => committed.place = Place(place.0 + 1),
                Err(error) => {
                    ledger.outbox().settled.extend(settled);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

async fn keys(
    committed: &mut Committed,
    records: &Records,
    now: Timestamp,
) -> Result<Arc<SigningKeys>, KmsError> {
    if let Some(keys) = committed.keys.as_ref().filter(|keys| !keys.are_old(now)) {
        return Ok(Arc::clone(keys));
    }
    let keys = Arc::new(SigningKeys::load(records, now).await?);
    committed.keys = Some(Arc::clone(&keys));
    Ok(keys)
}

/// Appends what waits in the outbox. An entry may then stand in the log twice: readers keep the first of an id.
async fn rescue(ledger: &Ledger, records: &Records) -> Result<(), KmsError> {
    let (stranded, uncertain) = {
        let mut outbox = ledger.outbox();
        (std::mem::take(&mut outbox.stranded), std::mem::take(&mut outbox.uncertain))
    };
    if !stranded.is_empty() {
        ledger.append_committed(stranded).await;
    }
    for id in uncertain {
        match in_outbox(records, id).await {
            Ok(Some(entry)) => ledger.append_committed(vec![entry]).await,
            Ok(None) => {}
            Err(error) => {
                ledger.outbox().uncertain.push(id);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The entry of an outbox row.
async fn in_outbox(records: &Records, id: Uuid) -> Result<Option<Entry>, KmsError> {
    let Some(row) = records.read_bytes(&path::outbox(id)?).await? else { return Ok(None) };
    let mut entry = Entry::from_payload(&row.value).ok_or(KmsError::Internal)?;
    entry.rows.iter_mut().for_each(|written| written.1 = row.stamp.revision().0);
    Ok(Some(entry))
}

/// Everything that a process before this one left in the outbox.
pub(super) async fn left_in_outbox(records: &Records) -> Result<Vec<Entry>, KmsError> {
    let mut entries = Vec::new();
    for place in records.paths_below(path::OUTBOX_PREFIX, usize::MAX).await? {
        let id = place.as_str().strip_prefix(path::OUTBOX_PREFIX).and_then(|id| Uuid::parse_str(id).ok());
        entries.extend(in_outbox(records, id.ok_or(KmsError::Internal)?).await?);
    }
    Ok(entries)
}

/// The head that was committed last.
pub(crate) async fn committed_head(records: &Records) -> Result<Option<SignedHead>, KmsError> {
    Ok(records.read::<SignedHead>(&path::audit_head()?).await?.map(|row| row.value))
}

async fn store(records: &Records, head: &SignedHead, settled: &[Uuid]) -> Result<(), KmsError> {
    let place = path::audit_head()?;
    let mut batches = settled.chunks(ROWS_PER_COMMIT);
    loop {
        let batch = batches.next();
        let before = records.read::<SignedHead>(&place).await?.map(|row| row.stamp);
        let mut draft = records.draft()?.put(&place, before, head)?;
        for id in batch.unwrap_or_default() {
            draft = draft.discard(&path::outbox(*id)?);
        }
        records.commit_unrecorded(draft).await?;
        if batches.len() == 0 {
            return Ok(());
        }
    }
}
