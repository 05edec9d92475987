//! What time makes due of keys: the end of a waiting period, the expiry of imported material, a rotation. Each key has at
//! most one row here, at the time when something of it is next due (`KeyRecord::next_due`), moved in the commit that
//! changes the key. So nothing is missed over a restart, nothing happens twice in a cluster, and a look costs as much
//! as there is to do.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::{Due, KeyRecord};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::Path;

use super::{KeyAccess, KeyEntry};
use crate::records::{Draft, path};

/// Rows looked at in one page.
const PAGE: usize = 100;

impl KeyAccess {
    /// Keeps the key's row among those that are due in step with the key.
    pub(super) async fn reschedule(
        &self,
        draft: Draft,
        arn: &KeyArn,
        before: &KeyRecord,
        after: &KeyRecord,
    ) -> Result<Draft, KmsError> {
        let [before, after] =
            [before, after].map(|record| record.next_due(&arn.region).map(|(when, _)| when));
        if before == after {
            return Ok(draft);
        }
        let draft = match before {
            Some(when) => self.records.remove(draft, &path::due(arn, when)?).await?,
            None => draft,
        };
        match after {
            Some(when) => draft.put(&path::due(arn, when)?, None, &()),
            None => Ok(draft),
        }
    }

    /// Does all that is due; answers of how many keys.
    pub(crate) async fn tend_due(&self, now: Timestamp) -> Result<usize, KmsError> {
        let mut done = 0;
        let mut after = None;
        // Within a Region rows are in order of time: what comes after the first that is not due is not either.
        while let Some(first) = self.records.first_below(path::DUE_PREFIX, after.as_ref()).await? {
            let Some((arn, _)) = path::due_key(&first) else {
                after = Some(first);
                continue;
            };
            let prefix = path::due_prefix(&arn.region);
            done += self.tend_region(&prefix, now).await?;
            after = Some(path::end_of(&prefix)?);
        }
        Ok(done)
    }

    async fn tend_region(&self, prefix: &str, now: Timestamp) -> Result<usize, KmsError> {
        let (mut after, mut done) = (None, 0);
        loop {
            // Their places say all, so that also a damaged one has its turn.
            let page = self.records.stored_below(prefix, after.as_ref(), PAGE).await?;
            for (place, _) in &page.rows {
                let Some((arn, when)) = path::due_key(place) else { continue };
                if when > now {
                    return Ok(done);
                }
                match self.tend(&arn, place, now).await {
                    Ok(true) => done += 1,
                    // A damaged key stays, named in the log, and keeps no other from its turn; so does one that another
                    // request changed meanwhile.
                    Ok(false) | Err(KmsError::Internal | KmsError::Conflict) => {}
                    Err(error @ (KmsError::DependencyTimeout | KmsError::AuditUnavailable)) => {
                        return Err(error);
                    }
                    Err(error) => {
                        tracing::warn!(key = %arn, %error, "what is due of a key cannot be done yet");
                    }
                }
            }
            match page.rows.into_iter().next_back() {
                Some((last, _)) if page.more => after = Some(last),
                Some(_) | None => return Ok(done),
            }
        }
    }

    /// Does what is due of one key; answers whether there was something.
    async fn tend(&self, arn: &KeyArn, place: &Path, now: Timestamp) -> Result<bool, KmsError> {
        let is_due =
            |entry: &KeyEntry| entry.record.next_due(&arn.region).is_some_and(|(when, _)| when <= now);
        let mut found = self.entry(arn).await?;
        if !found.as_deref().is_some_and(is_due) {
            // Another process may have changed the key since it came into the cache.
            self.forget_key(arn);
            found = self.entry(arn).await?;
        }
        let Some(entry) = found else { return Ok(false) };
        match entry.record.next_due(&arn.region).filter(|(when, _)| *when <= now) {
            Some((_, Due::Deletion)) => self.delete(&entry, place, now).await,
            Some((_, Due::MaterialExpiry)) => self.expire_materials(arn, now).await,
            Some((_, Due::Rotation(kind))) => self.rotate(&entry, kind, now).await,
            None => Ok(false),
        }
    }
}
