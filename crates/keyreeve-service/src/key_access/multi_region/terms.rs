//! Who is primary, asked before it is acted on: a Region that was away may have been replaced meanwhile.

use std::collections::BTreeMap;

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::multi_region::{Replica, SharedVersion};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::Path;

use super::regions_of;
use super::stranger::is_known;
use crate::audit::Cause;
use crate::key_access::KeyAccess;
use crate::records::path;
use crate::regions::message::keys::{KeyOfAll, Tombstone};
use crate::regions::message::reunion::KeyTerm;

/// Keys in one message.
const PAGE: usize = 500;
/// Regions that others may name as such that have the key. AWS has fewer.
const ORPHANS_MAX: usize = 64;
/// How often a key is looked at anew that somebody else changes at the same moment.
const ATTEMPTS_MAX: usize = 8;

impl KeyAccess {
    /// The keys that are in the Region `own` and, as far as it knows, in the Region `other`: a page of them, and where the
    /// next one begins. Reads rows of multi-Region keys alone.
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
            if known.since_in(other).is_some() {
                terms.push(KeyTerm { key: KeyOfAll::of(&arn), at: known.at });
            }
        }
        Ok((terms, page.next))
    }

    /// Hears what the Region `from` knows of keys that are in both, and answers what is known better here, and whether
    /// something of what it said was new. Nothing is told of a key that is not in the asker's Region.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn compare_terms(
        &self,
        own: &Region,
        from: &Region,
        said: &[KeyTerm],
        now: Timestamp,
    ) -> Result<(Vec<KeyTerm>, bool), KmsError> {
        let heard = self.hear_terms(own, from, said, now).await?;
        let mut newer = Vec::new();
        for KeyTerm { key, at } in said {
            let arn = key.in_region(own);
            let known = match self.entry(&arn).await? {
                Some(entry) => {
                    match self.tell_again(&entry, from, at, now).await {
                        // Somebody else changes it, and tells its replicas.
                        Ok(()) | Err(KmsError::Conflict) => {}
                        Err(error) => return Err(error),
                    }
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
        Ok((newer, heard))
    }

    /// What the Region `from` knows better of keys that are in the Region `own`; answers whether there was something.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn hear_terms(
        &self,
        own: &Region,
        from: &Region,
        said: &[KeyTerm],
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let mut heard = false;
        for KeyTerm { key, at } in said {
            let arn = key.in_region(own);
            for _ in 0..ATTEMPTS_MAX {
                match self.hear_term(&arn, from, at, now).await {
                    Err(KmsError::Conflict) => {}
                    outcome => {
                        heard |= outcome?;
                        break;
                    }
                }
            }
        }
        Ok(heard)
    }

    async fn hear_term(
        &self,
        arn: &KeyArn,
        from: &Region,
        at: &SharedVersion,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let Some(entry) = self.entry(arn).await? else { return Ok(false) };
        let mut known = regions_of(arn, &entry.record);
        // As when it is told something: only a Region of the key can know better.
        if known.since_in(from).is_none() || at.term() <= known.at.term() {
            return Ok(false);
        }
        if *known.primary() == arn.region {
            self.hear_of(&entry, at, now).await?;
        } else if at.primary == arn.region {
            // It was the primary and forgot it, as it was restored from a backup: nobody else is.
            super::check_ahead(&known.at, at)?;
            known.at.epoch = at.epoch;
            self.become_primary(&entry, &known, BTreeMap::new(), now).await?;
        } else if is_known(&known, &at.primary) || known.orphans.len() >= ORPHANS_MAX {
            // A replica follows once the primary tells it.
            return Ok(false);
        } else {
            // Of that one it never heard, and a Region of the key vouches for it.
            super::check_ahead(&known.at, at)?;
            known.orphans.push(Replica { region: at.primary.clone(), since: at.clone() });
            let record = KeyRecord { multi_region: Some(known), ..entry.record.clone() };
            let draft = self.redraft_plain(self.records.draft()?, &entry, &record).await?;
            self.commit_key(draft, &entry, Cause::Upkeep(now)).await?;
        }
        Ok(true)
    }

    /// What is known of who speaks for a key, and the other Regions that have it; `None` where the key is not.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn members_of(
        &self,
        own: &Region,
        key: &KeyOfAll,
    ) -> Result<Option<(SharedVersion, Vec<Region>)>, KmsError> {
        let arn = key.in_region(own);
        let Some(entry) = self.entry(&arn).await? else { return Ok(None) };
        let known = regions_of(&arn, &entry.record);
        let mut members: Vec<Region> = known.replicas.iter().map(|replica| replica.region.clone()).collect();
        members.push(known.primary().clone());
        members.retain(|member| member != own);
        Ok(Some((known.at, members)))
    }
}
