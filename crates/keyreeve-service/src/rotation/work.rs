//! The work itself, on one task that outlives requests: beginning, passes over the store, and the end.

use std::sync::Arc;
use std::time::Duration;

use keyreeve_crypto::keyring::{Keyring, Purpose};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::{DAY_MILLIS, Timestamp};

use super::domain::DomainEpochs;
use super::pass::{Found, Scope};
use super::{Rotation, RotationState};
use crate::premises::{Premises, PremisesError};
use crate::service::Service;

/// Rings of which every value lies in the store, so that a scan tells whether an old epoch is still needed. A backup
/// carries the keyring that opens it.
const STORED: [Purpose; 4] = [Purpose::Record, Purpose::Credential, Purpose::Domain, Purpose::Backup];
/// Longer than any token lives.
const TOKEN_LIFE_MILLIS: i64 = 7 * DAY_MILLIS;
/// How long removed keys stay in memory: a request may have read a row just before it was sealed anew.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// Pause after the store did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long the store is waited for until nothing is left in its files; it goes on by itself.
const FORGET_PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether domain keys are due for a new epoch.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

impl Rotation {
    /// Does what is to be done and waits for more. Never ends; may be dropped at any point, as a kill may.
    pub(crate) async fn tend(&self, service: &Service) {
        let mut inbox = self.inbox.lock().await;
        self.finish(service).await;
        let mut epochs = DomainEpochs::default();
        loop {
            self.tend_domain_keys(service, &mut epochs, &|| !inbox.is_empty()).await;
            let wish = tokio::select! {
                wish = inbox.recv() => wish,
                () = epochs.walked() => continue,
                () = tokio::time::sleep(LOOK_INTERVAL) => continue,
            };
            let Some(wish) = wish else { return };
            let begun = self.start(service, wish.passphrases).await;
            let finish = begun.is_ok();
            if finish {
                self.board.write(|status| status.state = RotationState::Running);
            }
            // Nobody waits any more: it goes on all the same.
            drop(wish.answer.send(begun));
            if finish {
                self.finish(service).await;
            }
        }
    }

