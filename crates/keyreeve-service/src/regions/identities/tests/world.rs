//! Regions with a store and keyring each, joined by a link that can be cut and remembers what went over it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use keyreeve_audit::Journal;
use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_policy::principal::Principal;
use keyreeve_store::{
    ChangeItem, Commit, CommitError, CommitId, MemoryStore, Page, Path, Reason, Revision, Snapshot, Store,
    StoreError,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::crossing::{Crossing, PREFIX, crossing};
use crate::audit::Cause;
use crate::caller::Caller;
use crate::catalogue::{Api, find};
use crate::clock::Clock;
use crate::regions::{Peer, PeerAnswer, PeerFault, PeerReply, PeerRequest, Peers, Site};
use crate::service::{RegionRule, Service, ServiceParts};

pub(in crate::regions) const ACCOUNT: &str = "111122223333";

pub(in crate::regions) fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

pub(in crate::regions) fn region(name: &str) -> Region {
    Region::parse(name).unwrap()
}

#[derive(Debug)]
pub(in crate::regions) struct TestClock(AtomicI64);

impl TestClock {
    pub(in crate::regions) fn pass_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// What happens at a commit that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::regions) enum Kill {
    /// It was not applied.
    Before,
    /// It was, and nobody hears of it.
    After,
}

/// A store that can die at a commit, and forget its history.
#[derive(Debug)]
pub(in crate::regions) struct Flaky {
    pub(in crate::regions) inner: MemoryStore,
    /// Commits that it still takes; negative: as many as come.
    left: AtomicI64,
    kill_after: AtomicBool,
    /// The next who asks for changes is told that they are no longer known.
    pub(in crate::regions) forgets: AtomicBool,
}

impl Flaky {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(),
            left: AtomicI64::new(-1),
            kill_after: AtomicBool::new(false),
            forgets: AtomicBool::new(false),
        })
    }

    pub(in crate::regions) fn die_at(&self, commit: i64, kill: Kill) {
        self.kill_after.store(kill == Kill::After, Ordering::Relaxed);
        self.left.store(commit, Ordering::Relaxed);
    }

    pub(in crate::regions) fn is_dead(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    pub(in crate::regions) fn heal(&self) {
        self.left.store(-1, Ordering::Relaxed);
    }
}

impl Store for Flaky {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        self.inner.get(paths)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            let dead = || CommitError::Unavailable { reason: Reason::Stopping };
            match self.left.load(Ordering::Relaxed) {
                0 => return Err(dead()),
                1 => {
                    self.left.store(0, Ordering::Relaxed);
                    if self.kill_after.load(Ordering::Relaxed) {
                        self.inner.commit(commit).await?;
                    }
                    return Err(dead());
                }
                left if left > 1 => self.left.store(left - 1, Ordering::Relaxed),
                _ => {}
            }
            self.inner.commit(commit).await
        })
    }

    fn committed(&self, id: CommitId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.inner.committed(id)
    }

    fn forget_deleted(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.forget_deleted()
    }

    fn changes(&self, after: Revision) -> BoxStream<'_, ChangeItem> {
        if self.forgets.swap(false, Ordering::Relaxed) {
            return stream::iter([ChangeItem::Resync]).boxed();
        }
        self.inner.changes(after)
    }
}

/// Between the Regions.
#[derive(Default)]
pub(in crate::regions) struct Link {
    services: Mutex<HashMap<Region, Arc<Service>>>,
    pub(in crate::regions) cut: AtomicBool,
    /// Everything that went over it.
    pub(in crate::regions) bytes: Mutex<Vec<u8>>,
    /// Requests for identities.
    pub(in crate::regions) asked: AtomicI64,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Peers for Link {
    fn regions(&self) -> Vec<Region> {
        self.services.lock().unwrap().keys().cloned().collect()
    }

    fn ask<'a>(&'a self, from: &'a Region, to: &'a Region, request: &'a PeerRequest) -> PeerAnswer<'a> {
        Box::pin(async move {
            if self.cut.load(Ordering::Relaxed) {
                return Err(PeerFault::Unreachable("the link is cut".to_owned()));
            }
            self.asked.fetch_add(1, Ordering::Relaxed);
            let service = Arc::clone(&self.services.lock().unwrap()[to]);
            let bytes = serde_json::to_vec(request).unwrap();
            self.bytes.lock().unwrap().extend_from_slice(&bytes);
            let reply = service.answer_peer(from, to, serde_json::from_slice(&bytes).unwrap()).await?;
            let bytes = serde_json::to_vec(&reply).unwrap();
            self.bytes.lock().unwrap().extend_from_slice(&bytes);
            Ok(serde_json::from_slice::<PeerReply>(&bytes).unwrap())
        })
    }
}

/// One Region.
pub(in crate::regions) struct Place {
    pub(in crate::regions) region: Region,
    pub(in crate::regions) store: Arc<Flaky>,
    pub(in crate::regions) service: Arc<Service>,
}

pub(in crate::regions) struct World {
    pub(in crate::regions) link: Arc<Link>,
    pub(in crate::regions) clock: Arc<TestClock>,
    pub(in crate::regions) home: Place,
    pub(in crate::regions) away: Place,
}

impl World {
    /// Two Regions that trust each other; the first is the home, with an account.
    pub(in crate::regions) async fn new() -> Self {
        let world = Self::strangers().await;
        world
            .home
            .service
            .identity()
            .create_account(account(), "acme".to_owned(), world.clock.now())
            .await
            .unwrap();
        world.introduce().await;
        world
    }

