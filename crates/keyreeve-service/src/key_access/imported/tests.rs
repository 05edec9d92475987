//! What imports, deletions and time make of a key, without a store.

use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::arn::KeyRef;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::multi_region::MultiRegion;
use keyreeve_model::region::Region;
use keyreeve_model::rotation::RotationType;
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn arn() -> KeyArn {
    match KeyRef::parse(KEY) {
        Ok(KeyRef::Arn(arn)) => arn,
        other => panic!("{other:?}"),
    }
}

fn fresh(spec: KeySpec, usage: KeyUsage) -> KeyAndHistory {
    KeyAndHistory {
        record: KeyRecord::new(spec, usage, Origin::External, NOW),
        history: MaterialHistory::default(),
    }
}

fn symmetric() -> KeyAndHistory {
    fresh(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt)
}

fn id(number: u8) -> MaterialId {
    MaterialId::new([number; 32])
}

fn terms() -> ImportTerms {
    ImportTerms { kind: None, expected: None, valid_to: None, description: None }
}

fn new() -> ImportTerms {
    ImportTerms { kind: Some(ImportType::NewKeyMaterial), ..terms() }
}

impl KeyAndHistory {
    fn take(&mut self, number: u8, terms: &ImportTerms) -> Result<bool, KmsError> {
        self.import(&arn(), &MaterialIdentity::Id(id(number)), terms, NOW)
    }

    /// As a rotation does.
    fn rotate(&mut self) {
        let Some(pending) = self.record.pending_material.take() else { return };
        self.record.current_material = Some(pending);
        self.history.find_mut(Some(&pending)).unwrap().rotated = Some((NOW, RotationType::OnDemand));
        refresh(&mut self.record, &self.history);
    }

    fn shape(&self) -> (KeyState, Option<MaterialId>, Option<MaterialId>, Option<Timestamp>) {
        let record = &self.record;
        (record.state, record.current_material, record.pending_material, record.material_expiry)
    }
}

#[test]
fn the_first_material_is_current_and_the_second_waits() {
    let mut key = symmetric();
    assert_eq!(key.take(1, &terms()), Ok(true));
    assert_eq!(key.shape(), (KeyState::Enabled, Some(id(1)), None, None));
    let soon = Some(NOW.plus_days(1));
    assert_eq!(key.take(2, &ImportTerms { valid_to: soon, ..new() }), Ok(true));
    assert_eq!(
        key.shape(),
        (KeyState::Enabled, Some(id(1)), Some(id(2)), None),
        "its expiry does not strike"
    );
    let pending = KmsError::MaterialPending { key: arn(), new_and_pending: Box::new((id(3), id(2))) };
    assert_eq!(key.take(3, &new()), Err(pending));
    // What makes it current calls `refresh`: then its expiry counts.
    key.rotate();
    assert_eq!(key.shape(), (KeyState::Enabled, Some(id(2)), None, soon));
}

#[test]
fn only_what_the_key_had_can_be_imported_again() {
    let mut key = symmetric();
    key.take(1, &terms()).unwrap();
    let refused = |key: &KeyAndHistory, number, terms: ImportTerms| {
        let mut tried = key.clone();
        let error = tried.take(number, &terms).unwrap_err();
        assert_eq!(tried, *key, "a refusal changes nothing");
        error
    };
    let wrong = |mismatch| KmsError::IncorrectMaterial(arn(), mismatch);
    assert_eq!(refused(&key, 2, terms()), wrong(MaterialMismatch::Expected(id(1))));
    assert_eq!(refused(&key, 1, new()), wrong(MaterialMismatch::AlreadyAssociated(id(1))));
    let expected = ImportTerms { expected: Some(id(9)), ..terms() };
    assert_eq!(refused(&key, 1, expected), wrong(MaterialMismatch::Expected(id(9))));
    key.take(2, &new()).unwrap();
    assert_eq!(refused(&key, 3, terms()), wrong(MaterialMismatch::Unknown(id(3))));
    assert_eq!(key.take(2, &ImportTerms { expected: Some(id(2)), ..terms() }), Ok(false));
    let existing = ImportTerms { kind: Some(ImportType::ExistingKeyMaterial), ..terms() };
    assert_eq!(refused(&symmetric(), 1, existing), wrong(MaterialMismatch::Unknown(id(1))));
}

