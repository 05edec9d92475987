//! Epochs of the domain keys, by schedule: a new one every few days, key material wrapped anew under it, and the old ones
//! removed from the keyring once a whole scan found nothing under them. Then a key that was deleted before is as gone as
//! it can be, and a record says how gone that is (`key_access/shredding.rs`).
//!
//! All there is to know stands in the keyring: when the active epoch was made, and whether there are older ones. So a
//! kill at any point leaves work that the next start goes on with, days that were missed make one new epoch, and in a
//! cluster one node makes it: whoever replaces the keyring first. No cache is told, as nothing changes its meaning.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use keyreeve_crypto::keyring::{Keyring, Purpose};
use keyreeve_crypto::root_key::SlotKind;
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::{DAY_MILLIS, Timestamp};
use tokio::task::JoinHandle;

use super::Rotation;
use super::pass::Scope;
use super::work::{GRACE, without};
use crate::service::Service;

/// Days after which the domain keys get a new epoch, unless the operator says otherwise.
pub(super) const DOMAIN_KEY_DAYS: u32 = 7;
/// How long a pass that found damaged material is not repeated.
const DAMAGE_PAUSE: Duration = Duration::from_secs(3600);

/// What this process knows beside the keyring.
#[derive(Debug, Default)]
pub(super) struct DomainEpochs {
    /// No pass before this.
    rest_until: Option<Instant>,
    /// What is noted in the store already: oldest and newest epoch, and what opened the root key.
    noted: Option<(u32, u32, BTreeSet<SlotKind>)>,
    /// The last walk over the store's files.
    walk: Option<Walk>,
}

/// A walk over the store's files, after which nothing is left in them of what was replaced or deleted before. On a large
/// or busy store it takes long; nothing waits for it.
#[derive(Debug)]
struct Walk {
    /// The oldest epoch in the keyring when it began.
    oldest: u32,
    task: JoinHandle<Result<(), KmsError>>,
    ended: Option<Result<(), KmsError>>,
}

impl Walk {
    fn begin(service: &Service) -> Self {
        let records = Arc::clone(service.records());
        let oldest = oldest_epoch(&records.keyring());
        let task = tokio::spawn(async move { records.forget_replaced().await });
        Self { oldest, task, ended: None }
    }
}

impl DomainEpochs {
    /// Waits until the walk under way has ended; for ever if there is none.
    pub(super) async fn walked(&mut self) {
        match self.walk.as_mut().filter(|walk| walk.ended.is_none()) {
            Some(walk) => walk.ended = Some((&mut walk.task).await.unwrap_or(Err(KmsError::Internal))),
            None => std::future::pending().await,
        }
    }
}

impl Rotation {
    /// From now on a new epoch begins after so many days; at least one.
    pub(crate) fn set_domain_key_days(&self, days: u32) {
        self.domain_key_days.store(days.max(1), Ordering::Relaxed);
    }

    /// Does what is to be done of domain keys; breaks off when it is told to stop. What fails is tried again with the
    /// next call.
    pub(super) async fn tend_domain_keys(
        &self,
        service: &Service,
        epochs: &mut DomainEpochs,
        stop: &(dyn Fn() -> bool + Sync),
    ) {
        if let Err(error) = self.try_domain_keys(service, epochs, stop).await {
            tracing::warn!(%error, "the epochs of the domain keys wait for the store");
        }
    }

    async fn try_domain_keys(
        &self,
        service: &Service,
        epochs: &mut DomainEpochs,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), KmsError> {
        self.note_slots(service, epochs).await?;
        let days = self.domain_key_days.load(Ordering::Relaxed);
        if is_due(&service.records().keyring(), days, service.clock().now()) {
            self.begin_domain_epoch(service).await?;
            self.note_slots(service, epochs).await?;
        }
        let rests = epochs.rest_until.is_some_and(|until| Instant::now() < until);
        if !old_epochs(&service.records().keyring()).is_empty() && !rests {
            self.finish_domain_epochs(service, epochs, stop).await?;
        }
        self.conclude_deletions(service, epochs).await
    }

