//! What a start finds: records that a crash left in the outbox, a log that does not reach the committed head, a store
//! that was filled before there was a log.

use keyreeve_audit::chain::Hash;
use keyreeve_audit::{Entry, Place, SignedHead, WrittenRow};
use keyreeve_crypto::digest::sha256;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::heads::{committed_head, left_in_outbox};
use super::{Ledger, ServiceEvent};
use crate::records::{Records, path};

/// Rows read at once, and written down in one entry.
const PAGE: usize = 500;

/// That the log knows every row.
#[derive(Debug, Serialize, Deserialize)]
struct Baseline {
    taken: Timestamp,
}

/// Settles what was before this process.
///
/// # Errors
/// Store errors, an unwritable log: to be tried again.
pub(super) async fn settle(
    ledger: &Ledger,
    records: &Records,
    region: &Region,
    now: Timestamp,
) -> Result<(), KmsError> {
    check(ledger, records).await?;
    let sentence = ledger.outbox().replaced.take();
    if let Some(sentence) = sentence {
        let event = ServiceEvent::integrity_alarm(region.clone(), now, &sentence, None);
        ledger.note(&event).await.map_err(|_| KmsError::AuditUnavailable)?;
    }
    let head = committed_head(records).await?;
    let left = left_in_outbox(records).await?;
    if !left.is_empty() {
        let ids = left.iter().map(|entry| entry.id).collect();
        let after = head.map_or(Place(0), |head| head.place);
        let known = ledger.journal().contains(&ids, after).map_err(|_| KmsError::AuditUnavailable)?;
        ledger.outbox().settled.extend(&known);
        let lost: Vec<Entry> = left.into_iter().filter(|entry| !known.contains(&entry.id)).collect();
        tracing::info!(count = lost.len(), "records that waited in the outbox go into the audit log");
        ledger.append_committed(lost).await;
    }
    let anew = ledger.outbox().baseline_anew;
    take_baseline(ledger, records, now, anew).await?;
    ledger.outbox().baseline_anew = false;
    Ok(())
}

/// Holds the log against the head that was committed last, once, before anything is appended: a log that does not reach
/// it goes on behind it, so that the hole is seen for ever.
///
/// # Errors
/// Store errors, an unwritable log.
pub(crate) async fn check(ledger: &Ledger, records: &Records) -> Result<(), KmsError> {
    if ledger.outbox().checked {
        return Ok(());
    }
    if let Some(head) = committed_head(records).await? {
        let hash = hex::decode(&head.hash).ok().and_then(|hash| Hash::try_from(hash).ok());
        let hash = hash.ok_or(KmsError::Internal)?;
        match found(ledger, &head) {
            Found::Itself => {}
            Found::Another => {
                let sentence = format!(
                    "frame {} of the audit log is not the one whose hash was committed to the store: the log was \
                     replaced. Run `keyreeve audit verify`.",
                    head.place.0
                );
                tracing::error!("{sentence}");
                let mut outbox = ledger.outbox();
                (outbox.replaced, outbox.baseline_anew) = (Some(sentence), true);
            }
            // The log tells of it as an alarm.
            Found::Nothing => {
                let gone_on = ledger.journal().go_on_behind(head.place, hash).await;
                gone_on.map_err(|_| KmsError::AuditUnavailable)?;
                ledger.outbox().baseline_anew = true;
            }
        }
    }
    ledger.outbox().checked = true;
    Ok(())
}

/// What stands in the log where the committed head says a frame is.
enum Found {
    Itself,
    Another,
    Nothing,
}

fn found(ledger: &Ledger, head: &SignedHead) -> Found {
    let before = Place(head.place.0.saturating_sub(1));
    let frame = ledger.journal().read(before, 1).ok().and_then(|frames| frames.into_iter().next());
    match frame.filter(|frame| frame.number == head.place) {
        Some(frame) if hex::encode(frame.hash) == head.hash => Found::Itself,
        Some(_) => Found::Another,
        None => Found::Nothing,
    }
}

/// Writes every row of a store down that the log does not know yet: once, and again where the log is not the one that the
/// store knows (restored from a backup, lost), as an alarm told. Requests may go on meanwhile: what they write is newer,
/// and stands in their own entries.
async fn take_baseline(
    ledger: &Ledger,
    records: &Records,
    now: Timestamp,
    anew: bool,
) -> Result<(), KmsError> {
    let place = path::audit_baseline()?;
    let before = records.read::<Baseline>(&place).await?;
    if before.is_some() && !anew {
        return Ok(());
    }
    let mut after = None;
    loop {
        let page = records.stored_page(after.as_ref(), PAGE).await?;
        let rows = page.rows.iter().filter(|(path, _)| is_recorded(path.as_str())).map(|(path, row)| {
            WrittenRow(path.as_str().to_owned(), row.revision.0, Some(hex::encode(sha256(&row.value))))
        });
        let rows: Vec<WrittenRow> = rows.collect();
        if !rows.is_empty() {
            let entry = Entry { rows, ..ledger.upkeep(uuid::Uuid::new_v4(), now)? };
            ledger.journal().append(vec![entry]).await.map_err(|_| KmsError::AuditUnavailable)?;
        }
        match page.rows.into_iter().next_back() {
            Some((path, _)) if page.more => after = Some(path),
            Some(_) | None => break,
        }
    }
    let draft = records.draft()?.put(&place, before.map(|row| row.stamp), &Baseline { taken: now })?;
    match records.commit_unrecorded(draft).await {
        Ok(()) | Err(KmsError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the log says what stands at this path; of what the audit writes for itself it says nothing. The keyring vouches for itself: it opens under the root key alone, and
/// what is sealed under newer keys than it holds does not open.
pub(crate) fn is_recorded(path: &str) -> bool {
    let own = [path::AUDIT_PREFIX, path::TRAIL_DELIVERIES_PREFIX];
    path != "keyring" && !own.iter().any(|prefix| path.starts_with(prefix))
}
