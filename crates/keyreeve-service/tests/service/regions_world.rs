//! Three Regions in processes of their own: each has its own store, keyring and log, and they speak over links that can be
//! cut, and lose, double or delay messages. Each can be killed between two commits and started again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use keyreeve_model::error::WireError;
use keyreeve_model::region::Region;
use keyreeve_service::Service;
use keyreeve_service::regions::{PeerAnswer, PeerFault, PeerRequest, Peers};
use serde_json::{Value, json};

use crate::mortal_store::MortalStore;
use crate::regions::{Person, among_others, operator, region, signed};
use crate::rig::{ACCOUNT, REGION, Rig, b64, root_of, text};

pub(crate) const HERE: &str = REGION;
pub(crate) const WEST: &str = "eu-west-1";
pub(crate) const EAST: &str = "us-east-1";
pub(crate) const ALL: [&str; 3] = [HERE, WEST, EAST];

/// What becomes of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It never arrives.
    LoseRequest,
    /// It is acted on, and the answer is lost.
    LoseReply,
    /// It arrives twice.
    Twice,
    /// It seems to be lost, and arrives much later.
    Late,
}

#[derive(Debug, Default)]
struct State {
    services: HashMap<String, Arc<Service>>,
    cut: BTreeSet<(String, String)>,
    mute: BTreeSet<(String, String)>,
    sent: Vec<(String, String, &'static str)>,
    /// The number of the message that something happens to; afterwards its link is cut until it is healed.
    plan: Option<(usize, Fate)>,
    late: Vec<(Region, Region, PeerRequest)>,
}

/// The links between all Regions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links(Arc<Mutex<State>>);

impl Links {
    fn fate(&self, from: &Region, to: &Region, request: &PeerRequest) -> Result<Option<Fate>, PeerFault> {
        let mut state = self.0.lock().unwrap();
        let link = (from.to_string(), to.to_string());
        if state.cut.contains(&link) {
            return Err(PeerFault::Unreachable("cut".to_owned()));
        }
        let number = state.sent.len();
        state.sent.push((link.0.clone(), link.1.clone(), request.name()));
        let planned = state.plan.filter(|(planned, _)| *planned == number).map(|(_, fate)| fate);
        if planned.is_some_and(|fate| fate != Fate::Twice) {
            state.cut.insert(link);
        }
        if planned == Some(Fate::Late) {
            state.late.push((from.clone(), to.clone(), request.clone()));
        }
        Ok(planned)
    }

    fn service(&self, region: &Region) -> Arc<Service> {
        Arc::clone(&self.0.lock().unwrap().services[region.as_str()])
    }

    pub(crate) fn cut(&self, from: &str, to: &str) {
        self.0.lock().unwrap().cut.insert((from.to_owned(), to.to_owned()));
    }

    /// What one asks the other arrives, and no answer does.
    pub(crate) fn lose_replies(&self, from: &str, to: &str) {
        self.0.lock().unwrap().mute.insert((from.to_owned(), to.to_owned()));
    }

    /// Cuts a Region off, both ways.
    pub(crate) fn isolate(&self, name: &str) {
        for other in ALL.iter().filter(|other| **other != name) {
            self.cut(name, other);
            self.cut(other, name);
        }
    }

    /// The link between two Regions works.
    pub(crate) fn heal_between(&self, one: &str, other: &str) {
        self.0.lock().unwrap().cut.retain(|(from, to)| {
            ![one, other].contains(&from.as_str()) || ![one, other].contains(&to.as_str())
        });
    }

    /// All links work.
    pub(crate) fn join(&self) {
        self.0.lock().unwrap().cut.clear();
    }

    pub(crate) fn names_of_messages(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().sent.iter().map(|(.., name)| *name).collect()
    }

    /// Lets something happen to a message that is yet to be sent.
    pub(crate) fn plan(&self, number: usize, fate: Fate) {
        self.0.lock().unwrap().plan = Some((number, fate));
    }
}

impl Peers for Links {
    fn regions(&self) -> Vec<Region> {
        ALL.iter().map(|name| region(name)).collect()
    }

