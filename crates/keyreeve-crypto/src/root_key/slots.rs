//! Listing, adding and removing slots of an unsealed deployment.

use std::path::Path;

use super::envelope::{Envelope, Generation, SLOTS_MAX, Slot, Unlock};
use super::envelope_file::{EnvelopeFile, Proof};
use super::error::{RootKeyError, SlotKind};
use super::key::RootKey;
use super::secret_source::NewSlot;

/// A slot as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotView {
    /// Its number, by which it is removed.
    pub id: u32,
    /// What opens it.
    pub kind: SlotKind,
    /// Where the key file was when the slot was made.
    pub key_file: Option<String>,
}

/// The slots of the newest generation, as `root.json` claims them; no secret is needed.
///
/// # Errors
/// [`RootKeyError`] from reading.
pub fn slots(dir: &Path) -> Result<Vec<SlotView>, RootKeyError> {
    let file = EnvelopeFile::read(dir)?;
    let view = |slot: &Slot| {
        let key_file = match &slot.unlock {
            Unlock::KeyFile { path } => Some(path.clone()),
            Unlock::PassphraseArgon2id { .. } => None,
        };
        SlotView { id: slot.id, kind: slot.unlock.kind(), key_file }
    };
    Ok(file
        .envelope
        .generations
        .last()
        .map(|newest| newest.slots.iter().map(view).collect())
        .unwrap_or_default())
}

/// Adds a slot and answers its number.
///
/// # Errors
/// [`RootKeyError`]; the slots are then as before.
pub fn add_slot(dir: &Path, root: &RootKey, slot: &NewSlot<'_>) -> Result<u32, RootKeyError> {
    let file = EnvelopeFile::read(dir)?;
    let mut slots = file.settled(root)?.slots.clone();
    let id =
        slots.last().map_or(0, |last| last.id).checked_add(1).ok_or(RootKeyError::SlotCount(SLOTS_MAX))?;
    if slots.len() >= SLOTS_MAX {
        return Err(RootKeyError::SlotCount(SLOTS_MAX));
    }
    let (unlock, key) = slot.prepare()?;
    slots.push(Slot::seal(id, unlock, &key, root)?);
    replace(file, root, slots, &Proof { root, slots: &[(id, &key)] })?;
    Ok(id)
}

/// Removes a slot. Whoever kept both its secret and an older `root.json` can still open this generation: after a
/// secret leaked, rotate the root key as well.
///
/// # Errors
/// [`RootKeyError`]; the last slot stays.
pub fn remove_slot(dir: &Path, root: &RootKey, id: u32) -> Result<(), RootKeyError> {
    let file = EnvelopeFile::read(dir)?;
    let mut slots = file.settled(root)?.slots.clone();
    if !slots.iter().any(|slot| slot.id == id) {
        return Err(RootKeyError::SlotAbsent(id));
    }
    if slots.len() == 1 {
        return Err(RootKeyError::LastSlot(id));
    }
    slots.retain(|slot| slot.id != id);
    replace(file, root, slots, &Proof { root, slots: &[] })
}

fn replace(
    file: EnvelopeFile,
    root: &RootKey,
    slots: Vec<Slot>,
    proof: &Proof<'_>,
) -> Result<(), RootKeyError> {
    let envelope = Envelope::of(vec![Generation::of(root, slots)?]);
    EnvelopeFile { envelope, ..file }.replace(proof, &mut |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use super::super::{Argon2Cost, SlotSecret, create, unseal};
    use super::*;
    use crate::secret::SecretBytes;

    #[test]
    fn an_added_slot_opens_the_same_key_and_a_removed_one_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let key_file = dir.path().join("root.key");
        let words = SecretBytes::from(b"correct horse battery".to_vec());
        let root = create(dir.path(), &[NewSlot::KeyFile(&key_file)]).unwrap();
        let id = add_slot(dir.path(), &root, &NewSlot::Passphrase(&words, Argon2Cost::TEST)).unwrap();
        let kinds: Vec<_> = slots(dir.path()).unwrap().into_iter().map(|slot| (slot.id, slot.kind)).collect();
        assert_eq!(kinds, [(1, SlotKind::KeyFile), (id, SlotKind::Passphrase)]);
        let opened = unseal(dir.path(), SlotSecret::Passphrase(&words)).unwrap();
        assert!(opened.generation(1).unwrap().ct_eq(&root));

        remove_slot(dir.path(), &root, 1).unwrap();
        let gone = unseal(dir.path(), SlotSecret::KeyFile(&key_file));
        assert!(matches!(gone, Err(RootKeyError::NoSlotOfKind(SlotKind::KeyFile))));
        assert!(unseal(dir.path(), SlotSecret::Passphrase(&words)).is_ok());
        assert!(matches!(remove_slot(dir.path(), &root, id), Err(RootKeyError::LastSlot(2))));
        assert!(matches!(remove_slot(dir.path(), &root, 9), Err(RootKeyError::SlotAbsent(9))));
    }

    #[test]
    fn only_the_holder_of_this_root_key_changes_slots() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (key_file, other) = (dir.path().join("root.key"), elsewhere.path().join("root.key"));
        create(dir.path(), &[NewSlot::KeyFile(&key_file)]).unwrap();
        let foreign = create(elsewhere.path(), &[NewSlot::KeyFile(&other)]).unwrap();
        let added = add_slot(dir.path(), &foreign, &NewSlot::KeyFile(&other));
        assert!(matches!(added, Err(RootKeyError::EnvelopeAltered(_))));
        assert_eq!(slots(dir.path()).unwrap().len(), 1);
    }

    #[test]
    fn an_envelope_holds_a_bounded_number_of_slots() {
        let dir = tempfile::tempdir().unwrap();
        let key_file = dir.path().join("root.key");
        let root = create(dir.path(), &[NewSlot::KeyFile(&key_file); SLOTS_MAX]).unwrap();
        let more = add_slot(dir.path(), &root, &NewSlot::KeyFile(&key_file));
        assert!(matches!(more, Err(RootKeyError::SlotCount(SLOTS_MAX))));
    }
}
