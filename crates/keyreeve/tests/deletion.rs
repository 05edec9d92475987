//! What is left of a deleted key: nothing in the files; on an older copy of them, with what opened it then, everything.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[expect(dead_code, reason = "each test file uses its part")]
mod house;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use house::{Fixture, House, dev, kms, open, open_by, path};
use keyreeve_audit::{Entry, FrameKind, Place};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_crypto::wrap::epoch_of;
use keyreeve_model::error::{Blame, KmsError};
use keyreeve_model::timestamp::{DAY_MILLIS, Timestamp};
use keyreeve_server::deployment::Secret;
use keyreeve_service::clock::Clock;
use keyreeve_store::{Commit, CommitId};
use serde_json::{Value, json};
use tempfile::TempDir;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;
const MATERIALS: &str = "kms/us-east-1/000000000000/material/";

#[derive(Debug)]
struct TestClock(AtomicI64);

impl TestClock {
    fn at(millis: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(millis)))
    }

    fn pass_days(&self, days: i64) {
        self.0.fetch_add(days * DAY_MILLIS, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

fn passphrase() -> Secret {
    Secret::Passphrase(SecretBytes::from(b"correct horse battery staple".to_vec()))
}

fn ask(house: &House, operation: &str, input: Value) -> Value {
    let answer = house.block_on(kms(house.service(), operation, input));
    answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
}

fn create(house: &House) -> String {
    ask(house, "CreateKey", json!({}))["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

/// The stored bytes of every row below a prefix.
fn rows(house: &House, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let page = house.block_on(house.service().records().store().scan(prefix, None, 1000)).unwrap();
    assert!(!page.more);
    page.rows.into_iter().map(|(path, row)| (path.to_string(), row.value.to_vec())).collect()
}

/// The sealed material of each key, by its id.
fn materials(house: &House) -> BTreeMap<String, Vec<u8>> {
    let rows = rows(house, MATERIALS).into_iter();
    rows.map(|(path, value)| (path[MATERIALS.len()..].split('/').next().unwrap().to_owned(), value)).collect()
}

/// The keys of which any 16 bytes of these values lie in any file of a folder and of those in it.
fn found(folder: &Path, values: &BTreeMap<String, Vec<u8>>) -> BTreeSet<String> {
    const PIECE: usize = 16;
    let mut pieces: HashMap<&[u8], &String> = HashMap::new();
    for (key, value) in values {
        // What comes before says what it is, which other rows say too.
        pieces.extend(value[32..].chunks_exact(PIECE).map(|piece| (piece, key)));
    }
    let mut begins = vec![false; 1 << 16];
    pieces.keys().for_each(|piece| begins[usize::from(u16::from_be_bytes([piece[0], piece[1]]))] = true);
    let (mut keys, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let Ok(bytes) = fs::read(entry.path()) else { continue };
            let mut zeros = 0;
            for at in bytes.windows(PIECE) {
                // Segments of the audit log are made of zeros ahead of time.
                zeros = if at[PIECE - 1] == 0 { zeros + 1 } else { 0 };
                if zeros < PIECE && begins[usize::from(u16::from_be_bytes([at[0], at[1]]))] {
                    keys.extend(pieces.get(at).map(|key| (*key).clone()));
                }
            }
        }
    }
    keys
}

/// The records of this name.
fn records(house: &House, name: &str) -> Vec<Value> {
    let (mut records, mut place) = (Vec::new(), Place(0));
    loop {
        let frames = house.service().audit().read(place, 1 << 20).unwrap();
        let Some(last) = frames.last() else { return records };
        place = last.number;
        let entries = frames.iter().filter(|frame| frame.kind == FrameKind::Entry);
        let entries = entries.map(|frame| Entry::from_payload(&frame.payload).unwrap());
        let events = entries.filter_map(|entry| serde_json::from_slice::<Value>(&entry.event).ok());
        records.extend(events.filter(|event| event["eventName"] == name));
    }
}

fn delete(house: &House, clock: &TestClock, keys: &[String]) {
    for key in keys {
        ask(house, "ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    }
    clock.pass_days(7);
    house.block_on(house.service().tend_keys());
    house.block_on(house.service().forget_deleted_material());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &target),
            kind if kind.is_file() => drop(fs::copy(entry.path(), &target).unwrap()),
            _ => {}
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}

#[test]
fn nothing_of_a_deleted_key_is_left_in_any_file() {
    let folder = TempDir::new().unwrap();
    let data = path(&folder, "data");
    let clock = TestClock::at(START);
    let house = open_by(&data, Secret::KeyFile(None), clock.clone());
    let keys: Vec<String> = (0..60).map(|_| create(&house)).collect();
    for key in &keys {
        ask(
            &house,
            "TagResource",
            json!({"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "b".repeat(200)}]}),
        );
    }
    let values = materials(&house);
    let all: BTreeSet<String> = keys.iter().cloned().collect();
    assert_eq!(found(&data, &values), all, "the scan finds what is there");
    let (kept, gone) = keys.split_at(10);
    delete(&house, &clock, gone);
    let kept: BTreeSet<String> = kept.iter().cloned().collect();
    assert_eq!(found(&data, &values), kept);
    // Also what the domain keys of later epochs replaced, and after a stop.
    house.tended_to_epoch(2);
    house.tended(async {
        while !found(&data, &values).is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(found(&data, &materials(&house)), kept);
    drop(house);
    assert_eq!(found(&data, &values), BTreeSet::new());
}

#[test]
fn the_first_days_disk_with_its_passphrase_gives_a_deleted_key_back_and_the_record_said_so() {
    let folder = TempDir::new().unwrap();
    let (data, first_day) = (path(&folder, "data"), path(&folder, "first-day"));
    let clock = TestClock::at(START);
    let house = open_by(&data, passphrase(), clock.clone());
    let key = create(&house);
    let sealed = ask(&house, "Encrypt", json!({"KeyId": key, "Plaintext": "cGxhaW4="}));
    let blob = json!({"CiphertextBlob": sealed["CiphertextBlob"]});
    let (mut old_rows, other) = (rows(&house, "kms/"), create(&house));
    old_rows.retain(|path, _| path.contains(&key));
    drop(house);
    copy(&data, &first_day);

    let house = open_by(&data, passphrase(), clock.clone());
    for (days, epoch) in [(7, 2), (7, 3)] {
        clock.pass_days(days);
        house.tended_to_epoch(epoch);
    }
    delete(&house, &clock, std::slice::from_ref(&key));
    house.tended_to_epoch(4);
    house.tended(async {
        while records(&house, "KeyDeleted").is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let [told] = &records(&house, "KeyDeleted")[..] else { panic!("one record") };
    let details = &told["serviceEventDetails"];
    assert_eq!((&details["keyId"], &details["recoverableWith"]), (&json!(key), &json!(["passphrase"])));
    let sentence =
        "An older copy of the disk, or a backup, together with the passphrase of that time can still recover";
    assert!(details["message"].as_str().unwrap().contains(sentence), "{details}");
    assert!(records(&house, "KeyShredded").is_empty());

    // On the present disk the key is gone, and rows of the old one put back into it open nothing: their domain key is
    // gone as well.
    let gone = house.block_on(kms(house.service(), "Decrypt", blob.clone()));
    assert_eq!(gone.unwrap_err().wire().blame, Blame::Client);
    let mut commit = Commit::new(CommitId::new([7; 16]));
    for (place, value) in &old_rows {
        commit = commit.put(keyreeve_store::Path::parse(place).unwrap(), value.clone());
    }
    house.block_on(house.service().records().store().commit(commit)).unwrap();
    drop(house);
    let house = open_by(&data, passphrase(), clock.clone());
    assert_eq!(ask(&house, "DescribeKey", json!({"KeyId": key}))["KeyMetadata"]["KeyState"], "Enabled");
    assert_eq!(house.block_on(kms(house.service(), "Decrypt", blob.clone())), Err(KmsError::Internal));
    assert_eq!(ask(&house, "DescribeKey", json!({"KeyId": other}))["KeyMetadata"]["KeyState"], "Enabled");
    drop(house);

    let house = open_by(&first_day, passphrase(), clock);
    assert_eq!(ask(&house, "Decrypt", blob)["Plaintext"], "cGxhaW4=");
}

/// The domain keys that materials are wrapped under.
fn wrapped_under(house: &House) -> BTreeSet<u32> {
    let places = rows(house, MATERIALS).into_keys().map(|place| keyreeve_store::Path::parse(&place).unwrap());
    let read = |place| house.block_on(house.service().records().read_bytes(&place)).unwrap().unwrap();
    places.map(|place| epoch_of(&read(place).value).unwrap()).collect()
}

/// Where a kill fell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fell {
    Before,
    /// Some materials are under the new domain key, and some under the old one.
    Within,
    After,
}

fn fell(house: &House, old: u32) -> Fell {
    let under = wrapped_under(house);
    match (under.contains(&old), under.len()) {
        (true, 1) => Fell::Before,
        (true, _) => Fell::Within,
        (false, _) => Fell::After,
    }
}

/// Each start finds a new domain key due, and the pass over all materials takes a moment. Kills are aimed at it: earlier
/// where the last one came too late, and later where it came too early.
#[test]
fn a_kill_at_any_point_of_an_epochs_change_loses_nothing_and_the_next_start_goes_on() {
    const ROUNDS: usize = 24;
    const WITHIN: usize = 3;
    let folder = TempDir::new().unwrap();
    let data = path(&folder, "data");
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let past = TestClock::at(now - 30 * DAY_MILLIS);
    let house = open_by(&data, Secret::KeyFile(None), past.clone());
    let mut fixtures: Vec<Fixture> = house.furnish(240);
    let mut old = house.domain_epochs()[0];
    drop(house);
    // Two seconds of it are grace.
    let (mut early, mut late) = (Duration::ZERO, Duration::from_secs(4));
    let mut kills = Vec::new();
    while kills.len() < ROUNDS && kills.iter().filter(|fell| **fell == Fell::Within).count() < WITHIN {
        let server = dev(&data, &[]);
        let aim = (early + late) / 2;
        std::thread::sleep(aim);
        server.kill();
        let house = open_by(&data, Secret::KeyFile(None), past.clone());
        house.check(&fixtures);
        let epochs = house.domain_epochs();
        assert!(epochs.len() <= 2, "{epochs:?}");
        let fell = fell(&house, old);
        fixtures.extend(house.furnish(1));
        match fell {
            Fell::Before => early = aim,
            // From another side next time.
            Fell::Within if kills.len().is_multiple_of(2) => (early, late) = (Duration::ZERO, aim),
            Fell::Within => (early, late) = (aim, aim * 2),
            Fell::After => late = aim,
        }
        // No start is as fast as the one before it.
        let slack = Duration::from_millis(20);
        if late < early + slack {
            (early, late) = (early.saturating_sub(slack * 5), late + slack * 5);
        }
        kills.push(fell);
        old = finish(&house, &past);
        house.check(&fixtures);
    }
    assert!(kills.contains(&Fell::Within), "no kill fell inside a pass: {kills:?}");
    assert!(open(&data).domain_epochs()[0] > 2);
}

/// To the end of the change. Answers the domain key that is left.
fn finish(house: &House, past: &TestClock) -> u32 {
    let epochs = house.domain_epochs();
    let mut least = *epochs.last().unwrap();
    let finished = epochs.len() == 1 && least > 1;
    if finished {
        // One that was made now is of the future for the house, which makes another.
        past.pass_days(-8);
        least += 1;
    }
    if finished || epochs.len() > 1 {
        house.tended(async {
            while house.domain_epochs().len() > 1 || house.domain_epochs()[0] < least {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    assert_eq!(wrapped_under(house), house.domain_epochs().into_iter().collect());
    house.domain_epochs()[0]
}

#[test]
fn a_rotation_of_the_root_key_does_not_wait_for_the_domain_keys_and_takes_them_along() {
    let folder = TempDir::new().unwrap();
    let data = path(&folder, "data");
    let clock = TestClock::at(START);
    let house = open_by(&data, Secret::KeyFile(None), clock.clone());
    let fixtures = house.furnish(40);
    clock.pass_days(7);
    let status = house.tended(async {
        while !house.domain_epochs().contains(&2) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let begun = house.deployment.command("RootRotate", &json!({})).await.unwrap();
        assert_eq!((&begun["Generation"], &begun["Resumed"]), (&json!(2), &json!(false)));
        house::settled(&house.deployment, "RootRotationStatus").await
    });
    assert_eq!(status["State"], "Done", "{status}");
    house.tended_to_epoch(3);
    house.check(&fixtures);
    drop(house);
    let house = open_by(&data, Secret::KeyFile(None), clock);
    assert_eq!(house.domain_epochs(), [3]);
    house.check(&fixtures);
}