    /// Two Regions that do not know each other.
    pub(in crate::regions) async fn strangers() -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_767_225_600_000)));
        let link = Arc::<Link>::default();
        let home = Place::new("eu-central-1", &clock, &link).await;
        let away = Place::new("eu-north-1", &clock, &link).await;
        Self { link, clock, home, away }
    }

    pub(in crate::regions) async fn introduce(&self) {
        self.home.trust(&self.away, false, &*self.clock).await;
        self.away.trust(&self.home, true, &*self.clock).await;
    }

    pub(in crate::regions) fn cut(&self, cut: bool) {
        self.link.cut.store(cut, Ordering::Relaxed);
    }

    /// One turn of the job in both Regions.
    pub(in crate::regions) async fn tend(&self) {
        self.home.service.tend_identities(&self.home.region).await;
        self.away.service.tend_identities(&self.away.region).await;
    }

    pub(in crate::regions) async fn restart_away(&mut self) {
        self.away.restart(&self.clock, &self.link).await;
    }

    pub(in crate::regions) async fn restart_home(&mut self) {
        self.home.restart(&self.clock, &self.link).await;
    }

    /// Holds that both Regions have the same identities.
    /// The home's disk is gone: a new deployment of that name, which is trusted again.
    pub(in crate::regions) async fn home_made_anew(&mut self) {
        self.home = Place::new("eu-central-1", &self.clock, &self.link).await;
        self.introduce().await;
    }

    pub(in crate::regions) async fn assert_agreed(&self) {
        let (home, away) = (self.home.identities().await, self.away.identities().await);
        assert_eq!(home, away);
    }
}

impl Place {
    async fn new(name: &str, clock: &Arc<TestClock>, link: &Arc<Link>) -> Self {
        let (region, store) = (region(name), Flaky::new());
        let keyring = Keyring::generate(clock.now()).unwrap();
        let audit = Arc::new(Journal::ephemeral().unwrap());
        let service = Self::start(&region, &store, keyring, clock, link, audit).await;
        Self { region, store, service }
    }

    async fn start(
        region: &Region,
        store: &Arc<Flaky>,
        keyring: Keyring,
        clock: &Arc<TestClock>,
        link: &Arc<Link>,
        audit: Arc<Journal>,
    ) -> Arc<Service> {
        let (store, clock) = (Arc::clone(store) as Arc<dyn Store>, Arc::clone(clock) as Arc<dyn Clock>);
        let service = Arc::new(Service::new(ServiceParts { store, keyring, clock, audit }));
        let site = Site { local: RegionRule::Only(vec![region.clone()]), endpoint: None };
        link.services.lock().unwrap().insert(region.clone(), Arc::clone(&service));
        service.join(site, Arc::clone(link) as Arc<dyn Peers>).await.unwrap();
        service
    }

    async fn restart(&mut self, clock: &Arc<TestClock>, link: &Arc<Link>) {
        self.store.heal();
        let (keyring, audit) = (self.service.records().keyring(), Arc::clone(self.service.audit()));
        let fresh = Keyring::generate(clock.now()).unwrap();
        let service = Self::start(&self.region, &self.store, fresh, clock, link, audit).await;
        service.records().set_keyring(keyring);
        service.regions().load().await.unwrap();
        self.service = service;
    }

    pub(in crate::regions) async fn trust(&self, other: &Self, home: bool, clock: &dyn Clock) {
        let now = clock.now();
        let pair = other.service.regions().transport_key(&other.region, now).await.unwrap();
        let peer = Peer {
            region: other.region.clone(),
            endpoint: format!("https://{}.example:9443", other.region),
            pin: keyreeve_crypto::digest::sha256(other.region.as_str().as_bytes()),
            transport_key: pair.public().clone(),
            trusted: now,
            home,
        };
        self.service.regions().trust(&peer, Cause::Upkeep(now)).await.unwrap();
    }

