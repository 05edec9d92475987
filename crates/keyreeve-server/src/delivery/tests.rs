//! Deliveries to a folder, through restarts, kills between any two writes, and outages: every record once, and chains of
//! digests that hold.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use flate2::read::GzDecoder;
use keyreeve_audit::{Entry, Journal};
use keyreeve_crypto::digest::sha256;
use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::ServiceParts;
use keyreeve_service::caller::{Caller, Principal};
use keyreeve_service::catalogue::{Api, find};
use keyreeve_service::clock::Clock;
use keyreeve_store::MemoryStore;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::*;

const ACCOUNT: &str = "111122223333";
const HOME: &str = "eu-central-1";
/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;
const GATHER: i64 = 300;
const HOUR: i64 = 3600;

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Rig {
    service: Arc<Service>,
    clock: Arc<TestClock>,
    runtime: Runtime,
    folder: tempfile::TempDir,
    deliveries: Deliveries,
    numbers: std::cell::Cell<u32>,
}

impl Rig {
    fn new() -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(START * 1000)));
        let parts = ServiceParts {
            store: Arc::new(MemoryStore::new()),
            keyring: Keyring::generate(clock.now()).unwrap(),
            clock: clock.clone(),
            audit: Arc::new(Journal::ephemeral().unwrap()),
        };
        let (service, folder) = (Arc::new(Service::new(parts)), tempfile::tempdir().unwrap());
        let destinations =
            Destinations::new([], &(clock.clone() as _)).unwrap().or_below(&folder.path().join("b"));
        let pace = Pace { gather: Duration::from_secs(300), file_bytes: 4000, ..Pace::default() };
        let deliveries = Deliveries::new(Arc::clone(&service), destinations, pace);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { service, clock, runtime, folder, deliveries, numbers: 0.into() }
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn call(&self, operation: &str, body: Value) -> Value {
        let principal = Principal::Root(AccountId::parse(ACCOUNT).unwrap());
        let caller = Caller::bare(principal, Region::parse(HOME).unwrap(), Uuid::from_u128(1));
        let row = find(Api::CloudTrail, operation).unwrap();
        let body = body.to_string();
        let answer = self.runtime.block_on(self.service.call(&caller, row, body.as_bytes()));
        serde_json::from_slice(&answer.unwrap_or_else(|error| panic!("{operation}: {error}"))).unwrap()
    }

    /// A trail that logs; its own records and those of everything else are of other accounts here.
    fn logging(&self, more: Value) -> Job {
        let mut body = json!({"Name": "ledger", "S3BucketName": "audit", "EnableLogFileValidation": true});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call("CreateTrail", body);
        self.call("StartLogging", json!({"Name": "ledger"}));
        self.job()
    }

    /// The delivery as a process has it that has just started.
    fn job(&self) -> Job {
        let due = self.runtime.block_on(self.deliveries.due()).unwrap();
        let home = Region::parse(HOME).unwrap();
        let ledger = TrailId { account: AccountId::parse(ACCOUNT).unwrap(), home, name: "ledger".to_owned() };
        assert!(due.is_empty() || due == [ledger.clone()]);
        self.deliveries.job(ledger)
    }

    fn entry(&self, number: u32, region: &str) -> Entry {
        let time = self.clock.now();
        let event = json!({"eventID": number, "eventSource": "kms.amazonaws.com", "awsRegion": region});
        Entry {
            id: Uuid::from_u128(u128::from(number) + 1000),
            time,
            account: AccountId::parse(ACCOUNT).unwrap(),
            region: Region::parse(region).unwrap(),
            event: event.to_string().into_bytes(),
            rows: Vec::new(),
        }
    }

    fn append(&self, entry: Entry) {
        self.runtime.block_on(self.service.audit().append(vec![entry])).unwrap();
    }

    /// Appends this many records of a Region, a second apart.
    fn records(&self, count: u32, region: &str) {
        for _ in 0..count {
            let number = self.numbers.replace(self.numbers.get() + 1);
            self.append(self.entry(number, region));
            self.pass(1);
        }
    }

    fn step(&self, job: &mut Job) -> Step {
        self.runtime.block_on(job.step())
    }

    /// Steps until nothing is to do; how many steps did something.
    fn settle(&self, job: &mut Job) -> usize {
        let mut steps = 0;
        while self.step(job) == Step::Worked {
            steps += 1;
            assert!(steps < 500);
        }
        steps
    }

    fn bucket(&self) -> PathBuf {
        self.folder.path().join("b/audit")
    }

    fn objects(&self, kind: &str) -> BTreeMap<String, Value> {
        let mut found = BTreeMap::new();
        collect(&self.bucket(), &self.bucket(), &mut found);
        found.retain(|name, _| name.contains(&format!("/{kind}/")) && name.ends_with(".json.gz"));
        found
            .into_iter()
            .map(|(name, bytes)| (name, serde_json::from_slice(&opened(&bytes)).unwrap()))
            .collect()
    }

    /// The numbers of all records that were delivered, except those that calls of CloudTrail itself left.
    fn delivered(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self
            .objects("CloudTrail")
            .values()
            .flat_map(|file| file["Records"].as_array().unwrap().clone())
            .filter_map(|record| record["eventID"].as_u64())
            .collect();
        numbers.sort_unstable();
        numbers
    }

    fn every_record_once(&self) {
        assert_eq!(self.delivered(), (0..u64::from(self.numbers.get())).collect::<Vec<_>>());
    }

    /// Holds the chain of a Region from its newest digest to its beginning; how many digests and log files it has.
    fn chain(&self, region: &str) -> (usize, usize) {
        let digests = self.objects("CloudTrail-Digest");
        let of: Vec<_> = digests.iter().filter(|(name, _)| name.contains(&format!("/{region}/"))).collect();
        let (mut listed, mut before): (usize, Option<&Value>) = (0, None);
        for (name, digest) in &of {
            assert_eq!(digest["digestS3Object"], name.as_str());
            self.signature_holds(name, digest);
            match before {
                None => assert_eq!(digest["previousDigestSignature"], Value::Null, "{name}"),
                Some(before) => {
                    let object = before["digestS3Object"].as_str().unwrap();
                    assert_eq!(digest["previousDigestS3Object"], object, "{name}");
                    assert_eq!(digest["previousDigestHashValue"], hex::encode(sha256(&self.body(object))));
                    assert_eq!(digest["previousDigestSignature"], self.metadata(object)["signature"]);
                    assert_eq!(digest["digestStartTime"], before["digestEndTime"]);
                }
            }
            for log in digest["logFiles"].as_array().unwrap() {
                assert_eq!(
                    log["hashValue"],
                    hex::encode(sha256(&self.body(log["s3Object"].as_str().unwrap())))
                );
                listed += 1;
            }
            before = Some(digest);
        }
        (of.len(), listed)
    }

    fn body(&self, object: &str) -> Vec<u8> {
        opened(&std::fs::read(self.bucket().join(object)).unwrap())
    }

    fn metadata(&self, object: &str) -> Value {
        let path = self.bucket().join(format!("{object}.metadata.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn signature_holds(&self, object: &str, digest: &Value) {
        let key = self.runtime.block_on(self.service.signing_key()).unwrap();
        let before = digest["previousDigestSignature"].as_str().unwrap_or("null");
        let end = digest["digestEndTime"].as_str().unwrap();
        let text = format!("{end}\naudit/{object}\n{}\n{before}", hex::encode(sha256(&self.body(object))));
        let metadata = self.metadata(object);
        assert_eq!(metadata["signature"], hex::encode(key.sign(text.as_bytes()).unwrap()), "{object}");
        assert_eq!(metadata["signature-algorithm"], "SHA256withRSA");
    }

    /// In the way of the bucket's folder stands a file.
    fn bucket_goes(&self) {
        let kept = self.folder.path().join("kept");
        if self.bucket().exists() {
            std::fs::rename(self.bucket(), kept).unwrap();
        }
        std::fs::create_dir_all(self.folder.path().join("b")).unwrap();
        std::fs::write(self.bucket(), b"in the way").unwrap();
    }

    fn bucket_comes_back(&self) {
        std::fs::remove_file(self.bucket()).unwrap();
        let kept = self.folder.path().join("kept");
        if kept.exists() {
            std::fs::rename(kept, self.bucket()).unwrap();
        }
    }

    fn status(&self) -> Value {
        self.call("GetTrailStatus", json!({"Name": "ledger"}))
    }
}

fn opened(gzip: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut body).unwrap();
    body
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        assert!(path.extension().is_none_or(|extension| extension != "part"), "{path:?}");
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn records_wait_for_others_and_are_then_delivered() {
    let rig = Rig::new();
    let mut job = rig.logging(json!({}));
    rig.records(3, HOME);
    rig.settle(&mut job);
    assert!(rig.delivered().is_empty());
    rig.pass(GATHER);
    rig.settle(&mut job);
    rig.every_record_once();
    assert_eq!(rig.objects("CloudTrail").len(), 1);
    let status = rig.status();
    assert_eq!(status["LatestDeliveryTime"], START + 3 + GATHER);
    // Many bytes wait for nobody.
    rig.records(60, HOME);
    rig.settle(&mut job);
    assert_eq!(rig.objects("CloudTrail").len(), 2);
}

#[test]
fn a_chain_begins_at_once_and_goes_on_each_hour_also_the_empty_ones() {
    let rig = Rig::new();
    let mut job = rig.logging(json!({}));
    rig.settle(&mut job);
    let (_, first) = rig.objects("CloudTrail-Digest").pop_first().unwrap();
    assert_eq!(first["digestStartTime"], "2025-12-31T23:00:00Z");
    assert_eq!(first["digestEndTime"], "2026-01-01T00:00:00Z");
    rig.records(2, HOME);
    rig.pass(HOUR);
    rig.settle(&mut job);
    assert_eq!(rig.chain(HOME), (2, 1));
    rig.pass(2 * HOUR);
    rig.settle(&mut job);
    assert_eq!(rig.chain(HOME), (4, 1));
    // A long pause is one digest.
    rig.pass(1000 * HOUR);
    rig.settle(&mut job);
    assert_eq!(rig.chain(HOME), (5, 1));
    assert_eq!(rig.status()["LatestDigestDeliveryTime"], START + 2 + 1003 * HOUR);
}

#[test]
fn the_end_delivers_the_rest_and_a_last_digest_and_a_new_beginning_another_chain() {
    let rig = Rig::new();
    let mut job = rig.logging(json!({}));
    rig.records(2, HOME);
    rig.settle(&mut job);
    rig.call("StopLogging", json!({"Name": "ledger"}));
    rig.pass(10);
    // Not delivered: it is of after the end.
    rig.append(rig.entry(77, HOME));
    while rig.step(&mut job) != Step::Over {}
    rig.every_record_once();
    assert_eq!(rig.chain(HOME), (2, 1));
    rig.pass(HOUR);
    let mut job = rig.job();
    assert_eq!(rig.step(&mut job), Step::Over);
    rig.call("StartLogging", json!({"Name": "ledger"}));
    rig.records(1, HOME);
    rig.pass(GATHER);
    let mut job = rig.job();
    rig.settle(&mut job);
    rig.every_record_once();
    let digests = rig.objects("CloudTrail-Digest");
    let beginnings = digests.values().filter(|digest| digest["previousDigestSignature"].is_null());
    assert_eq!((digests.len(), beginnings.count()), (3, 2));
}

#[test]
fn a_deleted_trail_delivers_what_it_owes() {
    let rig = Rig::new();
    let mut job = rig.logging(json!({}));
    rig.records(2, HOME);
    rig.settle(&mut job);
    rig.call("DeleteTrail", json!({"Name": "ledger"}));
    rig.pass(10);
    while rig.step(&mut job) != Step::Over {}
    rig.every_record_once();
    assert_eq!(rig.chain(HOME), (2, 1));
    let left = rig.runtime.block_on(rig.service.trails().deliveries()).unwrap();
    assert!(left.is_empty());
}

#[test]
fn a_trail_delivers_its_region_or_all_of_them_and_no_other_account() {
    for (multi, expected) in [(false, vec![HOME]), (true, vec![HOME, "us-west-2"])] {
        let rig = Rig::new();
        let mut job = rig.logging(json!({"IsMultiRegionTrail": multi}));
        rig.records(1, HOME);
        rig.append(rig.entry(50, "us-west-2"));
        rig.append(Entry { account: AccountId::parse("444455556666").unwrap(), ..rig.entry(51, HOME) });
        rig.append(Entry { event: Vec::new(), ..rig.entry(52, HOME) });
        rig.pass(GATHER);
        rig.settle(&mut job);
        let regions: Vec<String> =
            rig.objects("CloudTrail").keys().map(|name| name.split('/').nth(3).unwrap().to_owned()).collect();
        assert_eq!(regions, expected);
        assert_eq!(rig.delivered(), if multi { vec![0, 50] } else { vec![0] });
        assert!(expected.iter().all(|region| rig.chain(region).0 > 0));
        if multi {
            rig.pass(HOUR);
            rig.settle(&mut job);
            assert_eq!((rig.chain(HOME), rig.chain("us-west-2")), ((2, 1), (2, 1)));
        }
    }
}

#[test]
fn records_of_global_services_are_delivered_where_they_are_asked_for() {
    for (wanted, expected) in [(true, vec![9]), (false, vec![])] {
        let rig = Rig::new();
        let mut job = rig.logging(json!({"IncludeGlobalServiceEvents": wanted}));
        let event = br#"{"eventID":9,"eventSource":"iam.amazonaws.com"}"#.to_vec();
        rig.append(Entry { event, ..rig.entry(9, "us-east-1") });
        rig.pass(GATHER);
        rig.settle(&mut job);
        assert_eq!(rig.delivered(), expected);
    }
}

#[test]
fn an_entry_that_the_log_holds_twice_is_delivered_once() {
    let rig = Rig::new();
    let mut job = rig.logging(json!({}));
    rig.records(3, HOME);
    rig.append(rig.entry(1, HOME));
    rig.pass(GATHER);
    rig.settle(&mut job);
    // Also in a later file, and after a restart.
    rig.append(rig.entry(2, HOME));
    rig.records(1, HOME);
    rig.pass(GATHER);
    let mut job = rig.job();
    rig.settle(&mut job);
    rig.every_record_once();
}

/// A process that is killed after each step, with and without its last put being remembered, and an outage at any time.
#[test]
fn kills_between_steps_lose_and_double_nothing() {
    let rig = Rig::new();
    drop(rig.logging(json!({"IsMultiRegionTrail": true})));
    for round in 0..12 {
        rig.records(7, HOME);
        rig.records(3, "us-west-2");
        rig.pass(if round % 4 == 3 { HOUR } else { GATHER });
        // Each step in a process of its own.
        while rig.step(&mut rig.job()) == Step::Worked {}
    }
    rig.every_record_once();
    rig.pass(HOUR);
    while rig.step(&mut rig.job()) == Step::Worked {}
    let files = rig.objects("CloudTrail").len();
    assert_eq!(rig.chain(HOME).1 + rig.chain("us-west-2").1, files);
}

#[test]
fn a_put_that_the_store_did_not_learn_of_is_repeated_in_its_own_place() {
    let rig = Rig::new();
    let mut job = rig.logging(json!({}));
    rig.settle(&mut job);
    rig.records(3, HOME);
    rig.pass(GATHER);
    let trails = rig.service.trails();
    // Up to where the file is fixed, and no further.
    let fixed = loop {
        assert_eq!(rig.step(&mut job), Step::Worked);
        let found = rig.runtime.block_on(trails.delivery(&rig.job_id())).unwrap().unwrap();
        if found.value.pending.is_some() {
            break found.value;
        }
    };
    assert_eq!(rig.step(&mut job), Step::Worked);
    let names: Vec<String> = rig.objects("CloudTrail").into_keys().collect();
    // The process died before the store learnt of it, and time went on.
    let found = rig.runtime.block_on(trails.delivery(&rig.job_id())).unwrap().unwrap();
    rig.runtime.block_on(trails.put_delivery(Some(found.stamp), &fixed)).unwrap();
    rig.records(2, HOME);
    rig.pass(HOUR);
    rig.settle(&mut rig.job());
    rig.every_record_once();
    assert_eq!(rig.objects("CloudTrail").len(), names.len() + 1);
}

#[test]
fn a_bucket_that_is_away_gets_everything_when_it_is_back() {
    let rig = Rig::new();
    let mut job = rig.logging(json!({}));
    rig.records(2, HOME);
    rig.pass(GATHER);
    rig.settle(&mut job);
    rig.bucket_goes();
    for _ in 0..5 {
        rig.records(40, HOME);
        rig.pass(HOUR);
        while rig.step(&mut job) == Step::Worked {}
        assert_eq!(rig.step(&mut job), Step::Failed);
        job = rig.job();
    }
    let status = rig.status();
    // Tenants are told a code, operators where.
    assert_eq!(status["LatestDeliveryError"], "InternalError", "{status}");
    let backlog = rig.deliveries.backlogs().all().pop().unwrap().1;
    assert!(backlog.frames >= 200 && backlog.error.is_some(), "{backlog:?}");
    let metrics = crate::observe::Metrics::new();
    metrics.delivered(Arc::clone(&rig.service), rig.deliveries.backlogs().clone());
    let shown = |line: &str| metrics.encode().unwrap().contains(line);
    let label = format!("{{trail=\"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/ledger\"}}");
    assert!(shown(&format!("keyreeve_delivery_failing{label} 1")));
    assert!(!shown(&format!("keyreeve_delivery_backlog{label} 0")));
    rig.bucket_comes_back();
    rig.settle(&mut job);
    rig.every_record_once();
    assert!(shown(&format!("keyreeve_delivery_failing{label} 0")));
    let (digests, listed) = rig.chain(HOME);
    assert!(digests > 5, "{digests}");
    assert!(listed <= rig.objects("CloudTrail").len());
    rig.pass(HOUR);
    rig.settle(&mut job);
    assert_eq!(rig.chain(HOME).1, rig.objects("CloudTrail").len());
    let status = rig.status();
    assert_eq!(
        (status.get("LatestDeliveryError"), status.get("LatestDigestDeliveryError")),
        (None, None),
        "{status}"
    );
    let backlog = rig.deliveries.backlogs().all().pop().unwrap().1;
    assert_eq!((backlog.frames, backlog.error), (0, None));
    assert!(shown(&format!("keyreeve_delivery_backlog_age_seconds{label} 0")));
    assert!(shown(&format!("keyreeve_delivery_backlog{label} 0")));
}

#[test]
fn a_trail_that_is_changed_delivers_as_it_is_now() {
    let rig = Rig::new();
    let mut job = rig.logging(json!({}));
    rig.settle(&mut job);
    rig.call(
        "UpdateTrail",
        json!({"Name": "ledger", "S3KeyPrefix": "moved", "EnableLogFileValidation": false}),
    );
    rig.records(1, HOME);
    rig.pass(GATHER);
    rig.settle(&mut job);
    rig.every_record_once();
    assert!(rig.objects("CloudTrail").keys().all(|name| name.starts_with("moved/AWSLogs/")));
    let digests = rig.objects("CloudTrail-Digest").len();
    rig.pass(2 * HOUR);
    rig.settle(&mut job);
    assert_eq!(rig.objects("CloudTrail-Digest").len(), digests);
    rig.call("UpdateTrail", json!({"Name": "ledger", "EnableLogFileValidation": true}));
    rig.settle(&mut job);
    assert_eq!(rig.objects("CloudTrail-Digest").len(), digests + 1);
}

impl Rig {
    fn job_id(&self) -> TrailId {
        let mut due = self.runtime.block_on(self.deliveries.due()).unwrap();
        due.pop().unwrap()
    }
}
