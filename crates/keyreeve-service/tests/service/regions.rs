//! Own Regions and others: transport keys, asking, trust, and what two operator keys confirm.

use std::sync::{Arc, Mutex};

use keyreeve_crypto::open_key::{OpenKey, generate};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::region::Region;
use keyreeve_service::RegionRule;
use keyreeve_service::regions::message::hello::{Greeting, Hello};
use keyreeve_service::regions::{
    Confirmation, NoPeers, PUBLIC_KEY_SPEC, PeerAnswer, PeerFault, PeerReply, PeerRequest, Peers,
    RegionCertificate, Signature, Site,
};
use serde_json::{Value, json};

use crate::rig::{REGION, Rig, b64};

pub(crate) fn region(name: &str) -> Region {
    Region::parse(name).unwrap()
}

/// A process that serves one Region and speaks with others.
pub(crate) fn among_others(rig: &Rig, name: &str, peers: Arc<dyn Peers>) {
    let own = region(name);
    let made = RegionCertificate {
        certificate: b"certificate".to_vec(),
        key: SecretBytes::from(b"key".to_vec()),
        pin: pin_of(name),
    };
    let endpoint = Some(format!("https://{name}.example:8443"));
    let site = Site { local: RegionRule::Only(vec![own.clone()]), endpoint };
    let now = rig.service.clock().now();
    rig.block_on(async {
        rig.service.join(site, peers).await.unwrap();
        rig.service.regions().keep_certificate(&own, &made, now).await.unwrap();
    });
}

fn pin_of(name: &str) -> [u8; 32] {
    let mut pin = [0; 32];
    pin.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    pin
}

/// Answers for every Region, and remembers who was asked.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<(String, String)>>);

impl Peers for Recorder {
    fn regions(&self) -> Vec<Region> {
        Vec::new()
    }

    fn ask<'a>(&'a self, from: &'a Region, to: &'a Region, _: &'a PeerRequest) -> PeerAnswer<'a> {
        self.0.lock().unwrap().push((from.to_string(), to.to_string()));
        let now = keyreeve_model::timestamp::Timestamp::from_millis(0);
        let greeting = Greeting { region: to.clone(), now, version: String::new(), identities: None };
        Box::pin(std::future::ready(Ok(PeerReply::Hello(greeting))))
    }
}

/// An operator of the Region; the answer, or the sentence of the refusal.
pub(crate) fn operator(rig: &Rig, name: &str, command: &str, input: Value) -> Result<Value, String> {
    let principal = keyreeve_service::caller::Principal::Operator(0);
    let caller = keyreeve_service::caller::Caller::bare(principal, region(name), uuid::Uuid::new_v4());
    let row = keyreeve_service::catalogue::find(keyreeve_service::catalogue::Api::Operator, command).unwrap();
    match rig.block_on(rig.service.call(&caller, row, input.to_string().as_bytes())) {
        Ok(answer) if answer.is_empty() => Ok(Value::Null),
        Ok(answer) => Ok(serde_json::from_slice(&answer).unwrap()),
        Err(error) => Err(error.wire().message.unwrap_or_else(|| error.wire().code.to_owned())),
    }
}

#[test]
fn each_own_region_has_a_transport_key_that_outlives_restarts() {
    let rig = Rig::new();
    let key = |rig: &Rig, name: &str| {
        let (region, now) = (region(name), rig.service.clock().now());
        rig.block_on(rig.service.regions().transport_key(&region, now)).unwrap()
    };
    let (first, second) = (key(&rig, "eu-central-1"), key(&rig, "eu-west-1"));
    assert_ne!(first.public(), second.public());
    let restarted = rig.restarted();
    assert_eq!(key(&restarted, "eu-central-1").public(), first.public());
    let sealed = second.public().seal(b"b", &SecretBytes::from(b"secret".to_vec())).unwrap();
    assert_eq!(key(&restarted, "eu-west-1").open(b"b", &sealed).unwrap().expose_secret(), b"secret");
    assert!(key(&restarted, "eu-central-1").open(b"b", &sealed).is_err());
}

