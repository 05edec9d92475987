//! Three Regions in processes of their own: each has its own store, keyring and log, and they speak over links that can be
//! cut, and lose, double or delay messages.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use keyreeve_model::error::WireError;
use keyreeve_model::region::Region;
use keyreeve_service::Service;
use keyreeve_service::regions::{PeerAnswer, PeerFault, PeerRequest, Peers};
use serde_json::{Value, json};

use crate::regions::{Person, among_others, operator, region, signed};
use crate::rig::{ACCOUNT, REGION, Rig, b64, id_of, root_of, text};

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

    /// Two Regions hear each other again.
    pub(crate) fn mend(&self, one: &str, other: &str) {
        let mut state = self.0.lock().unwrap();
        state.cut.remove(&(one.to_owned(), other.to_owned()));
        state.cut.remove(&(other.to_owned(), one.to_owned()));
    }

    /// Cuts a Region off, both ways.
    pub(crate) fn isolate(&self, name: &str) {
        for other in ALL.iter().filter(|other| **other != name) {
            self.cut(name, other);
            self.cut(other, name);
        }
    }

    pub(crate) fn names_of_messages(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().sent.iter().map(|(.., name)| *name).collect()
    }

    fn plan(&self, number: usize, fate: Fate) {
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
    /// Ciphertexts that were made, and of what.
    made: Vec<(String, Vec<u8>)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let links = Links::default();
        let rigs: Vec<_> = ALL.iter().map(|name| (*name, Rig::new())).collect();
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
        Self { rigs, links, made: Vec::new() }
    }

    /// A Region is started again, over the rows that it has then.
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

/// What is done with a key while links are cut.
struct Scenario {
    name: &'static str,
    replicas: &'static [&'static str],
    act: fn(&World, &str),
    ticks: usize,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "replicate",
        replicas: &[WEST],
        act: |world, id| {
            world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST}));
        },
        ticks: 3,
    },
    Scenario {
        name: "rotate",
        replicas: &[WEST, EAST],
        act: |world, id| {
            world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
        },
        ticks: 4,
    },
    Scenario {
        name: "promote",
        replicas: &[WEST, EAST],
        act: |world, id| {
            // A lost answer to the first question changes nothing.
            drop(world.ask(HERE, "UpdatePrimaryRegion", json!({"KeyId": id, "PrimaryRegion": WEST})));
        },
        ticks: 4,
    },
    Scenario {
        name: "rotate and promote",
        replicas: &[WEST, EAST],
        act: |world, id| {
            world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
            drop(world.ask(HERE, "UpdatePrimaryRegion", json!({"KeyId": id, "PrimaryRegion": EAST})));
        },
        ticks: 5,
    },
    Scenario {
        name: "delete a replica",
        replicas: &[WEST, EAST],
        act: |world, id| {
            world.ok(EAST, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
            world.pass_millis(7 * 86_400_000);
        },
        ticks: 3,
    },
];

/// One run; answers how many messages there were.
fn run(scenario: &Scenario, plan: Option<(usize, Fate)>) -> usize {
    let mut world = World::new();
    let id = world.replicated(scenario.replicas);
    world.encrypt_everywhere(&id);
    let before = world.links.names_of_messages().len();
    if let Some((number, fate)) = plan {
        world.links.plan(before + number, fate);
    }
    (scenario.act)(&world, &id);
    for _ in 0..scenario.ticks {
        world.tick();
        world.encrypt_everywhere(&id);
    }
    let messages = world.links.names_of_messages().len() - before;
    world.heal();
    world.check(&id, &format!("{} with {plan:?}", scenario.name));
    messages
}

#[test]
fn whatever_happens_to_any_message_everybody_agrees_after_healing() {
    let mut runs = 0;
    for scenario in SCENARIOS {
        let messages = run(scenario, None);
        assert!(messages >= 2, "{}: {messages}", scenario.name);
        for number in 0..messages {
            for fate in [Fate::LoseRequest, Fate::LoseReply, Fate::Twice, Fate::Late] {
                run(scenario, Some((number, fate)));
                runs += 1;
            }
        }
    }
    assert!(runs >= 60, "only {runs} runs");
}

#[test]
fn where_all_links_work_nobody_pulls() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    for _ in 0..4 {
        world.tick();
        world.encrypt_everywhere(&id);
        for (sealed, _) in &world.made {
            for name in ALL {
                world.ok(name, "Decrypt", json!({"CiphertextBlob": sealed}));
            }
        }
    }
    assert!(!world.links.names_of_messages().contains(&"Pull"));
    world.check(&id, "rotation");
}