    /// Steps 1 to 3.
    async fn start(&self, service: &Service, passphrases: Vec<SecretBytes>) -> Result<(), KmsError> {
        let busy = "a backup is being written: rotate when it is done";
        let _alone = service.maintenance().try_lock().map_err(|_| KmsError::Refused(busy.to_owned()))?;
        let before = self.premises.root();
        let next = self.blocking(move |premises| premises.begin_rotation(&passphrases)).await?;
        let keyring = service.records().keyring().rotated_throughout(service.clock().now());
        let stored = match keyring {
            Ok(keyring) => {
                let keyring = Arc::new(keyring);
                service.records().replace_keyring(&keyring, Arc::clone(&keyring), &next).await
            }
            Err(_) => Err(KmsError::Internal),
        };
        let keep = if stored.is_ok() { next } else { before };
        let generation = keep.generation();
        if let Err(error) = self.blocking(move |premises| premises.settle(keep)).await {
            tracing::warn!(%error, "root.json keeps both generations until the next start");
        }
        // The corridor starts over after a conflict, and the passphrase is gone by then.
        if stored == Err(KmsError::Conflict) {
            return Err(KmsError::Refused("another process replaced the keyring: try again".to_owned()));
        }
        stored?;
        tracing::info!(generation, "a new root key is in force; the rows are being sealed anew");
        Ok(())
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Premises) -> Result<T, PremisesError> + Send + 'static,
    ) -> Result<T, KmsError> {
        let premises = Arc::clone(&self.premises);
        let done = tokio::task::spawn_blocking(move || work(premises.as_ref())).await;
        done.map_err(|_| KmsError::Internal)?.map_err(|error| KmsError::Refused(error.to_string()))
    }

    /// Steps 4 and 5, until they are done or cannot be. Old domain keys alone are nothing of the root key's.
    async fn finish(&self, service: &Service) {
        let old = removable(&service.records().keyring(), service.clock().now());
        if old.iter().all(|(purpose, _)| *purpose == Purpose::Domain) {
            return;
        }
        self.board.write(|status| {
            *status = super::RotationStatus { state: RotationState::Running, ..Default::default() };
        });
        loop {
            match self.finish_once(service).await {
                Ok((found, after)) => {
                    self.conclude(found);
                    if let Some(after) = after {
                        tokio::time::sleep(GRACE).await;
                        service.records().set_keyring(Arc::new(after));
                        // Also the rows and the keyring that were replaced; it goes on when nobody waits any more.
                        forget(service).await;
                    }
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "the rotation waits for the store");
                    self.board.write(|status| status.trouble = Some(error.to_string()));
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Answers the keyring that is stored now, without the old epochs, where they could be removed.
    async fn finish_once(&self, service: &Service) -> Result<(Found, Option<Keyring>), KmsError> {
        let records = service.records();
        let total = Self::count(records).await?;
        self.board.write(|status| (status.rows_total, status.trouble) = (total, None));
        // The last pass only verifies: it finds no row of an old epoch.
        let found = loop {
            let now = service.clock().now();
            let found = self.pass(Scope::Everything, (records, &service.keys), now, &|| false).await?;
            if found.old == 0 {
                break found;
            }
        };
        if found.unreadable > 0 {
            return Ok((found, None));
        }
        let before = records.keyring();
        let after = without(&before, removable(&before, service.clock().now()))?;
        records.replace_keyring(&after, Arc::clone(&before), &self.premises.root()).await?;
        Ok((found, Some(after)))
    }

    fn conclude(&self, found: Found) {
        let generation = self.premises.root().generation();
        if found.unreadable == 0 {
            tracing::info!(generation, "the rotation of the root key is complete");
            self.board.write(|status| status.state = RotationState::Done);
            return;
        }
        let trouble = format!(
            "{} rows do not open, so the keys before this rotation stay: the log names the rows",
            found.unreadable
        );
        tracing::error!(generation, trouble, "the rotation of the root key is incomplete");
        self.board.write(|status| {
            (status.state, status.rows_unreadable) = (RotationState::Incomplete, found.unreadable);
            status.trouble = Some(trouble);
        });
    }
}

/// Waits a while until nothing is left in the store's files of what was replaced.
async fn forget(service: &Service) {
    match tokio::time::timeout(FORGET_PATIENCE, service.records().forget_replaced()).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the store's files may hold replaced rows still"),
    }
}

/// The old epochs that may go once no row needs them.
fn removable(keyring: &Keyring, now: Timestamp) -> Vec<(Purpose, u32)> {
    let mut old = Vec::new();
    for purpose in STORED {
        let epochs = keyring.epochs(purpose).filter(|epoch| !epoch.active);
        old.extend(epochs.map(|epoch| (purpose, epoch.number)));
    }
    // Tokens were sealed under an epoch until the next one was made.
    let tokens: Vec<_> = keyring.epochs(Purpose::Token).collect();
    let outlived = tokens.iter().zip(tokens.iter().skip(1)).filter(|(_, successor)| {
        now.as_millis().saturating_sub(successor.created.as_millis()) > TOKEN_LIFE_MILLIS
    });
    old.extend(outlived.map(|(epoch, _)| (Purpose::Token, epoch.number)));
    old
}

/// The keyring without old epochs, of which there are some; the active ones are never among them.
pub(super) fn without(keyring: &Keyring, old: Vec<(Purpose, u32)>) -> Result<Keyring, KmsError> {
    let (mut kept, internal) = (None, |_| KmsError::Internal);
    for (purpose, epoch) in old {
        let present = kept.as_ref().unwrap_or(keyring);
        kept = Some(present.without_epoch(purpose, epoch).map_err(internal)?);
    }
    kept.ok_or(KmsError::Internal)
}