#[test]
fn a_region_of_the_process_is_asked_directly_and_another_through_its_peers() {
    let rig = Rig::new();
    let (here, beside, away) = (region("eu-central-1"), region("eu-west-1"), region("us-east-1"));
    let recorder = Arc::new(Recorder::default());
    let local = RegionRule::Only(vec![here.clone(), beside.clone()]);
    let site = Site { local, endpoint: None };
    rig.block_on(rig.service.join(site, Arc::clone(&recorder) as Arc<dyn Peers>)).unwrap();
    let hello = PeerRequest::Hello(Hello {});
    let ask = |to: &Region| rig.block_on(rig.service.ask_region(&here, to, &hello));
    let Ok(PeerReply::Hello(greeting)) = ask(&beside) else { panic!("eu-west-1 is here") };
    assert_eq!((greeting.region, greeting.now), (beside, rig.service.clock().now()));
    assert!(recorder.0.lock().unwrap().is_empty());
    let Ok(PeerReply::Hello(greeting)) = ask(&away) else { panic!("us-east-1 answers") };
    assert_eq!(greeting.region, away);
    assert_eq!(*recorder.0.lock().unwrap(), [("eu-central-1".to_owned(), "us-east-1".to_owned())]);
    assert_eq!(rig.service.regions().last_contact(&away), Some(rig.service.clock().now()));
    assert!(matches!(ask(&here), Err(PeerFault::Unreachable(_))), "nobody asks himself");
    let answer = rig.block_on(rig.service.answer_peer(&here, &away, hello.clone()));
    assert!(matches!(answer, Err(PeerFault::Unreachable(_))), "us-east-1 is not here");
}

#[test]
fn trust_is_stored_counts_at_once_and_has_one_home() {
    let (rig, other) = (Rig::new(), Rig::new());
    among_others(&rig, "eu-central-1", Arc::new(NoPeers));
    among_others(&other, "eu-west-1", Arc::new(NoPeers));
    let made = operator(&other, "eu-west-1", "InitRegion", json!({})).unwrap();
    let trust = |introduction: &Value, fingerprint: &Value, home: bool| {
        let input =
            json!({"Introduction": introduction.to_string(), "Fingerprint": fingerprint, "Home": home});
        operator(&rig, "eu-central-1", "TrustRegion", input)
    };
    let refused = trust(&made["Introduction"], &json!("0000-0000"), false).unwrap_err();
    assert!(refused.contains("not the one that you compared"), "{refused}");
    assert_eq!(rig.service.regions().peer_with_pin(&pin_of("eu-west-1")), None);
    trust(&made["Introduction"], &made["Fingerprint"], true).unwrap();
    let peer = rig.service.regions().peer_with_pin(&pin_of("eu-west-1")).unwrap();
    assert_eq!((peer.region.as_str(), peer.home), ("eu-west-1", true));
    let now = rig.service.clock().now();
    let there = other.block_on(other.service.regions().transport_key(&region("eu-west-1"), now)).unwrap();
    let known = rig.block_on(rig.service.regions().transport_public_key(&region("eu-west-1"), now)).unwrap();
    assert_eq!(&known, there.public());

    let third = Rig::new();
    among_others(&third, "us-east-1", Arc::new(NoPeers));
    let third = operator(&third, "us-east-1", "InitRegion", json!({})).unwrap();
    let named = trust(&third["Introduction"], &third["Fingerprint"], true).unwrap();
    assert_eq!((&named["Home"], &named["FormerHome"]), (&json!(true), &json!("eu-west-1")));
    let peer = std::sync::Arc::new(keyreeve_service::regions::Peer { home: false, ..(*peer).clone() });

    let restarted = rig.restarted();
    among_others(&restarted, "eu-central-1", Arc::new(NoPeers));
    assert_eq!(restarted.service.regions().peer_with_pin(&pin_of("eu-west-1")), Some(peer));
    assert_eq!(homes(&restarted), ["us-east-1"]);
    operator(&restarted, "eu-central-1", "UntrustRegion", json!({"Region": "eu-west-1"})).unwrap();
    assert_eq!(restarted.service.regions().peer_with_pin(&pin_of("eu-west-1")), None);
    assert!(
        restarted
            .block_on(restarted.service.regions().transport_public_key(&region("eu-west-1"), now))
            .is_err()
    );
}