    fn ask<'a>(&'a self, from: &'a Region, to: &'a Region, request: &'a PeerRequest) -> PeerAnswer<'a> {
        Box::pin(async move {
            let lost = || Err(PeerFault::Unreachable("lost".to_owned()));
            let fate = self.fate(from, to, request)?;
            let service = self.service(to);
            // Through JSON, as over the wire.
            let json = serde_json::to_string(request).unwrap();
            let request = || serde_json::from_str::<PeerRequest>(&json).unwrap();
            match fate {
                Some(Fate::LoseRequest | Fate::Late) => return lost(),
                Some(Fate::Twice) => drop(service.answer_peer(from, to, request()).await),
                Some(Fate::LoseReply) | None => {}
            }
            let answer = service.answer_peer(from, to, request()).await?;
            let answer = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
            let mute = self.0.lock().unwrap().mute.contains(&(from.to_string(), to.to_string()));
            if mute || fate == Some(Fate::LoseReply) { lost() } else { Ok(answer) }
        })
    }
}

/// The three Regions.
pub(crate) struct World {
    pub(crate) rigs: Vec<(&'static str, Rig)>,
    pub(crate) links: Links,
    stores: HashMap<&'static str, Arc<MortalStore>>,
    /// Ciphertexts that were made, and of what.
    pub(crate) made: Vec<(String, Vec<u8>)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let links = Links::default();
        let mut stores = HashMap::new();
        let mut rig = |name| {
            Rig::over(|inner| {
                Arc::clone(stores.entry(name).or_insert_with(|| Arc::new(MortalStore::over(inner))))
            })
        };
        let rigs: Vec<_> = ALL.iter().map(|name| (*name, rig(*name))).collect();
        for (name, rig) in &rigs {
            among_others(rig, name, Arc::new(links.clone()));
            links.0.lock().unwrap().services.insert((*name).to_owned(), Arc::clone(&rig.service));
        }
        let made: Vec<_> =
            rigs.iter().map(|(name, rig)| operator(rig, name, "InitRegion", json!({})).unwrap()).collect();
        for (name, rig) in &rigs {
            for (other, introduction) in ALL.iter().zip(&made).filter(|(other, _)| *other != name) {
                let input = json!({"Introduction": introduction["Introduction"].to_string(),
                                   "Fingerprint": introduction["Fingerprint"]});
                operator(rig, name, "TrustRegion", input).unwrap_or_else(|error| panic!("{other}: {error}"));
            }
        }
        Self { rigs, links, stores, made: Vec::new() }
    }

    pub(crate) fn store(&self, name: &str) -> &MortalStore {
        &self.stores[name]
    }

    /// Another process over what the dead one had committed.
    pub(crate) fn start_again(&mut self, name: &str) {
        let (_, place) = self.rigs.iter_mut().find(|(known, _)| *known == name).unwrap();
        let rig = place.restarted();
        self.links.0.lock().unwrap().services.insert(name.to_owned(), Arc::clone(&rig.service));
        among_others(&rig, name, Arc::new(self.links.clone()));
        *place = rig;
    }

    pub(crate) fn rig(&self, name: &str) -> &Rig {
        &self.rigs.iter().find(|(known, _)| *known == name).unwrap().1
    }

    pub(crate) fn ask(&self, name: &str, operation: &str, body: Value) -> Result<Value, WireError> {
        self.rig(name).try_as(&root_of(ACCOUNT, name), operation, &body)
    }

    pub(crate) fn ok(&self, name: &str, operation: &str, body: Value) -> Value {
        self.ask(name, operation, body.clone())
            .unwrap_or_else(|error| panic!("{name} {operation} {body}: {error:?}"))
    }

    pub(crate) fn metadata(&self, name: &str, id: &str) -> Value {
        self.ok(name, "DescribeKey", json!({"KeyId": id}))["KeyMetadata"].clone()
    }

    pub(crate) fn pass_millis(&self, millis: i64) {
        self.rigs.iter().for_each(|(_, rig)| rig.pass_millis(millis));
    }

    /// A second passes, and every Region does what it does in one.
    pub(crate) fn tick(&self) {
        self.pass_millis(1000);
        for (_, rig) in &self.rigs {
            rig.block_on(async {
                rig.service.tend_keys().await;
                rig.service.tend_regions().await;
            });
        }
    }

