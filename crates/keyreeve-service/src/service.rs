//! The service: its parts, and the way in for every door.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use keyreeve_audit::index::lookup::Lookup;
use keyreeve_audit::{Journal, SignedHead, SigningKey};
use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::error::{Blame, KmsError};
use keyreeve_model::region::Region;
use keyreeve_policy::principal::Principal;
use keyreeve_store::{Revision, Store};
use tokio::sync::{Mutex, Notify, Semaphore};

use crate::audit::{Finding, HashedContextKeys, Heads, Ledger, Notes, Published, RefusedCall, ServiceEvent};
use crate::backups::Backups;
use crate::caller::Caller;
use crate::catalogue::Row;
use crate::clock::Clock;
use crate::cloudtrail::Trails;
use crate::corridor::Outcome;
use crate::desk::Desk;
use crate::identity::{Identity, IssuerKeys};
use crate::key_access::{KeyAccess, KeyUsage, SeedFault, SeedKey, Seeded, key_of_row};
use crate::premises::Premises;
use crate::records::Records;
use crate::regions::{Peers, Regions};
use crate::rotation::Rotation;

/// Which Regions a process serves.
#[derive(Debug, Clone)]
pub enum RegionRule {
    /// Every Region of a right form (`dev`).
    Every,
    /// These (`serve`).
    Only(Vec<Region>),
}

impl RegionRule {
    /// Whether the Region is served here.
    pub fn serves(&self, region: &str) -> bool {
        match self {
            Self::Every => keyreeve_model::region::is_region_name(region),
            Self::Only(regions) => regions.iter().any(|served| served.as_str() == region),
        }
    }
}

/// What becomes of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusals {
    /// It has a record, as every call.
    Recorded,
    /// The caller counts it.
    Summed,
}

fn in_memory() -> KmsError {
    KmsError::Refused("this deployment lives in memory: it has no root key and no files".to_owned())
}

/// What a service is made of.
#[derive(Debug)]
pub struct ServiceParts {
    /// Where rows are kept.
    pub store: Arc<dyn Store>,
    /// What they are sealed with.
    pub keyring: Keyring,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where every call is recorded.
    pub audit: Arc<Journal>,
}

/// The rules, over one store.
#[derive(Debug)]
pub struct Service {
    pub(crate) keys: KeyAccess,
    pub(crate) usage: KeyUsage,
    pub(crate) slow_lane: Semaphore,
    identity: Identity,
    trails: Trails,
    records: Arc<Records>,
    clock: Arc<dyn Clock>,
    ledger: Arc<Ledger>,
    heads: Heads,
    lookup: Arc<Lookup>,
    premises: Option<Arc<dyn Premises>>,
    rotation: Option<Rotation>,
    backups: Backups,
    maintenance: Arc<Mutex<()>>,
    due: Notify,
    regions: Arc<Regions>,
    peers: OnceLock<Arc<dyn Peers>>,
}

