//! `root.json` as a file: read, and replaced only by what was read back and opened.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::ENVELOPE_NAME;
use super::envelope::{Envelope, Generation, ParseError};
use super::error::RootKeyError;
use super::file::{self, After};
use super::key::RootKey;
use crate::derivation::DerivationKey;

/// More is no envelope of ours.
const BYTES_MAX: u64 = 1024 * 1024;

/// The envelope of one directory, with its path for messages.
pub(super) struct EnvelopeFile {
    pub(super) path: PathBuf,
    pub(super) envelope: Envelope,
}

/// What must open in the bytes read back, before they may replace the envelope.
pub(super) struct Proof<'a> {
    /// The root key whose generation was written.
    pub(super) root: &'a RootKey,
    /// Slots that were written, with the keys of their secrets.
    pub(super) slots: &'a [(u32, &'a DerivationKey)],
}

/// The path of the envelope in a directory.
pub(super) fn path_in(dir: &Path) -> PathBuf {
    dir.join(ENVELOPE_NAME)
}

impl EnvelopeFile {
    /// Reads the envelope of a directory.
    pub(super) fn read(dir: &Path) -> Result<Self, RootKeyError> {
        let path = path_in(dir);
        let file = fs::File::open(&path).map_err(|error| {
            let missing = error.kind() == io::ErrorKind::NotFound;
            if missing {
                RootKeyError::EnvelopeMissing(path.clone())
            } else {
                RootKeyError::io("open", &path)(error)
            }
        })?;
        let mut json = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut json).map_err(RootKeyError::io("read", &path))?;
        match Envelope::parse(&json) {
            Ok(envelope) => Ok(Self { path, envelope }),
            Err(ParseError::Malformed) => Err(RootKeyError::EnvelopeMalformed(path)),
            Err(ParseError::TooNew(version)) => Err(RootKeyError::EnvelopeTooNew { path, version }),
        }
    }

    /// The only generation, which must be the given root key's; none while a rotation is under way.
    pub(super) fn settled(&self, root: &RootKey) -> Result<&Generation, RootKeyError> {
        let [generation] = self.envelope.generations.as_slice() else {
            return Err(RootKeyError::RotationPending);
        };
        if generation.generation != root.generation() {
            return Err(RootKeyError::GenerationAbsent { wanted: root.generation() });
        }
        self.authentic(generation, root)
    }

    /// The generation, where its slots are those that this root key's holder wrote.
    pub(super) fn authentic<'a>(
        &self,
        generation: &'a Generation,
        root: &RootKey,
    ) -> Result<&'a Generation, RootKeyError> {
        if generation.is_authentic(root) {
            Ok(generation)
        } else {
            Err(RootKeyError::EnvelopeAltered(self.path.clone()))
        }
    }

    /// Replaces the envelope on disk.
    pub(super) fn replace(&self, proof: &Proof<'_>, after: After<'_>) -> Result<(), RootKeyError> {
        let verify = |json: &[u8]| {
            let read_back =
                Envelope::parse(json).is_ok_and(|read| read == self.envelope && proof.holds_in(&read));
            if read_back { Ok(()) } else { Err(RootKeyError::ReadBack(self.path.clone())) }
        };
        file::replace(&self.path, &self.envelope.to_json()?, verify, after)
    }
}

impl Proof<'_> {
    fn holds_in(&self, envelope: &Envelope) -> bool {
        let generation = self.root.generation();
        let Some(written) = envelope.generations.iter().find(|written| written.generation == generation)
        else {
            return false;
        };
        let opens = |&(id, key): &(u32, &DerivationKey)| {
            let slot = written.slots.iter().find(|slot| slot.id == id);
            slot.and_then(|slot| slot.open(generation, key).ok())
                .is_some_and(|opened| opened.ct_eq(self.root))
        };
        written.is_authentic(self.root) && self.slots.iter().all(opens)
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope::{Slot, Unlock};
    use super::*;

    #[test]
    fn an_envelope_is_written_only_when_its_slots_open_to_its_root_key() {
        let dir = tempfile::tempdir().unwrap();
        let (root, namesake) = (RootKey::generate(1).unwrap(), RootKey::generate(1).unwrap());
        let (key, other) = (DerivationKey::new(&[5; 32]), DerivationKey::new(&[6; 32]));
        let slot = |root| {
            let unlock = Unlock::KeyFile { path: String::new() };
            Slot::seal(1, unlock, &key, root).unwrap()
        };
        let replace = |slot, proof: Proof<'_>| {
            let envelope = Envelope::of(vec![Generation::of(&root, vec![slot]).unwrap()]);
            EnvelopeFile { path: path_in(dir.path()), envelope }.replace(&proof, &mut |_| Ok(()))
        };
        for (slot, proof) in [
            (slot(&namesake), Proof { root: &root, slots: &[(1, &key)] }),
            (slot(&root), Proof { root: &root, slots: &[(1, &other)] }),
            (slot(&root), Proof { root: &root, slots: &[(2, &key)] }),
            (slot(&root), Proof { root: &namesake, slots: &[] }),
        ] {
            assert!(matches!(replace(slot, proof), Err(RootKeyError::ReadBack(_))));
            assert!(!path_in(dir.path()).exists());
        }
        replace(slot(&root), Proof { root: &root, slots: &[(1, &key)] }).unwrap();
        assert!(EnvelopeFile::read(dir.path()).unwrap().settled(&root).is_ok());
    }
}