/// The Regions that are marked as the home.
fn homes(rig: &Rig) -> Vec<String> {
    let trusted = rig.service.regions().trusted();
    trusted.iter().filter(|peer| peer.home).map(|peer| peer.region.to_string()).collect()
}

#[test]
fn a_home_stays_one_when_it_is_trusted_again_and_is_untrusted_only_after_another_was_named() {
    let (rig, other, third) = (Rig::new(), Rig::new(), Rig::new());
    among_others(&rig, "eu-central-1", Arc::new(NoPeers));
    among_others(&other, "eu-west-1", Arc::new(NoPeers));
    among_others(&third, "us-east-1", Arc::new(NoPeers));
    let trust = |made: &Value, home: Option<bool>| {
        let input =
            json!({"Introduction": made["Introduction"].to_string(), "Fingerprint": made["Fingerprint"]});
        let home = home.map_or(json!({}), |home| json!({"Home": home}));
        let input: serde_json::Map<_, _> = [input, home]
            .iter()
            .filter_map(Value::as_object)
            .flatten()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        operator(&rig, "eu-central-1", "TrustRegion", Value::Object(input)).unwrap()
    };
    let untrust = |name: &str| operator(&rig, "eu-central-1", "UntrustRegion", json!({"Region": name}));
    let made = operator(&other, "eu-west-1", "InitRegion", json!({})).unwrap();
    assert_eq!(trust(&made, Some(true))["Home"], true);
    for home in [None, Some(false)] {
        assert_eq!(trust(&made, home)["Home"], true, "{home:?}");
        assert_eq!(homes(&rig), ["eu-west-1"]);
    }
    let refused = untrust("eu-west-1").unwrap_err();
    assert!(refused.contains("--home") && refused.contains("home-request --lost eu-west-1"), "{refused}");
    assert_eq!(homes(&rig), ["eu-west-1"]);
    let restarted = rig.restarted();
    among_others(&restarted, "eu-central-1", Arc::new(NoPeers));
    assert_eq!(homes(&restarted), ["eu-west-1"]);

    let named = operator(&third, "us-east-1", "InitRegion", json!({})).unwrap();
    assert_eq!(trust(&named, None)["Home"], false);
    assert_eq!(trust(&named, Some(true))["FormerHome"], "eu-west-1");
    assert_eq!(homes(&rig), ["us-east-1"]);
    untrust("eu-west-1").unwrap();
    untrust("us-east-1").unwrap_err();
}

#[test]
fn without_an_endpoint_there_is_nothing_to_introduce_or_trust() {
    let rig = Rig::new();
    for (command, input) in
        [("InitRegion", json!({})), ("TrustRegion", json!({"Introduction": "{}", "Fingerprint": "0"}))]
    {
        let refused = operator(&rig, REGION, command, input).unwrap_err();
        assert!(refused.contains("set region.listen and region.endpoint"), "{refused}");
    }
}

/// An operator with a key.
pub(crate) struct Person {
    material: KeyMaterial,
    pub(crate) public: Vec<u8>,
}

impl Person {
    pub(crate) fn new() -> Self {
        let material = generate(PUBLIC_KEY_SPEC).unwrap();
        let public = OpenKey::open(PUBLIC_KEY_SPEC, &material).unwrap().public_key().unwrap().to_vec();
        Self { material, public }
    }

    fn sign(&self, request: &Value) -> Signature {
        Confirmation::parse(&request.to_string()).unwrap().sign(&self.material).unwrap()
    }
}

/// What two people, or fewer, signed.
pub(crate) fn signed(request: &Value, people: &[&Person]) -> Value {
    let signatures: Vec<_> = people.iter().map(|person| person.sign(request)).collect();
    json!({"Request": request.to_string(), "Signatures": signatures})
}