impl Service {
    /// A service over a store that was opened and unsealed.
    pub fn new(parts: ServiceParts) -> Self {
        let lookup = Arc::new(Lookup::new(parts.audit.folder().to_owned()));
        let ledger = Arc::new(Ledger::new(parts.audit));
        let records = Arc::new(Records::new(parts.store, parts.keyring, Arc::clone(&ledger)));
        let regions = Arc::new(Regions::new(Arc::clone(&records)));
        let identity = Identity::new(Arc::clone(&records));
        identity.kept_by(Arc::clone(&regions));
        Self {
            keys: KeyAccess::new(Arc::clone(&records)),
            usage: KeyUsage::new(Arc::clone(ledger.journal())),
            slow_lane: Semaphore::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get)),
            identity,
            trails: Trails::new(Arc::clone(&records)),
            regions,
            peers: OnceLock::new(),
            records,
            clock: parts.clock,
            ledger,
            heads: Heads::default(),
            lookup,
            premises: None,
            rotation: None,
            backups: Backups::default(),
            maintenance: Arc::default(),
            due: Notify::new(),
        }
    }

    /// The service in a deployment that has a root key and files; `stored` is the commit that stored the keyring.
    #[must_use]
    pub fn at(mut self, premises: Arc<dyn Premises>, stored: Revision) -> Self {
        self.records.anchor(stored);
        self.rotation = Some(Rotation::new(Arc::clone(&premises)));
        self.premises = Some(premises);
        self
    }

    /// Asks identity providers for their keys by this from now on. Without it no web identity is known.
    pub fn ask_issuers_by(&self, keys: Arc<dyn IssuerKeys>) {
        self.identity.ask_issuers_by(keys);
    }

    /// Does the work that outlives requests: rotations of the root key, also one that a kill interrupted. Never ends;
    /// to be polled beside serving, and dropped at the stop.
    pub async fn tend(&self) {
        match &self.rotation {
            Some(rotation) => rotation.tend(self).await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn premises(&self) -> Result<&Arc<dyn Premises>, KmsError> {
        self.premises.as_ref().ok_or_else(in_memory)
    }

    pub(crate) fn rotation(&self) -> Result<&Rotation, KmsError> {
        self.rotation.as_ref().ok_or_else(in_memory)
    }

    pub(crate) const fn backups(&self) -> &Backups {
        &self.backups
    }

    /// Held by what must be alone: the beginning of a rotation, and a backup, whose root.json must open its keyring.
    pub(crate) const fn maintenance(&self) -> &Arc<Mutex<()>> {
        &self.maintenance
    }

    /// The identities, for doors that authenticate.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The own Regions and the trusted ones.
    pub const fn regions(&self) -> &Arc<Regions> {
        &self.regions
    }

    /// How other Regions are reached, once the process said it.
    pub(crate) fn peers(&self) -> Option<&Arc<dyn Peers>> {
        self.peers.get()
    }

    pub(crate) fn set_peers(&self, peers: Arc<dyn Peers>) {
        // The first word stands: it is said before the first request.
        let _ = self.peers.set(peers);
    }

    /// The trails, for whoever delivers them.
    pub const fn trails(&self) -> &Trails {
        &self.trails
    }

    /// The audit log.
    pub fn audit(&self) -> &Arc<Journal> {
        self.ledger.journal()
    }

    pub(crate) const fn lookup(&self) -> &Arc<Lookup> {
        &self.lookup
    }

    /// Holds the log against the head that was committed last. To be called before anything is answered.
    ///
    /// # Errors
    /// Store errors, an unwritable log.
    pub async fn check_log(&self) -> Result<(), KmsError> {
        crate::audit::check(&self.ledger, &self.records).await
    }

    /// Keeps log and store in step: settles what a crash left, signs the head of the log and commits it, appends records
    /// that wait in the outbox. Alarms are written down under the Region `home`. To be called once a second, and at the stop once no request is served any more.
    ///
    /// # Errors
    /// Store errors, an unwritable log: nothing is lost, and the next call tries again.
    pub async fn commit_head(&self, home: &Region) -> Result<(), KmsError> {
        self.heads.commit(&self.ledger, &self.records, home, self.clock.now()).await?;
        self.warm_lookup();
        Ok(())
    }

    /// The head of the log that was committed last.
    ///
    /// # Errors
    /// Store errors.
    pub async fn committed_head(&self) -> Result<Option<SignedHead>, KmsError> {
        crate::audit::committed_head(&self.records).await
    }

    /// Compares every row of the store with the log. A row that disagrees is told of as an alarm under the Region `home`,
    /// and its key is used by nobody until they agree again. To be called at the start and every hour.
    ///
    /// # Errors
    /// Store errors, a log that cannot be read or written.
    pub async fn scrub(&self, home: &Region) -> Result<Vec<Finding>, KmsError> {
        let findings = crate::audit::scrub(&self.ledger, &self.records).await?;
        let (now, mut kept) = (self.clock.now(), Vec::new());
        for finding in &findings {
            let sentence = finding.sentence();
            tracing::error!("{sentence}");
            if let Some(key) = key_of_row(&finding.path) {
                self.keys.quarantine(&key, &sentence, now).await?;
                kept.push(key);
            }
            let event = ServiceEvent::integrity_alarm(home.clone(), now, &sentence, Some(&finding.path));
            self.ledger.note(&event).await.map_err(|_| KmsError::AuditUnavailable)?;
        }
        self.keys.release_all_but(&kept).await?;
        Ok(findings)
    }

    /// The next look into the open segment need not read what was appended since the last one.
    fn warm_lookup(&self) {
        let (lookup, durable) = (Arc::clone(&self.lookup), self.audit().durable());
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = lookup.follow(durable) {
                tracing::debug!(%error, "the open audit segment could not be followed");
            }
        }));
    }

    /// The keys that sign heads and digests, oldest first.
    ///
    /// # Errors
    /// Store errors.
    pub async fn published_keys(&self) -> Result<Vec<Published>, KmsError> {
        Ok(self.heads.keys(&self.records, self.clock.now()).await?.published.clone())
    }

    /// The key that signs now.
    ///
    /// # Errors
    /// Store errors.
    pub async fn signing_key(&self) -> Result<Arc<SigningKey>, KmsError> {
        Ok(Arc::clone(&self.heads.keys(&self.records, self.clock.now()).await?.current))
    }

    /// From now on the values of these keys of encryption contexts stand in records as a keyed hash. To be called before
    /// the first request.
    ///
    /// # Errors
    /// Store errors.
    pub async fn hash_context_keys(&self, keys: Vec<String>) -> Result<(), KmsError> {
        if !keys.is_empty() {
            let secret = self.heads.context_secret(&self.records, self.clock.now()).await?;
            self.ledger.hash_context(HashedContextKeys::new(keys, secret));
        }
        Ok(())
    }

    /// The records, for whoever seals and moves them as a whole.
    pub const fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// Lookups that each cache could not answer since the start, by its name. Hits are not counted: that would write
    /// to memory that all cores share, at each request.
    pub fn cache_misses(&self) -> [(&'static str, u64); 5] {
        let [keys, aliases, owners, grants] = self.keys.cache_misses();
        [
            ("keys", keys),
            ("aliases", aliases),
            ("key_owners", owners),
            ("grants", grants),
            ("access_keys", self.identity.cache_misses()),
        ]
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Answers one request, once its record is durable.
    pub async fn call(&self, caller: &Caller, row: &'static Row, body: &[u8]) -> Outcome {
        self.answer(caller, row, body, Refusals::Recorded).await
    }

    /// As [`call`](Self::call) for an operation that need not be signed, but a refusal leaves no record: strangers could
    /// fill the log with them. Whoever calls sums them up.
    pub async fn call_of_stranger(&self, caller: &Caller, row: &'static Row, body: &[u8]) -> Outcome {
        self.answer(caller, row, body, Refusals::Summed).await
    }

    async fn answer(&self, caller: &Caller, row: &'static Row, body: &[u8], refusals: Refusals) -> Outcome {
        self.ledger.writable()?;
        let notes = Notes::new();
        let desk = Desk { service: self, caller, now: self.clock.now(), row, body, notes: &notes };
        // The doors see to it already: whoever did not sign reaches only what needs no signature.
        let outcome = if row.signed == matches!(caller.principal, Principal::Federated(_)) {
            Err(KmsError::AccessDenied(format!("Not authorized to perform {}", row.name)))
        } else {
            (row.run)(&desk).await
        };
        let refused = outcome.as_ref().is_err_and(|error| error.wire().blame == Blame::Client);
        if refused && !row.signed && refusals == Refusals::Summed {
            return outcome;
        }
        self.ledger.close(&desk, &outcome).await?;
        outcome
    }

    /// Records a call that a door refused although it knows the caller.
    ///
    /// # Errors
    /// [`KmsError::AuditUnavailable`]: then this is the answer.
    pub async fn refused(&self, caller: &Caller, refusal: RefusedCall<'_>) -> Result<(), KmsError> {
        self.ledger.refused(caller, refusal, self.clock.now()).await
    }

    /// Creates a key of a seed file, unless it is there. For `dev`, before it answers.
    ///
    /// # Errors
    /// [`SeedFault`]: a sentence for whoever wrote the file.
    pub async fn seed(&self, key: SeedKey) -> Result<Seeded, SeedFault> {
        self.keys.seed(&self.identity, key, self.clock.now()).await
    }

    /// Does what is due of keys: deletes those whose waiting period has passed, rotates those whose turn it is, drops
    /// imported material that has expired. To be called every second; for callers a key is gone, or without material,
    /// at the very moment. What the store's files still hold of it is another matter:
    /// [`forget_deleted_material`](Self::forget_deleted_material).
    pub async fn tend_keys(&self) {
        match self.keys.tend_due(self.clock.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "did what was due of keys"),
            Err(error) => tracing::warn!(%error, "what is due of keys could not be done yet"),
        }
    }

    /// Makes the files of the store forget key material that was deleted. It takes as long as a walk over them, and
    /// longer while somebody reads them as a whole: to be called again and again, one call at a time, beside everything
    /// else.
    pub async fn forget_deleted_material(&self) {
        if let Err(error) = self.records.forget_deleted_material().await {
            tracing::warn!(%error, "the store's files may hold deleted key material still");
        }
    }

    /// The domain keys get a new epoch after so many days; 7 unless this is called.
    pub fn rotate_domain_keys_every(&self, days: u32) {
        if let Some(rotation) = &self.rotation {
            rotation.set_domain_key_days(days);
        }
    }

    /// Waits until something became due that should not wait for the next second.
    pub async fn until_due(&self) {
        self.due.notified().await;
    }

    /// Something is due now.
    pub(crate) fn wake_for_due(&self) {
        self.due.notify_one();
    }

    /// Writes the last uses that were noted since the last flush; the first time also those that the log tells of and a
    /// crash kept from being written. To be called at the start, now and then, and at the stop.
    pub async fn flush_usage(&self) {
        self.keys.flush_uses(&self.usage, self.clock.now()).await;
        self.identity.flush_key_uses(self.clock.now()).await;
    }
}
