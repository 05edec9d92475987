//! Rotating the root key, in the two steps of the table in [`super`]: begin, and settle.

use std::path::Path;

use super::envelope::{Envelope, Generation, Slot};
use super::envelope_file::{EnvelopeFile, Proof};
use super::error::RootKeyError;
use super::file::After;
use super::key::RootKey;
use super::secret_source::{SlotKeys, SlotSecret};

/// Makes the next generation of the root key and puts it into every slot, beside the present one. The caller then
/// stores the keyring wrapped under it, and settles on it.
///
/// # Errors
/// [`RootKeyError`]; [`RootKeyError::SecretMissing`] when the secret of a slot is not among `secrets`.
pub fn begin_rotation(
    dir: &Path,
    root: &RootKey,
    secrets: &[SlotSecret<'_>],
) -> Result<RootKey, RootKeyError> {
    begin_stepwise(dir, root, secrets, &mut |_| Ok(()))
}

fn begin_stepwise(
    dir: &Path,
    root: &RootKey,
    secrets: &[SlotSecret<'_>],
    after: After<'_>,
) -> Result<RootKey, RootKeyError> {
    let file = EnvelopeFile::read(dir)?;
    let present = file.settled(root)?;
    let next = root.generation().checked_add(1).ok_or(crate::error::Unspecified)?;
    let next = RootKey::generate(next)?;
    let mut keys: Vec<_> = secrets.iter().map(|secret| SlotKeys::of(*secret)).collect();
    let mut sealed = Vec::new();
    for slot in &present.slots {
        let opened = keys.iter_mut().map(|keys| reseal(slot, keys, root, &next)).find_map(Result::transpose);
        let missing = || RootKeyError::SecretMissing { slot: slot.id, kind: slot.unlock.kind() };
        sealed.push(opened.ok_or_else(missing)??);
    }
    let mut proof = Vec::new();
    for keys in &keys {
        proof.extend(keys.known().flat_map(|(unlock, key)| {
            let of_this_secret = present.slots.iter().filter(move |slot| slot.unlock == *unlock);
            of_this_secret
                .filter(|slot| slot.open(root.generation(), key).is_ok())
                .map(move |slot| (slot.id, key))
        }));
    }
    let envelope = Envelope::of(vec![present.clone(), Generation::of(&next, sealed)?]);
    let path = file.path.clone();
    EnvelopeFile { path, envelope }.replace(&Proof { root: &next, slots: &proof }, after)?;
    Ok(next)
}

/// The slot with the next root key, where one of these keys opens it; `None` where the secret is another's.
fn reseal(
    slot: &Slot,
    keys: &mut SlotKeys<'_>,
    root: &RootKey,
    next: &RootKey,
) -> Result<Option<Slot>, RootKeyError> {
    let Some(key) = keys.key(&slot.unlock)? else { return Ok(None) };
    match slot.open(root.generation(), key) {
        Ok(opened) if opened.ct_eq(root) => Ok(Some(Slot::seal(slot.id, slot.unlock.clone(), key, next)?)),
        Ok(_) | Err(crate::error::Unspecified) => Ok(None),
    }
}

/// Ends a rotation: keeps the generation of `keep`, under which the stored keyring is wrapped, and drops the other.
/// Without a rotation under way it does nothing.
///
/// # Errors
/// [`RootKeyError`]; both generations are then still there, or only the kept one.
pub fn settle(dir: &Path, keep: &RootKey) -> Result<(), RootKeyError> {
    settle_stepwise(dir, keep, &mut |_| Ok(()))
}

fn settle_stepwise(dir: &Path, keep: &RootKey, after: After<'_>) -> Result<(), RootKeyError> {
    let file = EnvelopeFile::read(dir)?;
    let kept = file.envelope.generations.iter().find(|generation| generation.generation == keep.generation());
    let kept = kept.ok_or(RootKeyError::GenerationAbsent { wanted: keep.generation() })?;
    let kept = file.authentic(kept, keep)?.clone();
    if file.envelope.generations.len() == 1 {
        return Ok(());
    }
    let envelope = Envelope::of(vec![kept]);
    EnvelopeFile { envelope, path: file.path }.replace(&Proof { root: keep, slots: &[] }, after)
}

#[cfg(test)]
mod tests {
    use super::super::file::Step;
    use super::super::{Argon2Cost, NewSlot, SlotKind, add_slot, create, unseal};
    use super::*;
    use crate::keyring::{Keyring, WrappedKeyring};
    use crate::secret::SecretBytes;
    use keyreeve_model::timestamp::Timestamp;
    use std::io;
    use std::path::PathBuf;

    /// A deployment: the directory, and the keyring as the store holds it.
    struct Deployment {
        dir: tempfile::TempDir,
        key_file: PathBuf,
        words: SecretBytes,
        stored: WrappedKeyring,
        record: Vec<u8>,
    }

    impl Deployment {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let key_file = dir.path().join("root.key");
            let words = SecretBytes::from(b"correct horse battery".to_vec());
            let slots = [NewSlot::KeyFile(&key_file), NewSlot::Passphrase(&words, Argon2Cost::TEST)];
            let root = create(dir.path(), &slots).unwrap();
            let keyring = Keyring::generate(Timestamp::from_millis(0)).unwrap();
            let record = keyring.seal_record("kms/a", 1, 1, b"value").unwrap();
            let stored = keyring.wrap(&root).unwrap();
            Self { dir, key_file, words, stored, record }
        }

        fn secrets(&self) -> [SlotSecret<'_>; 2] {
            [SlotSecret::KeyFile(&self.key_file), SlotSecret::Passphrase(&self.words)]
        }

        /// Starts with each slot alone: the root key of the stored keyring opens, and the record is readable.
        fn start(&self) -> (RootKey, Keyring) {
            let [by_file, by_words] = self
                .secrets()
                .map(|secret| unseal(self.dir.path(), secret).unwrap().for_keyring(&self.stored).unwrap());
            assert!(by_file.ct_eq(&by_words));
            let keyring = Keyring::unwrap(&by_file, &self.stored).unwrap();
            assert_eq!(keyring.open_record("kms/a", &self.record).unwrap().value.expose_secret(), b"value");
            (by_file, keyring)
        }

        fn generations(&self) -> Vec<u32> {
            unseal(self.dir.path(), SlotSecret::KeyFile(&self.key_file)).unwrap().generations().collect()
        }

        fn rotate(&mut self) {
            let (root, keyring) = self.start();
            let next = begin_rotation(self.dir.path(), &root, &self.secrets()).unwrap();
            self.stored = keyring.wrap(&next).unwrap();
            settle(self.dir.path(), &next).unwrap();
        }
    }

    fn crash_at(stop: Step) -> impl FnMut(Step) -> io::Result<()> {
        move |step| if step == stop { Err(io::Error::other("crash")) } else { Ok(()) }
    }

    #[test]
    fn a_rotation_moves_to_the_next_generation_and_forgets_the_old_one() {
        let mut deployment = Deployment::new();
        let (old, _) = deployment.start();
        deployment.rotate();
        let (new, _) = deployment.start();
        assert_eq!((old.generation(), new.generation()), (1, 2));
        assert_eq!(deployment.generations(), [2]);
        assert!(Keyring::unwrap(&old, &deployment.stored).is_err());
        deployment.rotate();
        assert_eq!(deployment.start().0.generation(), 3);
    }

    #[test]
    fn a_crash_at_any_step_of_beginning_leaves_the_old_generation_openable_and_can_be_undone_or_repeated() {
        for stop in Step::ALL {
            let mut deployment = Deployment::new();
            let (root, _) = deployment.start();
            let dir = deployment.dir.path();
            assert!(begin_stepwise(dir, &root, &deployment.secrets(), &mut crash_at(stop)).is_err());
            let begun = matches!(stop, Step::Renamed | Step::DirectorySynced);
            assert_eq!(deployment.generations().len() == 2, begun, "{stop:?}");
            let (root, _) = deployment.start();
            assert_eq!(root.generation(), 1, "{stop:?}");
            settle(dir, &root).unwrap();
            assert_eq!(deployment.generations(), [1], "{stop:?}");
            deployment.rotate();
            assert_eq!(deployment.start().0.generation(), 2, "{stop:?}");
        }
    }

    #[test]
    fn a_crash_after_the_keyring_was_stored_finishes_forward() {
        let mut deployment = Deployment::new();
        let (root, keyring) = deployment.start();
        let next = begin_rotation(deployment.dir.path(), &root, &deployment.secrets()).unwrap();
        deployment.stored = keyring.wrap(&next).unwrap();
        drop((root, keyring, next));
        let (root, _) = deployment.start();
        assert_eq!(root.generation(), 2);
        settle(deployment.dir.path(), &root).unwrap();
        assert_eq!(deployment.generations(), [2]);
    }

    #[test]
    fn a_crash_at_any_step_of_settling_leaves_the_new_generation_openable() {
        for stop in Step::ALL {
            let mut deployment = Deployment::new();
            let (root, keyring) = deployment.start();
            let next = begin_rotation(deployment.dir.path(), &root, &deployment.secrets()).unwrap();
            deployment.stored = keyring.wrap(&next).unwrap();
            assert!(settle_stepwise(deployment.dir.path(), &next, &mut crash_at(stop)).is_err());
            let (root, _) = deployment.start();
            assert_eq!(root.generation(), 2, "{stop:?}");
            settle(deployment.dir.path(), &root).unwrap();
            assert_eq!(deployment.generations(), [2], "{stop:?}");
            deployment.start();
        }
    }

    #[test]
    fn a_rotation_needs_the_secret_of_every_slot() {
        let deployment = Deployment::new();
        let (root, _) = deployment.start();
        let wrong = SecretBytes::from(b"incorrect horse battery".to_vec());
        let [by_file, _] = deployment.secrets();
        for secrets in [&[by_file][..], &[by_file, SlotSecret::Passphrase(&wrong)]] {
            let begun = begin_rotation(deployment.dir.path(), &root, secrets);
            assert!(matches!(
                begun,
                Err(RootKeyError::SecretMissing { slot: 2, kind: SlotKind::Passphrase })
            ));
        }
        assert_eq!(deployment.generations(), [1]);
    }

    #[test]
    fn slots_do_not_change_and_no_second_rotation_begins_before_the_first_is_settled() {
        let deployment = Deployment::new();
        let (root, _) = deployment.start();
        let dir = deployment.dir.path();
        let next = begin_rotation(dir, &root, &deployment.secrets()).unwrap();
        let slot = NewSlot::KeyFile(&deployment.key_file);
        for root in [&root, &next] {
            assert!(matches!(add_slot(dir, root, &slot), Err(RootKeyError::RotationPending)));
            let again = begin_rotation(dir, root, &deployment.secrets());
            assert!(matches!(again, Err(RootKeyError::RotationPending)));
        }
        let unsealed = unseal(dir, SlotSecret::KeyFile(&deployment.key_file)).unwrap();
        assert!(unsealed.is_rotating());
    }

    #[test]
    fn a_foreign_root_key_settles_nothing() {
        let (deployment, other) = (Deployment::new(), Deployment::new());
        let (foreign, _) = other.start();
        assert!(matches!(settle(deployment.dir.path(), &foreign), Err(RootKeyError::EnvelopeAltered(_))));
    }

    #[test]
    fn a_keyring_of_another_backup_names_the_generation_it_needs() {
        let mut deployment = Deployment::new();
        let older = deployment.stored.clone();
        deployment.rotate();
        let unsealed = unseal(deployment.dir.path(), SlotSecret::KeyFile(&deployment.key_file)).unwrap();
        let error = unsealed.for_keyring(&older).unwrap_err();
        assert!(error.to_string().contains("needs generation 1"), "{error}");
    }
}
