//! Creating the root key of a new deployment, and unsealing it at each start.

use std::path::Path;

use super::envelope::{Envelope, Generation, SLOTS_MAX, Slot};
use super::envelope_file::{EnvelopeFile, Proof, path_in};
use super::error::RootKeyError;
use super::file::After;
use super::key::RootKey;
use super::secret_source::{NewSlot, SlotKeys, SlotSecret};
use crate::keyring::{WrappedKeyring, WrappedKeyringError};

/// What a secret opened: one generation of the root key, or two while a rotation is under way.
#[derive(Debug)]
pub struct Unsealed {
    /// Never empty; oldest first.
    roots: Vec<RootKey>,
    rotating: bool,
}

impl Unsealed {
    /// The generations that were opened, oldest first.
    pub fn generations(&self) -> impl Iterator<Item = u32> {
        self.roots.iter().map(RootKey::generation)
    }

    /// Whether a rotation was begun and not settled: the caller settles on the generation of its keyring.
    pub const fn is_rotating(&self) -> bool {
        self.rotating
    }

    /// The root key of this generation.
    ///
    /// # Errors
    /// [`RootKeyError::GenerationAbsent`].
    pub fn generation(self, wanted: u32) -> Result<RootKey, RootKeyError> {
        let found = self.roots.into_iter().find(|root| root.generation() == wanted);
        found.ok_or(RootKeyError::GenerationAbsent { wanted })
    }

    /// The root key that the stored keyring is wrapped under.
    ///
    /// # Errors
    /// [`UnsealKeyringError`]: the generation was not opened, or these bytes are no keyring.
    pub fn for_keyring(self, keyring: &WrappedKeyring) -> Result<RootKey, UnsealKeyringError> {
        Ok(self.generation(keyring.generation()?)?)
    }
}