    async fn begin_domain_epoch(&self, service: &Service) -> Result<(), KmsError> {
        // A backup is being written: it is in no hurry.
        let Ok(_alone) = service.maintenance().try_lock() else { return Ok(()) };
        let keyring = service.records().keyring().rotated(Purpose::Domain, service.clock().now());
        let keyring = Arc::new(keyring.map_err(|_| KmsError::Internal)?);
        let root = self.premises.root();
        match service.records().replace_keyring(&keyring, Arc::clone(&keyring), &root).await {
            Ok(()) => {
                let epoch = keyring.active_epoch(Purpose::Domain).number;
                tracing::info!(
                    epoch,
                    "a new epoch of the domain keys; key material is being wrapped under it"
                );
                Ok(())
            }
            // Another node was first.
            Err(KmsError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Wraps what is under old epochs anew, and removes them.
    async fn finish_domain_epochs(
        &self,
        service: &Service,
        epochs: &mut DomainEpochs,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), KmsError> {
        let records = service.records();
        let mut wrapped = 0;
        // The last pass only verifies: it finds nothing under an old epoch.
        let found = loop {
            let now = service.clock().now();
            let found = self.pass(Scope::Materials, (records, &service.keys), now, stop).await?;
            wrapped += found.old;
            if found.old == 0 || found.cut {
                break found;
            }
        };
        if found.cut {
            return Ok(());
        }
        if found.unreadable > 0 {
            let count = found.unreadable;
            tracing::error!(count, "key material does not open, so the old epochs of the domain keys stay");
            epochs.rest_until = Some(Instant::now() + DAMAGE_PAUSE);
            return Ok(());
        }
        let before = records.keyring();
        let after = without(&before, old_epochs(&before))?;
        records.replace_keyring(&after, Arc::clone(&before), &self.premises.root()).await?;
        tokio::time::sleep(GRACE).await;
        records.set_keyring(Arc::new(after));
        tracing::info!(wrapped, "the old epochs of the domain keys are removed");
        // Also the wrapped material and the keyring that were replaced.
        epochs.walk = Some(Walk::begin(service));
        Ok(())
    }

    /// Writes down what can open the root key while these epochs are wrapped under it.
    async fn note_slots(&self, service: &Service, epochs: &mut DomainEpochs) -> Result<(), KmsError> {
        let kinds = self.blocking(|premises| premises.slot_kinds()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "it is not known what opens the root key: every kind of secret may");
            SlotKind::ALL.iter().copied().collect()
        });
        let keyring = service.records().keyring();
        let (oldest, newest) = (oldest_epoch(&keyring), keyring.active_epoch(Purpose::Domain).number);
        let present = Some((oldest, newest, kinds));
        if epochs.noted == present {
            return Ok(());
        }
        if let Some((_, _, kinds)) = &present {
            service.keys.note_slots((oldest, newest), kinds, service.clock().now()).await?;
        }
        epochs.noted = present;
        Ok(())
    }

    /// Tells of deleted keys that no domain key of this deployment can bring back any more, once a walk that began when
    /// the last of those domain keys was gone has ended.
    async fn conclude_deletions(&self, service: &Service, epochs: &mut DomainEpochs) -> Result<(), KmsError> {
        let oldest = oldest_epoch(&service.records().keyring());
        if !service.keys.has_concluded_deletions(oldest).await? {
            return Ok(());
        }
        let walk = match epochs.walk.take() {
            Some(walk) if walk.oldest == oldest => walk,
            Some(_) | None => Walk::begin(service),
        };
        match walk.ended {
            Some(ended) => ended?,
            None => {
                epochs.walk = Some(walk);
                return Ok(());
            }
        }
        service.keys.conclude_deletions(oldest, service.clock().now()).await
    }
}

/// A clock that was days ahead when the epoch was made must not hold up the next one for as long.
fn is_due(keyring: &Keyring, days: u32, now: Timestamp) -> bool {
    let created = keyring.active_epoch(Purpose::Domain).created;
    now.as_millis().abs_diff(created.as_millis()) >= u64::from(days) * DAY_MILLIS.unsigned_abs()
}

fn old_epochs(keyring: &Keyring) -> Vec<(Purpose, u32)> {
    let old = keyring.epochs(Purpose::Domain).filter(|epoch| !epoch.active);
    old.map(|epoch| (Purpose::Domain, epoch.number)).collect()
}

fn oldest_epoch(keyring: &Keyring) -> u32 {
    let active = keyring.active_epoch(Purpose::Domain).number;
    keyring.epochs(Purpose::Domain).map(|epoch| epoch.number).min().unwrap_or(active)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_due_after_its_days_and_when_the_clock_was_far_ahead() {
        let made = Timestamp::from_millis(1_790_000_000_000);
        let keyring = Keyring::generate(made).unwrap();
        for (days, due) in [(0, false), (6, false), (7, true), (70, true), (-6, false), (-7, true)] {
            assert_eq!(is_due(&keyring, 7, made.plus_days(days)), due, "{days}");
        }
        let next = keyring.rotated(Purpose::Domain, made.plus_days(70)).unwrap();
        assert!(!is_due(&next, 7, made.plus_days(71)));
        assert_eq!(old_epochs(&next), [(Purpose::Domain, 1)]);
        assert_eq!(oldest_epoch(&next), 1);
    }
}