    /// Everybody encrypts who can.
    pub(crate) fn encrypt_everywhere(&mut self, id: &str) {
        for name in ALL {
            let plaintext = format!("{name} {}", self.made.len()).into_bytes();
            if let Ok(sealed) = self.ask(name, "Encrypt", json!({"KeyId": id, "Plaintext": b64(&plaintext)}))
            {
                self.made.push((text(&sealed, "/CiphertextBlob"), plaintext));
            }
        }
    }

    /// All links work, late messages arrive, and enough time passes for everybody to be asked again.
    pub(crate) fn heal(&self) {
        let late = {
            let mut state = self.links.0.lock().unwrap();
            state.cut.clear();
            state.mute.clear();
            state.plan = None;
            std::mem::take(&mut state.late)
        };
        for (from, to, request) in late {
            let service = self.links.service(&to);
            drop(self.rig(from.as_str()).block_on(service.answer_peer(&from, &to, request)));
        }
        for _ in 0..8 {
            self.pass_millis(33_000);
            self.tick();
        }
    }

    /// After healing: one primary, everybody knows the same, every ciphertext opens everywhere.
    pub(crate) fn check(&mut self, id: &str, context: &str) {
        let there: Vec<_> = ALL
            .into_iter()
            .filter(|name| self.ask(name, "DescribeKey", json!({"KeyId": id})).is_ok())
            .collect();
        let known: Vec<_> = there.iter().map(|name| self.metadata(name, id)).collect();
        let regions = &known[0]["MultiRegionConfiguration"];
        let primaries = known
            .iter()
            .filter(|key| key["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY")
            .count();
        assert_eq!(primaries, 1, "{context}: {known:?}");
        for key in &known {
            assert_eq!(key["MultiRegionConfiguration"]["PrimaryKey"], regions["PrimaryKey"], "{context}");
            assert_eq!(key["MultiRegionConfiguration"]["ReplicaKeys"], regions["ReplicaKeys"], "{context}");
            assert_eq!(key["CurrentKeyMaterialId"], known[0]["CurrentKeyMaterialId"], "{context}");
            assert_ne!(key["KeyState"], "Creating", "{context}");
            assert_ne!(key["KeyState"], "Updating", "{context}");
        }
        let listed = 1 + regions["ReplicaKeys"].as_array().unwrap().len();
        assert_eq!(listed, there.len(), "{context}: {known:?}");
        self.encrypt_everywhere(id);
        for name in there {
            if self.metadata(name, id)["Enabled"] == false {
                continue;
            }
            for (sealed, plaintext) in &self.made {
                let opened = self.ok(name, "Decrypt", json!({"CiphertextBlob": sealed}));
                assert_eq!(crate::rig::blob(&opened, "/Plaintext"), *plaintext, "{context} in {name}");
            }
        }
        for (name, rig) in &self.rigs {
            let left = rig.block_on(rig.service.records().page::<()>("region/work/", None, 10)).unwrap().rows;
            assert!(left.is_empty(), "{context}: {name} is not done: {left:?}");
        }
    }

    /// A key with replicas in these Regions, everywhere enabled.
    pub(crate) fn replicated(&self, to: &[&str]) -> String {
        let made = self.ok(HERE, "CreateKey", json!({"MultiRegion": true}));
        let id = text(&made, "/KeyMetadata/KeyId");
        for region in to {
            self.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": region}));
        }
        self.tick();
        for region in to {
            assert_eq!(self.metadata(region, &id)["KeyState"], "Enabled");
        }
        id
    }

    /// Two operators make a Region the primary.
    pub(crate) fn force(&self, name: &str, lost: &str) -> Result<Value, String> {
        let people = [Person::new(), Person::new()];
        let rig = self.rig(name);
        for (who, person) in ["alice", "bob"].iter().zip(&people) {
            operator(rig, name, "AddOperatorKey", json!({"Name": who, "PublicKey": b64(&person.public)}))?;
        }
        let wanted = json!({"What": "ForcePromote", "All": true, "LostRegion": lost});
        let request = operator(rig, name, "RequestConfirmation", wanted)?;
        operator(rig, name, "ForcePromote", signed(&request, &[&people[0], &people[1]]))
    }
}