/// Why there is no root key for a keyring.
#[derive(Debug, thiserror::Error)]
pub enum UnsealKeyringError {
    /// The keyring is not readable.
    #[error(transparent)]
    Keyring(#[from] WrappedKeyringError),
    /// Its generation was not unsealed.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
}

/// Makes the root key of a new deployment, generation 1, in these slots. A key file that exists already is used, so that
/// a creation that was interrupted can be repeated.
///
/// # Errors
/// [`RootKeyError`]; `root.json` is then absent.
pub fn create(dir: &Path, slots: &[NewSlot<'_>]) -> Result<RootKey, RootKeyError> {
    create_stepwise(dir, slots, &mut |_| Ok(()))
}

pub(super) fn create_stepwise(
    dir: &Path,
    slots: &[NewSlot<'_>],
    after: After<'_>,
) -> Result<RootKey, RootKeyError> {
    let path = path_in(dir);
    if path.try_exists().map_err(RootKeyError::io("look for", &path))? {
        return Err(RootKeyError::EnvelopeExists(path));
    }
    if !(1..=SLOTS_MAX).contains(&slots.len()) {
        return Err(RootKeyError::SlotCount(SLOTS_MAX));
    }
    let root = RootKey::generate(1)?;
    let mut sealed = Vec::new();
    let mut keys = Vec::new();
    for (id, slot) in (1..).zip(slots) {
        let (unlock, key) = slot.prepare()?;
        sealed.push(Slot::seal(id, unlock, &key, &root)?);
        keys.push((id, key));
    }
    let envelope = Envelope::of(vec![Generation::of(&root, sealed)?]);
    let proof: Vec<_> = keys.iter().map(|(id, key)| (*id, key)).collect();
    EnvelopeFile { path, envelope }.replace(&Proof { root: &root, slots: &proof }, after)?;
    Ok(root)
}

/// Opens the root key with the secret of any one slot. With a passphrase it takes up to seconds.
///
/// # Errors
/// [`RootKeyError`].
pub fn unseal(dir: &Path, secret: SlotSecret<'_>) -> Result<Unsealed, RootKeyError> {
    let file = EnvelopeFile::read(dir)?;
    let generations = &file.envelope.generations;
    let kind = secret.kind();
    if !generations.iter().flat_map(|generation| &generation.slots).any(|slot| slot.unlock.kind() == kind) {
        return Err(RootKeyError::NoSlotOfKind(kind));
    }
    let mut keys = SlotKeys::of(secret);
    let mut roots = Vec::new();
    for generation in generations {
        if let Some(root) = open_generation(generation, &mut keys)? {
            file.authentic(generation, &root)?;
            roots.push(root);
        }
    }
    if roots.is_empty() {
        return Err(RootKeyError::NoSlotOpened(kind));
    }
    Ok(Unsealed { roots, rotating: generations.len() > 1 })
}

fn open_generation(
    generation: &Generation,
    keys: &mut SlotKeys<'_>,
) -> Result<Option<RootKey>, RootKeyError> {
    for slot in &generation.slots {
        if let Some(key) = keys.key(&slot.unlock)?
            && let Ok(root) = slot.open(generation.generation, key)
        {
            return Ok(Some(root));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::file::Step;
    use super::super::{Argon2Cost, SlotKind};
    use super::*;
    use crate::secret::SecretBytes;
    use std::fs;
    use std::io;

    fn passphrase(text: &str) -> SecretBytes {
        SecretBytes::from(text.as_bytes().to_vec())
    }

    #[test]
    fn each_slot_alone_unseals_the_same_root_key() {
        let dir = tempfile::tempdir().unwrap();
        let (key_file, words) = (dir.path().join("root.key"), passphrase("correct horse battery"));
        let slots = [NewSlot::KeyFile(&key_file), NewSlot::Passphrase(&words, Argon2Cost::TEST)];
        let root = create(dir.path(), &slots).unwrap();
        for secret in [SlotSecret::KeyFile(&key_file), SlotSecret::Passphrase(&words)] {
            let unsealed = unseal(dir.path(), secret).unwrap();
            assert!(!unsealed.is_rotating());
            assert!(unsealed.generation(1).unwrap().ct_eq(&root));
        }
        assert!(matches!(create(dir.path(), &slots), Err(RootKeyError::EnvelopeExists(_))));
    }

    #[test]
    fn a_wrong_or_missing_secret_says_which_kind() {
        let dir = tempfile::tempdir().unwrap();
        let (key_file, other) = (dir.path().join("root.key"), dir.path().join("other.key"));
        let words = passphrase("correct horse battery");
        create(dir.path(), &[NewSlot::KeyFile(&key_file)]).unwrap();
        NewSlot::KeyFile(&other).prepare().unwrap();
        let unseal = |secret| unseal(dir.path(), secret).unwrap_err();
        assert!(matches!(unseal(SlotSecret::KeyFile(&other)), RootKeyError::NoSlotOpened(SlotKind::KeyFile)));
        assert!(matches!(
            unseal(SlotSecret::Passphrase(&words)),
            RootKeyError::NoSlotOfKind(SlotKind::Passphrase)
        ));
        let absent = dir.path().join("absent.key");
        assert!(matches!(unseal(SlotSecret::KeyFile(&absent)), RootKeyError::KeyFileMissing(_)));
    }

    #[test]
    fn a_deployment_without_slots_or_with_a_weak_passphrase_is_not_created() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(create(dir.path(), &[]), Err(RootKeyError::SlotCount(SLOTS_MAX))));
        let weak = passphrase("hunter2");
        let slot = NewSlot::Passphrase(&weak, Argon2Cost::TEST);
        assert!(matches!(create(dir.path(), &[slot]), Err(RootKeyError::PassphraseWeak)));
        let absent = SlotSecret::Passphrase(&weak);
        assert!(matches!(unseal(dir.path(), absent), Err(RootKeyError::EnvelopeMissing(_))));
    }

    #[test]
    fn damaged_newer_and_altered_envelopes_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let (key_file, words) = (dir.path().join("root.key"), passphrase("correct horse battery"));
        let slots = [NewSlot::KeyFile(&key_file), NewSlot::Passphrase(&words, Argon2Cost::TEST)];
        create(dir.path(), &slots).unwrap();
        let json = fs::read_to_string(path_in(dir.path())).unwrap();
        let unseal = |text: String| {
            fs::write(path_in(dir.path()), text).unwrap();
            unseal(dir.path(), SlotSecret::KeyFile(&key_file))
        };
        assert!(matches!(unseal(json[1..].to_owned()), Err(RootKeyError::EnvelopeMalformed(_))));
        let newer = json.replace("\"version\": 1", "\"version\": 7");
        assert!(matches!(unseal(newer), Err(RootKeyError::EnvelopeTooNew { version: 7, .. })));
        let altered = json.replace("\"passes\": 1", "\"passes\": 2");
        assert!(matches!(unseal(altered), Err(RootKeyError::EnvelopeAltered(_))));
        assert!(unseal(json).is_ok());
    }

    #[test]
    fn a_crash_while_creating_leaves_nothing_or_all_and_can_be_repeated() {
        for stop in Step::ALL {
            let dir = tempfile::tempdir().unwrap();
            let key_file = dir.path().join("root.key");
            let mut crash = |step| if step == stop { Err(io::Error::other("crash")) } else { Ok(()) };
            assert!(create_stepwise(dir.path(), &[NewSlot::KeyFile(&key_file)], &mut crash).is_err());
            let found = unseal(dir.path(), SlotSecret::KeyFile(&key_file));
            let complete = matches!(stop, Step::Renamed | Step::DirectorySynced);
            assert_eq!(found.is_ok(), complete, "{stop:?}");
            if !complete {
                create(dir.path(), &[NewSlot::KeyFile(&key_file)]).unwrap();
                assert!(unseal(dir.path(), SlotSecret::KeyFile(&key_file)).is_ok());
            }
        }
    }
}