    /// Every row that crosses, with secrets as they are.
    pub(in crate::regions) async fn identities(&self) -> BTreeMap<String, Value> {
        let (records, mut rows, mut after) = (self.service.records(), BTreeMap::new(), None);
        let keyring = records.keyring();
        loop {
            let page = records.stored_below(PREFIX, after.as_ref(), 1000).await.unwrap();
            for (path, row) in &page.rows {
                let opened = records.open_stored(&keyring, path, &row.value).unwrap();
                let mut value: Value = serde_json::from_slice(opened.value.expose_secret()).unwrap();
                match crossing(path.as_str()) {
                    Crossing::Stays => continue,
                    Crossing::Whole => {}
                    Crossing::WithSecret(bound) => {
                        let sealed = STANDARD.decode(value["secret"].as_str().unwrap()).unwrap();
                        let secret = keyring.open_credential(bound.of(path.as_str()), &sealed).unwrap();
                        value["secret"] = json!(hex::encode(secret.expose_secret()));
                    }
                }
                rows.insert(path.as_str().to_owned(), value);
            }
            match page.rows.last().filter(|_| page.more) {
                Some((path, _)) => after = Some(path.clone()),
                None => return rows,
            }
        }
    }

    /// Secrets of every access key and key of session tokens.
    pub(in crate::regions) async fn secrets(&self) -> Vec<Vec<u8>> {
        let rows = self.identities().await;
        let secrets = rows.values().filter_map(|row| row.get("secret")?.as_str());
        secrets.map(|secret| hex::decode(secret).unwrap()).collect()
    }

    pub(in crate::regions) fn root(&self) -> Caller {
        Caller::bare(Principal::Root(account()), self.region.clone(), Uuid::new_v4())
    }

    pub(in crate::regions) async fn call(
        &self,
        caller: &Caller,
        api: Api,
        operation: &str,
        body: Value,
    ) -> Result<Value, (String, String)> {
        let row = find(api, operation).unwrap();
        match self.service.call(caller, row, body.to_string().as_bytes()).await {
            Ok(answer) if answer.is_empty() => Ok(Value::Null),
            Ok(answer) => Ok(serde_json::from_slice(&answer).unwrap()),
            Err(error) => {
                let wire = error.wire();
                Err((wire.code.to_owned(), wire.message.unwrap_or_default()))
            }
        }
    }

    /// As the root user.
    pub(in crate::regions) async fn iam(&self, operation: &str, body: Value) -> Value {
        let outcome = self.call(&self.root(), Api::Iam, operation, body.clone()).await;
        outcome.unwrap_or_else(|error| panic!("{operation} {body}: {error:?}"))
    }

    /// Who signs with an access key, as a door finds it.
    pub(in crate::regions) async fn signer(&self, id: &str) -> Option<Caller> {
        let identity = self.service.identity();
        let credential = identity.credential(id).await.unwrap().filter(|credential| credential.active)?;
        let (principal, profile) = identity.signer(&credential.owner).await.unwrap()?;
        Some(Caller::new(principal, profile, self.region.clone(), Uuid::new_v4()))
    }

    /// Who signs with temporary credentials.
    pub(in crate::regions) async fn session(&self, answer: &Value) -> Option<Caller> {
        let (identity, given) = (self.service.identity(), &answer["Credentials"]);
        let text = |name: &str| given[name].as_str().unwrap();
        let opened = identity.open_session(text("AccessKeyId"), text("SessionToken")).await.unwrap()?;
        assert_eq!(opened.secret.expose_secret(), text("SecretAccessKey").as_bytes());
        let signer = identity.session_signer(&opened).await.unwrap()?;
        let bare = Caller::new(signer.principal, signer.profile, self.region.clone(), Uuid::new_v4());
        Some(Caller { session: Some(signer.session), ..bare })
    }

    /// What GenerateRandom is answered, which policies of IAM alone decide.
    pub(in crate::regions) async fn random(&self, caller: Option<Caller>) -> &'static str {
        let Some(caller) = caller else { return "nobody" };
        match self.call(&caller, Api::Kms, "GenerateRandom", json!({"NumberOfBytes": 8})).await {
            Ok(_) => "yes",
            Err((code, _)) if code == "AccessDeniedException" => "denied",
            Err(error) => panic!("{error:?}"),
        }
    }
}

pub(in crate::regions) fn allow(action: &str) -> String {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}
