//! The domain keys get a new epoch every week; what they wrap moves in the background, and nobody notices.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use keyreeve_audit::Place;
use keyreeve_crypto::keyring::{Keyring, Purpose};
use keyreeve_crypto::root_key::{self, NewSlot, RootKey, SlotKind};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_service::catalogue::Api;
use keyreeve_service::premises::{BackupSummary, Premises, PremisesError, Restored};
use keyreeve_service::records::path;
use keyreeve_store::{Commit, CommitId, Store};
use serde_json::{Value, json};

use crate::meddling::Meddling;
use crate::rig::{REGION, Rig, b64, id_of, text};

/// A deployment without files.
#[derive(Debug)]
struct Home {
    root: Arc<RootKey>,
    /// `None` where they cannot be read.
    kinds: Mutex<Option<BTreeSet<SlotKind>>>,
}

fn none() -> PremisesError {
    PremisesError("there are no files".to_owned())
}

impl Premises for Home {
    fn root(&self) -> Arc<RootKey> {
        Arc::clone(&self.root)
    }

    fn slot_kinds(&self) -> Result<BTreeSet<SlotKind>, PremisesError> {
        self.kinds.lock().unwrap().clone().ok_or_else(none)
    }

    fn begin_rotation(&self, _: &[SecretBytes]) -> Result<Arc<RootKey>, PremisesError> {
        Err(none())
    }

    fn settle(&self, _: Arc<RootKey>) -> Result<(), PremisesError> {
        Ok(())
    }

    fn back_up(
        &self,
        _: &Keyring,
        _: &Path,
        _: &mut dyn FnMut(u64, u64),
    ) -> Result<BackupSummary, PremisesError> {
        Err(none())
    }

    fn restored(&self) -> Result<Option<Restored>, PremisesError> {
        Ok(None)
    }

    fn forget_restored(&self) -> Result<(), PremisesError> {
        Err(none())
    }
}

fn home(kinds: &[SlotKind]) -> Arc<Home> {
    let folder = tempfile::TempDir::new().unwrap();
    let key_file = folder.path().join("root.key");
    let root = root_key::create(folder.path(), &[NewSlot::KeyFile(&key_file)]);
    let root = Arc::new(root.unwrap());
    Arc::new(Home { root, kinds: Mutex::new(Some(kinds.iter().copied().collect())) })
}

fn rig_at(home: &Arc<Home>) -> Rig {
    at(home, Rig::new())
}

fn at(home: &Arc<Home>, rig: Rig) -> Rig {
    let wrapped = rig.service.records().keyring().wrap(&home.root).unwrap();
    let place = path::keyring().unwrap();
    let commit = Commit::new(CommitId::new([1; 16])).put(place, wrapped.as_bytes().to_vec());
    let stored = rig.block_on(rig.store.commit(commit)).unwrap();
    rig.at(home.clone(), stored)
}

fn epochs(rig: &Rig) -> Vec<u32> {
    let keyring = rig.service.records().keyring();
    keyring.epochs(Purpose::Domain).map(|epoch| epoch.number).collect()
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// Lets the background work until something is so.
fn tend_until(rig: &Rig, holds: impl Fn() -> bool) {
    rig.block_on(async {
        tokio::select! {
            () = until(holds) => {}
            () = rig.service.tend() => panic!("tending never ends"),
        }
    });
}

fn wrapped_epochs(rig: &Rig) -> BTreeSet<u32> {
    let page = rig.block_on(rig.store.scan("kms/", None, 1000)).unwrap();
    let keyring = rig.service.records().keyring();
    let materials = page.rows.iter().filter(|(path, _)| path.as_str().contains("/material/"));
    let opened = materials.map(|(path, row)| keyring.open_record(path.as_str(), &row.value).unwrap());
    opened.map(|row| keyreeve_crypto::wrap::epoch_of(row.value.expose_secret()).unwrap()).collect()
}

fn records_named(rig: &Rig, name: &str) -> Vec<Value> {
    rig.records_after(Place::default()).into_iter().filter(|record| record["eventName"] == name).collect()
}

#[test]
fn an_epoch_lasts_a_week_and_whatever_was_missed_makes_one_new_one() {
    let rig = rig_at(&home(&[SlotKind::KeyFile]));
    let key = rig.key(json!({}));
    let blob = text(&rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("kept")})), "/CiphertextBlob");
    assert_eq!((epochs(&rig), wrapped_epochs(&rig)), (vec![1], [1].into()));
    for (days, epoch) in [(7, 2), (7, 3), (365, 4)] {
        rig.pass_days(days);
        tend_until(&rig, || epochs(&rig) == [epoch]);
        assert_eq!(wrapped_epochs(&rig), [epoch].into());
        assert_eq!(rig.ok("Decrypt", json!({"CiphertextBlob": blob}))["Plaintext"], b64("kept"));
    }
    // A clock that was a year ahead is set right: one epoch now, not in a year.
    rig.pass_days(-300);
    tend_until(&rig, || epochs(&rig) == [5]);
    assert_eq!(rig.ok("Decrypt", json!({"CiphertextBlob": blob}))["Plaintext"], b64("kept"));
}

#[test]
fn no_cache_is_flushed_by_it() {
    let rig = rig_at(&home(&[SlotKind::KeyFile]));
    let keys: Vec<String> = (0..30).map(|_| rig.key(json!({}))).collect();
    let seal = |key: &String| rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    keys.iter().for_each(|key| drop(seal(key)));
    let before = rig.service.cache_misses();
    rig.pass_days(7);
    tend_until(&rig, || epochs(&rig) == [2]);
    assert_eq!(wrapped_epochs(&rig), [2].into());
    keys.iter().for_each(|key| drop(seal(key)));
    assert_eq!(rig.service.cache_misses(), before);
}