#[test]
fn a_confirmed_request_counts_within_its_hour_here_and_once() {
    let rig = Rig::new();
    let people = [Person::new(), Person::new(), Person::new()];
    let [alice, bob, carol] = &people;
    let run = |command: &str, input: Value| operator(&rig, REGION, command, input);
    for (name, person) in [("alice", alice), ("bob", bob)] {
        run("AddOperatorKey", json!({"Name": name, "PublicKey": b64(&person.public)})).unwrap();
    }
    let wanted = json!({"What": "AddOperatorKey", "Name": "carol", "PublicKey": b64(&carol.public)});
    let request = run("RequestConfirmation", wanted.clone()).unwrap();
    let refusals = [
        (signed(&request, &[]), "0 of 2"),
        (signed(&request, &[alice, alice]), "1 of 2"),
        (signed(&request, &[alice, carol]), "not the fingerprint of a registered operator key"),
        (json!({"Name": "carol", "PublicKey": b64(&carol.public)}), "two of them must sign"),
    ];
    for (input, why) in refusals {
        let refused = run("AddOperatorKey", input).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    // Every member is signed.
    for (member, value) in
        [("region", json!("eu-west-1")), ("deployment", json!("0")), ("nonce", json!("0".repeat(32)))]
    {
        let mut forged = request.clone();
        forged[member] = value;
        let mut input = signed(&request, &[alice, bob]);
        input["Request"] = json!(forged.to_string());
        run("AddOperatorKey", input).unwrap_err();
    }
    let (added, records) = rig.recorded(|| run("AddOperatorKey", signed(&request, &[bob, alice])));
    let added = added.unwrap();
    let named =
        |value: &Value| value.as_array().unwrap().iter().map(|who| who.to_string()).collect::<Vec<_>>();
    assert_eq!(named(&added["ConfirmedBy"]).len(), 2);
    let record = records.iter().find(|record| record["eventName"] == "AddOperatorKey").unwrap();
    let confirmed = named(&record["responseElements"]["confirmedBy"]).join(" ");
    assert!(confirmed.contains("alice") && confirmed.contains("bob"), "{record:#}");
    let refused = run("AddOperatorKey", signed(&request, &[alice, bob])).unwrap_err();
    assert!(refused.contains("carried out already"), "{refused}");

    let removal = json!({"What": "RemoveOperatorKey", "Fingerprint": added["Fingerprint"]});
    let late = run("RequestConfirmation", removal.clone()).unwrap();
    rig.pass_millis(3_600_000);
    let refused = run("RemoveOperatorKey", signed(&late, &[alice, bob])).unwrap_err();
    assert!(refused.contains("print another one"), "{refused}");
    let request = run("RequestConfirmation", removal).unwrap();
    let refused = run("ForcePromote", signed(&request, &[alice, bob])).unwrap_err();
    assert!(refused.contains("one to remove an operator key"), "{refused}");
    run("RemoveOperatorKey", signed(&request, &[alice, carol])).unwrap();
    let keys = run("ListOperatorKeys", json!({})).unwrap();
    assert_eq!(keys["OperatorKeys"].as_array().unwrap().len(), 2);
}

#[test]
fn a_request_of_another_deployment_of_the_same_name_is_refused() {
    let people = [Person::new(), Person::new()];
    let rigs = [Rig::new(), Rig::new()];
    for rig in &rigs {
        for (name, person) in ["alice", "bob"].iter().zip(&people) {
            operator(rig, REGION, "AddOperatorKey", json!({"Name": name, "PublicKey": b64(&person.public)}))
                .unwrap();
        }
    }
    let wanted = json!({"What": "ForcePromote", "All": true, "LostRegion": "ap-south-1"});
    let request = operator(&rigs[0], REGION, "RequestConfirmation", wanted).unwrap();
    let input = signed(&request, &[&people[0], &people[1]]);
    let refused = operator(&rigs[1], REGION, "ForcePromote", input).unwrap_err();
    assert!(refused.contains("for another deployment"), "{refused}");
}