#[test]
fn a_key_without_material_ids_knows_its_only_material_by_its_fingerprint() {
    let mut key = fresh(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac);
    let print = |text: &str| MaterialIdentity::Fingerprint(text.to_owned());
    assert_eq!(key.import(&arn(), &print("a"), &new(), NOW), Ok(true));
    assert_eq!(key.shape(), (KeyState::Enabled, None, None, None));
    let other = KmsError::IncorrectMaterial(arn(), MaterialMismatch::Other);
    assert_eq!(key.import(&arn(), &print("b"), &terms(), NOW), Err(other));
    assert_eq!(key.import(&arn(), &print("b"), &new(), NOW), Err(KmsError::Unsupported));
    assert!(key.remove(&arn(), None));
    assert_eq!(key.record.state, KeyState::PendingImport);
    assert_eq!(key.import(&arn(), &print("a"), &terms(), NOW), Ok(true));
    assert_eq!(key.record.state, KeyState::Enabled);
}

#[test]
fn the_key_waits_until_every_material_that_it_used_is_here() {
    let mut key = symmetric();
    key.take(1, &terms()).unwrap();
    key.take(2, &new()).unwrap();
    key.rotate();
    for number in [1, 2] {
        assert!(key.remove(&arn(), Some(&id(number))));
        assert!(!key.remove(&arn(), Some(&id(number))), "deleting twice is once");
        assert_eq!(key.record.state, KeyState::PendingImport);
    }
    assert_eq!(key.take(3, &new()), Ok(true), "new material waits, and brings the key nothing");
    assert_eq!(key.shape(), (KeyState::PendingImport, Some(id(2)), Some(id(3)), None));
    assert_eq!(key.take(2, &terms()), Ok(true));
    assert_eq!(key.record.state, KeyState::PendingImport);
    assert_eq!(key.take(1, &terms()), Ok(true));
    assert_eq!(key.record.state, KeyState::Enabled);
    assert!(key.remove(&arn(), Some(&id(3))), "what waited goes for good");
    assert_eq!((key.record.pending_material, key.history.0.len()), (None, 2));
    assert_eq!(key.record.state, KeyState::Enabled);
}

#[test]
fn a_reimport_resets_the_expiry_and_enables_also_a_disabled_key() {
    let mut key = symmetric();
    let until = |days| ImportTerms { valid_to: Some(NOW.plus_days(days)), ..terms() };
    key.take(1, &ImportTerms { description: Some("d".to_owned()), ..until(5) }).unwrap();
    assert_eq!(key.record.material_expiry, Some(NOW.plus_days(5)));
    for state in [KeyState::Disabled, KeyState::PendingImport, KeyState::Enabled] {
        key.record.state = state;
        assert_eq!(key.take(1, &until(9)), Ok(false));
        assert_eq!(key.shape(), (KeyState::Enabled, Some(id(1)), None, Some(NOW.plus_days(9))));
    }
    key.record.state = KeyState::Updating;
    key.take(1, &terms()).unwrap();
    assert_eq!(key.shape(), (KeyState::Updating, Some(id(1)), None, None));
    let kept = key.history.0[0].imported.as_ref().unwrap().description.as_deref();
    assert_eq!(kept, Some("d"), "a description stays until another one is given");
}

#[test]
fn material_that_waits_enables_no_key_however_often_it_is_imported() {
    let mut key = symmetric();
    key.take(1, &terms()).unwrap();
    key.record.state = KeyState::Disabled;
    for (terms, missing) in [(new(), true), (terms(), false)] {
        assert_eq!(key.take(2, &terms), Ok(missing));
        assert_eq!(key.shape(), (KeyState::Disabled, Some(id(1)), Some(id(2)), None));
    }
}

#[test]
fn what_expires_is_what_is_here_and_does_not_wait() {
    let mut key = symmetric();
    let until = |days| Some(NOW.plus_days(days));
    key.take(1, &ImportTerms { valid_to: until(1), ..terms() }).unwrap();
    key.take(2, &ImportTerms { valid_to: until(0), ..new() }).unwrap();
    assert_eq!(key.expired(Timestamp::from_millis(NOW.plus_days(1).as_millis() - 1)), None);
    assert_eq!(key.expired(NOW.plus_days(1)), Some(Some(id(1))));
    assert!(key.remove(&arn(), Some(&id(1))));
    assert_eq!(key.expired(NOW.plus_days(1)), None);
    assert_eq!((key.record.state, key.record.material_expiry), (KeyState::PendingImport, None));
}

#[test]
fn a_key_that_goes_keeps_that_state_without_its_material() {
    for state in [KeyState::PendingDeletion, KeyState::PendingReplicaDeletion] {
        let mut key = symmetric();
        key.take(1, &terms()).unwrap();
        key.record.state = state;
        assert!(key.remove(&arn(), Some(&id(1))));
        assert_eq!((key.record.state, key.record.has_material), (state, false));
    }
}