#[test]
fn the_end_of_a_deleted_key_is_told_once_its_last_epoch_is_gone_and_says_what_still_opens_it() {
    let home = home(&[SlotKind::Passphrase]);
    let rig = rig_at(&home);
    // What opens the root key is noted.
    let noted = || {
        rig.store.get(&[path::domain_epochs().unwrap()]).now_or_never().unwrap().unwrap().rows[0].is_some()
    };
    tend_until(&rig, noted);
    let old = rig.key(json!({}));
    let empty = rig.key(json!({"Origin": "EXTERNAL"}));
    rig.pass_days(7);
    tend_until(&rig, || epochs(&rig) == [2]);
    // From now on a key file opens it.
    *home.kinds.lock().unwrap() = Some([SlotKind::KeyFile].into());
    rig.pass_days(7);
    tend_until(&rig, || epochs(&rig) == [3]);
    rig.pass_days(7);
    tend_until(&rig, || epochs(&rig) == [4]);
    let young = rig.key(json!({}));
    for key in [&old, &young, &empty] {
        rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    }
    rig.pass_days(7);
    rig.block_on(rig.service.tend_keys());
    assert_eq!(records_named(&rig, "DeleteKey").len(), 3);
    assert!(records_named(&rig, "KeyDeleted").is_empty());
    let deleted = text(&records_named(&rig, "DeleteKey")[0], "/eventTime");
    tend_until(&rig, || epochs(&rig) == [5] && !records_named(&rig, "KeyDeleted").is_empty());
    let told = records_named(&rig, "KeyDeleted");
    let of =
        |key: &str| told.iter().filter(|record| record["resources"][0]["ARN"] == key).collect::<Vec<_>>();
    let details = |secrets: Value, sentence: &str, key: &str| {
        json!({"keyId": id_of(key), "recoverableWith": secrets, "deletionDate": deleted, "message": format!(
            "The material of the key is gone from this deployment, and so is every domain key that wrapped it. An older \
             copy of the disk, or a backup, together with {sentence} of that time can still recover the key.")})
    };
    let [first] = of(&old)[..] else { panic!("{told:?}") };
    let both = details(json!(["key file", "passphrase"]), "the key file or the passphrase", &old);
    assert_eq!(first["serviceEventDetails"], both);
    assert_eq!((&first["eventSource"], &first["awsRegion"]), (&json!("admin.keyreeve"), &json!(REGION)));
    let [second] = of(&young)[..] else { panic!("{told:?}") };
    assert_eq!(second["serviceEventDetails"], details(json!(["key file"]), "the key file", &young));
    // A key that never had material cannot be recovered, and needs no telling.
    assert_eq!((of(&empty).len(), records_named(&rig, "KeyShredded").len()), (0, 0));
    // Once.
    rig.pass_days(7);
    tend_until(&rig, || epochs(&rig) == [6]);
    assert_eq!(records_named(&rig, "KeyDeleted").len(), 2);
    assert!(rig.block_on(rig.store.scan(path::DELETED_PREFIX, None, 10)).unwrap().rows.is_empty());
}

/// A key that is deleted in the first epoch, which is then over.
fn deleted_in_the_first_epoch(rig: &Rig) {
    let key = rig.key(json!({}));
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    rig.pass_days(7);
    rig.block_on(rig.service.tend_keys());
}

#[test]
fn where_it_is_not_known_what_opened_an_epoch_it_ends_in_time_and_everything_may_have() {
    for damaged in [true, false] {
        let home = home(&[SlotKind::Passphrase]);
        let rig = rig_at(&home);
        if damaged {
            let commit =
                Commit::new(CommitId::new([2; 16])).put(path::domain_epochs().unwrap(), vec![0; 100]);
            rig.block_on(rig.store.commit(commit)).unwrap();
        } else {
            *home.kinds.lock().unwrap() = None;
        }
        deleted_in_the_first_epoch(&rig);
        tend_until(&rig, || epochs(&rig) == [2] && !records_named(&rig, "KeyDeleted").is_empty());
        let told = &records_named(&rig, "KeyDeleted")[0]["serviceEventDetails"];
        assert_eq!(told["recoverableWith"], json!(["key file", "passphrase"]), "{damaged}");
    }
}

#[test]
fn while_the_store_forgets_what_it_held_of_a_deleted_key_nobody_waits_and_it_is_asked_once() {
    let (rig, store) = Meddling::rig();
    let rig = at(&home(&[SlotKind::KeyFile]), rig);
    deleted_in_the_first_epoch(&rig);
    rig.block_on(async {
        let asking = async {
            until(|| store.walks() == 1).await;
            // Whoever asks for something else is answered, and the loop goes round.
            for _ in 0..3 {
                ask_for_root_key(&rig).await;
            }
            assert!(records_named(&rig, "KeyDeleted").is_empty());
            store.let_forget();
            until(|| !records_named(&rig, "KeyDeleted").is_empty()).await;
            assert_eq!(store.walks(), 1);
        };
        tokio::select! {
            asked = tokio::time::timeout(std::time::Duration::from_secs(15), asking) => asked.unwrap(),
            () = rig.service.tend() => panic!("tending never ends"),
        }
    });
}

/// Asks for a new root key, which these premises refuse.
async fn ask_for_root_key(rig: &Rig) {
    let operator = keyreeve_service::caller::Principal::Operator(0);
    let region = keyreeve_model::region::Region::parse(REGION).unwrap();
    let caller = keyreeve_service::caller::Caller::bare(operator, region, uuid::Uuid::new_v4());
    let row = keyreeve_service::catalogue::find(Api::Operator, "RootRotate").unwrap();
    rig.service.call(&caller, row, b"{}").await.unwrap_err();
}
