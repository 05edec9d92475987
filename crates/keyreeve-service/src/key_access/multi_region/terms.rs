//! Who is primary, asked before it is acted on: a Region that was away may have been replaced meanwhile.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::Path;

use super::regions_of;
use crate::key_access::KeyAccess;
use crate::records::path;
use crate::regions::message::keys::{KeyOfAll, Tombstone};
use crate::regions::message::reunion::KeyTerm;

/// Keys in one message.
const PAGE: usize = 500;
/// How often a key is looked at anew that somebody else changes at the same moment.
const ATTEMPTS_MAX: usize = 8;

impl KeyAccess {
    /// The keys whose primary is in the Region `own` and that have a replica in the Region `other`: a page of them, and
    /// where the next one begins. Reads rows of multi-Region keys alone.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn terms_to_ask(
        &self,
        own: &Region,
        other: &Region,
        after: Option<&Path>,
    ) -> Result<(Vec<KeyTerm>, Option<Path>), KmsError> {
        let (owners, mut terms) = (path::key_owners_prefix(own), Vec::new());
        let page =
            self.records.page::<AccountId>(&path::multi_region_owners_prefix(own), after, PAGE).await?;
        for (place, account) in &page.rows {
            let Some(key_id) = place.as_str().strip_prefix(&owners).and_then(KeyId::parse) else { continue };
            let arn = KeyArn { region: own.clone(), account: *account, key_id };
            let Some(entry) = self.entry(&arn).await? else { continue };
            let known = regions_of(&arn, &entry.record);
            if known.primary() == own && known.replica(other).is_some() {
                terms.push(KeyTerm { key: KeyOfAll::of(&arn), at: known.at });
            }
        }
        Ok((terms, page.next))
    }

    /// Of the keys that the Region `from` believes to be the primary of, those that have another one by what is known in
    /// the Region `own`. Nothing is told of a key that is not in the asker's Region.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn newer_terms(
        &self,
        own: &Region,
        from: &Region,
        asked: &[KeyTerm],
    ) -> Result<Vec<KeyTerm>, KmsError> {
        let mut newer = Vec::new();
        for KeyTerm { key, at } in asked {
            let arn = key.in_region(own);
            let known = match self.entry(&arn).await? {
                Some(entry) => {
                    let known = regions_of(&arn, &entry.record);
                    known.since_in(from).is_some().then_some(known.at)
                }
                None => {
                    let gone = self.records.read::<Tombstone>(&path::replica_gone(&arn)?).await?;
                    gone.map(|row| row.value.at)
                }
            };
            newer.extend(known.filter(|known| known.term() > at.term()).map(|at| KeyTerm { key: *key, at }));
        }
        Ok(newer)
    }

    /// What the Region `from` knows better about keys whose primary is in the Region `own`.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn hear_terms(
        &self,
        own: &Region,
        from: &Region,
        newer: &[KeyTerm],
        now: Timestamp,
    ) -> Result<(), KmsError> {
        for KeyTerm { key, at } in newer {
            let arn = key.in_region(own);
            for _ in 0..ATTEMPTS_MAX {
                let Some(entry) = self.entry(&arn).await? else { break };
                let known = regions_of(&arn, &entry.record);
                // As when it is told something: only a Region of the key can know better.
                if known.primary() != own || known.replica(from).is_none() {
                    break;
                }
                match self.hear_of(&entry, at, now).await {
                    Err(KmsError::Conflict) => {}
                    outcome => {
                        outcome?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}