#[test]
fn a_replica_takes_the_materials_of_its_primary_and_no_new_one() {
    let mut key = symmetric();
    key.take(1, &terms()).unwrap();
    key.remove(&arn(), Some(&id(1)));
    key.record.multi_region = Some(MultiRegion::first(Region::parse("us-east-1").unwrap()));
    assert_eq!(key.take(2, &new()), Err(KmsError::NotPrimary(arn())));
    assert_eq!(key.take(1, &terms()), Ok(true));
    assert_eq!(key.record.state, KeyState::Enabled);
}

#[test]
fn a_replica_is_not_without_a_material_that_no_primary_made_current() {
    let mut key = symmetric();
    key.take(1, &terms()).unwrap();
    key.take(2, &new()).unwrap();
    key.remove(&arn(), Some(&id(1)));
    // An earlier primary told of it; the present one does not know it, or has deleted it.
    key.record.pending_material = None;
    key.history.find_mut(Some(&id(2))).unwrap().imported.as_mut().unwrap().present = false;
    assert_eq!(key.take(1, &terms()), Ok(true));
    assert_eq!((key.record.state, key.record.has_material), (KeyState::Enabled, true));
}

#[test]
fn a_replica_that_deletes_its_copy_of_what_waits_can_import_it_again() {
    let mut key = symmetric();
    key.take(1, &terms()).unwrap();
    key.take(2, &new()).unwrap();
    key.record.multi_region = Some(MultiRegion::first(Region::parse("us-east-1").unwrap()));
    let before = key.shape();
    assert!(key.remove(&arn(), Some(&id(2))));
    assert_eq!(key.shape(), before, "which material waits, the primary says");
    assert!(!key.remove(&arn(), Some(&id(2))));
    assert_eq!(key.take(2, &terms()), Ok(true));
    assert_eq!(key.shape(), before);
}

/// One step of a random life.
#[derive(Debug, Clone)]
enum Step {
    New(u8, Option<i64>),
    Again(u8, Option<i64>),
    Remove(u8),
    Rotate,
    Disable,
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let valid = || proptest::option::of(1_i64..5);
    prop_oneof![
        (1_u8..6, valid()).prop_map(|(number, valid)| Step::New(number, valid)),
        (1_u8..6, valid()).prop_map(|(number, valid)| Step::Again(number, valid)),
        (1_u8..6).prop_map(Step::Remove),
        Just(Step::Rotate),
        Just(Step::Disable),
        (0_i64..3).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever happens in whatever order: the key is usable exactly while every material that it ever used is here and
    /// has not expired, and the row says of its materials what their history says.
    #[test]
    fn a_key_is_usable_exactly_while_it_has_all_that_it_used(steps in prop::collection::vec(step(), 0..40)) {
        let (mut key, mut now) = (symmetric(), NOW);
        for step in steps {
            let terms = |kind, valid: Option<i64>| ImportTerms {
                kind: Some(kind),
                valid_to: valid.map(|days| now.plus_days(days)),
                ..terms()
            };
            match step {
                Step::New(number, valid) => {
                    let identity = MaterialIdentity::Id(id(number));
                    let _ = key.import(&arn(), &identity, &terms(ImportType::NewKeyMaterial, valid), now);
                }
                Step::Again(number, valid) => {
                    let identity = MaterialIdentity::Id(id(number));
                    let _ = key.import(&arn(), &identity, &terms(ImportType::ExistingKeyMaterial, valid), now);
                }
                Step::Remove(number) => {
                    key.remove(&arn(), Some(&id(number)));
                }
                Step::Rotate if key.record.state_at(now) == KeyState::Enabled => {
                    key.rotate();
                }
                Step::Disable if key.record.state_at(now) == KeyState::Enabled => {
                    key.record.state = KeyState::Disabled;
                }
                Step::Rotate | Step::Disable => {}
                Step::Pass(days) => now = now.plus_days(days),
            }
            let pending = key.record.pending_material;
            let used: Vec<_> = key.history.0.iter().filter(|entry| entry.id != pending).collect();
            let complete = !used.is_empty() && used.iter().all(|entry| {
                let imported = entry.imported.as_ref().unwrap();
                imported.present && imported.valid_to.is_none_or(|date| date > now)
            });
            let state = key.record.state_at(now);
            prop_assert_eq!(complete, state != KeyState::PendingImport, "{:?}", &key);
            prop_assert_eq!(key.record.is_complete_at(now), complete);
            prop_assert!(pending.is_none_or(|id| key.history.find(Some(&id)).is_some()));
            prop_assert_ne!(key.record.current_material.is_some(), key.history.0.is_empty());
            while let Some(id) = key.expired(now) {
                prop_assert!(key.remove(&arn(), id.as_ref()));
                prop_assert_eq!(key.record.state_at(now), KeyState::PendingImport);
            }
        }
    }
}