#[test]
fn a_replica_that_is_away_delays_a_rotation_and_then_pulls_what_it_lacks() {
    let world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    let current = |name: &str| world.metadata(name, &id)["CurrentKeyMaterialId"].clone();
    let before = current(HERE);
    world.links.isolate(EAST);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.tick();
    world.pass_millis(100_000);
    world.tick();
    assert_eq!(current(HERE), before, "it waits for the Region that is away");
    world.pass_millis(30_000);
    world.tick();
    world.tick();
    assert_ne!(current(HERE), before, "but not for ever");
    let sealed =
        world.ok(HERE, "Encrypt", json!({"KeyId": id, "Plaintext": b64("new")}))["CiphertextBlob"].clone();
    let decrypt = || world.ask(EAST, "Decrypt", json!({"CiphertextBlob": sealed}));
    assert_eq!(decrypt().unwrap_err().code, "DependencyTimeoutException");
    world.links.0.lock().unwrap().cut.clear();
    world.links.cut(HERE, EAST);
    world.links.cut(EAST, HERE);
    decrypt().unwrap();
    assert_eq!(current(EAST), before, "it still encrypts as it was told last");
    let made_up =
        text(&world.ok(HERE, "Encrypt", json!({"KeyId": id, "Plaintext": b64("x")})), "/CiphertextBlob");
    let mut bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, made_up).unwrap();
    bytes[20..36].copy_from_slice(&[7; 16]);
    let unknown = json!({"CiphertextBlob": b64(&bytes)});
    assert_eq!(world.ask(EAST, "Decrypt", unknown.clone()).unwrap_err().code, "DependencyTimeoutException");
    world.heal();
    assert_eq!(world.ask(EAST, "Decrypt", unknown.clone()).unwrap_err().code, "InvalidCiphertextException");
    let pulls = || world.links.names_of_messages().iter().filter(|name| **name == "Pull").count();
    let asked = pulls();
    assert!(world.ask(EAST, "Decrypt", unknown).is_err());
    assert_eq!(pulls(), asked, "nobody is asked again for a while");
    assert_eq!(current(EAST), current(HERE));
}

#[test]
fn without_an_answer_the_primary_does_not_begin_to_move() {
    let world = World::new();
    let id = world.replicated(&[WEST]);
    world.links.isolate(WEST);
    let error =
        world.ask(HERE, "UpdatePrimaryRegion", json!({"KeyId": id, "PrimaryRegion": WEST})).unwrap_err();
    assert_eq!(error.code, "KMSInternalException");
    assert_eq!(world.metadata(HERE, &id)["KeyState"], "Enabled");
    assert!(
        world.ask(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": "sa-east-1"})).is_err(),
        "nobody trusts it"
    );
}

#[test]
fn a_lost_primary_is_replaced_and_what_it_alone_had_is_kept() {
    let mut world = World::new();
    let id = world.replicated(&[WEST]);
    world.encrypt_everywhere(&id);
    world.links.isolate(HERE);
    // The lost primary goes on for a while: a rotation, and a replica of which only it knows.
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.tick();
    world.pass_millis(130_000);
    world.tick();
    world.encrypt_everywhere(&id);
    world.links.0.lock().unwrap().cut.clear();
    world.links.cut(HERE, WEST);
    world.links.cut(WEST, HERE);
    world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST}));
    world.pass_millis(40_000);
    world.tick();
    assert_eq!(world.metadata(EAST, &id)["KeyState"], "Enabled");
    world.links.isolate(HERE);
    let forced = world.force(WEST, HERE).unwrap();
    assert_eq!(forced["Keys"].as_array().unwrap().len(), 1);
    world.tick();
    assert_eq!(world.metadata(WEST, &id)["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    world.ok(WEST, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.pass_millis(130_000);
    world.tick();
    world.tick();
    world.encrypt_everywhere(&id);
    world.heal();
    world.check(&id, "forced");
    let regions = &world.metadata(HERE, &id)["MultiRegionConfiguration"];
    assert_eq!(regions["PrimaryKey"]["Region"], WEST);
    assert_eq!(regions["ReplicaKeys"].as_array().unwrap().len(), 2, "{regions}");
}

#[test]
fn two_forced_promotions_of_one_epoch_leave_one_primary() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    for name in ALL {
        world.links.isolate(name);
    }
    for name in [WEST, EAST] {
        world.force(name, HERE).unwrap();
        world.ok(name, "RotateKeyOnDemand", json!({"KeyId": id}));
    }
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.tick();
    world.pass_millis(130_000);
    world.tick();
    world.tick();
    world.encrypt_everywhere(&id);
    world.heal();
    world.check(&id, "forced twice");
}

#[test]
fn a_material_that_only_a_deleted_replica_has_is_taken_in_before_it_goes() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    world.links.isolate(HERE);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.tick();
    world.pass_millis(130_000);
    world.tick();
    world.encrypt_everywhere(&id);
    world.force(WEST, HERE).unwrap();
    world.heal();
    world.links.isolate(HERE);
    world.ok(HERE, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    world.pass_millis(7 * 86_400_000);
    world.heal();
    world.check(&id, "deleted");
    assert!(world.ask(HERE, "DescribeKey", json!({"KeyId": id})).is_err());
    assert_eq!(id_of(&format!("x/{id}")), id);
}
