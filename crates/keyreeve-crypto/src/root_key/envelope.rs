//! `root.json` as a value: per generation of the root key, the slots that each hold it, and a MAC over them.
//! Nothing in it is secret without the key file or passphrase of a slot.

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::SlotKind;
use super::key::{ROOT_KEY_LEN, RootKey};
use super::passphrase::{Argon2Cost, SALT_LEN};
use crate::derivation::DerivationKey;
use crate::error::Unspecified;
use crate::fields::Fields;
use crate::keyring::sealed::{self, Kind, Sealed, Stamp};
use crate::label::SLOT_MAC;

/// The format that this release writes.
pub(super) const VERSION: u32 = 1;
/// Most slots of one envelope.
pub(super) const SLOTS_MAX: usize = 32;

/// The envelope: one generation, or two while the root key is being rotated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    pub(super) version: u32,
    pub(super) generations: Vec<Generation>,
}

/// One generation of the root key, once in every slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Generation {
    pub(super) generation: u32,
    pub(super) slots: Vec<Slot>,
    mac: Hex,
}

/// One independent way to the root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slot {
    pub(super) id: u32,
    pub(super) unlock: Unlock,
    wrapped: Hex,
}

/// What opens a slot, with its public parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Unlock {
    /// `path` is where the file was at creation: a hint for the operator, not an instruction.
    KeyFile { path: String },
    /// Argon2id, version 0x13, 32 bytes.
    PassphraseArgon2id { salt: Salt, cost: Argon2Cost },
}

impl Unlock {
    pub(super) const fn kind(&self) -> SlotKind {
        match self {
            Self::KeyFile { .. } => SlotKind::KeyFile,
            Self::PassphraseArgon2id { .. } => SlotKind::Passphrase,
        }
    }

    /// Everything public about the slot, which its sealing binds.
    fn fields(&self, id: u32) -> Fields {
        let fields = Fields::of("keyreeve/v1/slot").with(&id.to_be_bytes());
        match self {
            Self::KeyFile { path } => fields.with(b"key-file").with(path.as_bytes()),
            Self::PassphraseArgon2id { salt, cost } => {
                let [memory, passes, lanes] = cost.numbers().map(u32::to_be_bytes);
                fields.with(b"passphrase-argon2id").with(&salt.0).with(&memory).with(&passes).with(&lanes)
            }
        }
    }
}

impl Slot {
    /// Wraps the root key under the key of the slot's secret.
    pub(super) fn seal(
        id: u32,
        unlock: Unlock,
        key: &DerivationKey,
        root: &RootKey,
    ) -> Result<Self, Unspecified> {
        let stamp = Stamp::plain(Kind::Slot, root.generation());
        let wrapped = sealed::seal(key, stamp, unlock.fields(id).bytes(), root.expose_secret())?;
        Ok(Self { id, unlock, wrapped: Hex(wrapped) })
    }

    /// The root key, where `key` is of this slot's secret and nothing of the slot was altered.
    pub(super) fn open(&self, generation: u32, key: &DerivationKey) -> Result<RootKey, Unspecified> {
        let sealed = Sealed::parse(&self.wrapped.0, Kind::Slot)?;
        if sealed.stamp != Stamp::plain(Kind::Slot, generation) {
            return Err(Unspecified);
        }
        let root = sealed.open(key, self.unlock.fields(self.id).bytes())?;
        RootKey::restore(generation, root.expose_secret())
    }
}

impl Generation {
    /// The slots of this root key, authenticated by it.
    pub(super) fn of(root: &RootKey, slots: Vec<Slot>) -> Result<Self, Unspecified> {
        let mut generation = Self { generation: root.generation(), slots, mac: Hex(Vec::new()) };
        let tag = hmac::sign(&mac_key(root)?, generation.fields().bytes());
        generation.mac = Hex(tag.as_ref().to_vec());
        Ok(generation)
    }

    /// Whether no slot was added, removed or altered since this root key's holder wrote them.
    pub(super) fn is_authentic(&self, root: &RootKey) -> bool {
        self.generation == root.generation()
            && mac_key(root).is_ok_and(|key| hmac::verify(&key, self.fields().bytes(), &self.mac.0).is_ok())
    }

    fn fields(&self) -> Fields {
        let fields = Fields::of("keyreeve/v1/slots").with(&self.generation.to_be_bytes());
        self.slots.iter().fold(fields, |fields, slot| {
            fields.with(slot.unlock.fields(slot.id).bytes()).with(&slot.wrapped.0)
        })
    }

    fn is_plausible(&self) -> bool {
        let ids_rise = self.slots.is_sorted_by(|one, next| one.id < next.id);
        let affordable = self.slots.iter().all(|slot| match &slot.unlock {
            Unlock::KeyFile { .. } => true,
            Unlock::PassphraseArgon2id { cost, .. } => cost.is_affordable(),
        });
        self.generation > 0 && (1..=SLOTS_MAX).contains(&self.slots.len()) && ids_rise && affordable
    }
}

fn mac_key(root: &RootKey) -> Result<hmac::Key, Unspecified> {
    let mut key = Zeroizing::new([0; ROOT_KEY_LEN]);
    root.derivation().derive(&SLOT_MAC, &[], key.as_mut())?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
}

/// Why bytes are no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParseError {
    Malformed,
    TooNew(u32),
}

impl Envelope {
    /// An envelope of these generations, oldest first.
    pub(super) const fn of(generations: Vec<Generation>) -> Self {
        Self { version: VERSION, generations }
    }

    /// Parses `root.json`; what it says is believed only once a slot opened and the MAC held.
    pub(super) fn parse(json: &[u8]) -> Result<Self, ParseError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(json).map_err(|_| ParseError::Malformed)?;
        if version > VERSION {
            return Err(ParseError::TooNew(version));
        }
        let envelope: Self = serde_json::from_slice(json).map_err(|_| ParseError::Malformed)?;
        let successive = match envelope.generations.as_slice() {
            [_] => true,
            [older, newer] => older.generation.checked_add(1) == Some(newer.generation),
            [..] => false,
        };
        if version == 0 || !successive || !envelope.generations.iter().all(Generation::is_plausible) {
            return Err(ParseError::Malformed);
        }
        Ok(envelope)
    }

    /// The text of `root.json`.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, Unspecified> {
        let mut json = serde_json::to_vec_pretty(self).map_err(|_| Unspecified)?;
        json.push(b'\n');
        Ok(json)
    }
}

/// Public bytes, written as hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Hex(Vec<u8>);

impl From<Hex> for String {
    fn from(bytes: Hex) -> Self {
        hex::encode(bytes.0)
    }
}

impl TryFrom<String> for Hex {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, hex::FromHexError> {
        hex::decode(text).map(Self)
    }
}

/// The salt of one passphrase slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Salt(pub(super) [u8; SALT_LEN]);

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        hex::encode(salt.0)
    }
}

impl TryFrom<String> for Salt {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, hex::FromHexError> {
        let mut salt = [0; SALT_LEN];
        hex::decode_to_slice(text, &mut salt)?;
        Ok(Self(salt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot_key() -> DerivationKey {
        DerivationKey::new(&[5; 32])
    }

    fn passphrase() -> Unlock {
        Unlock::PassphraseArgon2id { salt: Salt([1; SALT_LEN]), cost: Argon2Cost::TEST }
    }

    fn envelope(root: &RootKey) -> Envelope {
        let key_file = Unlock::KeyFile { path: "root.key".to_owned() };
        let slots = vec![
            Slot::seal(1, key_file, &slot_key(), root).unwrap(),
            Slot::seal(2, passphrase(), &slot_key(), root).unwrap(),
        ];
        Envelope::of(vec![Generation::of(root, slots).unwrap()])
    }

    /// Whether slot 1 opens and the list of slots is authentic: what unsealing asks.
    fn unseals(json: &[u8]) -> bool {
        let Ok(envelope) = Envelope::parse(json) else { return false };
        let Some(generation) = envelope.generations.first() else { return false };
        generation.slots.iter().any(|slot| {
            slot.open(generation.generation, &slot_key()).is_ok_and(|root| generation.is_authentic(&root))
        })
    }

    #[test]
    fn an_envelope_survives_its_text_and_both_slots_hold_the_same_key() {
        let root = RootKey::generate(3).unwrap();
        let before = envelope(&root);
        let after = Envelope::parse(&before.to_json().unwrap()).unwrap();
        assert_eq!(before, after);
        for slot in &after.generations[0].slots {
            assert!(slot.open(3, &slot_key()).unwrap().ct_eq(&root));
            assert!(slot.open(2, &slot_key()).is_err());
            assert!(slot.open(3, &DerivationKey::new(&[6; 32])).is_err());
        }
        assert!(after.generations[0].is_authentic(&root));
        assert!(!after.generations[0].is_authentic(&RootKey::generate(3).unwrap()));
    }

    #[test]
    fn every_altered_byte_that_changes_the_meaning_is_refused() {
        let json = envelope(&RootKey::generate(1).unwrap()).to_json().unwrap();
        assert!(unseals(&json));
        let meaning = Envelope::parse(&json).unwrap();
        for at in 0..json.len() {
            for xor in [1, 0x10, 0x80] {
                let mut forged = json.clone();
                forged[at] ^= xor;
                if Envelope::parse(&forged).as_ref() != Ok(&meaning) {
                    assert!(!unseals(&forged), "byte {at}: {}", String::from_utf8_lossy(&forged));
                }
            }
        }
        for len in 0..json.len() - 1 {
            assert!(!unseals(&json[..len]), "length {len}");
        }
    }

    #[test]
    fn swapped_removed_and_replayed_slots_are_refused() {
        let (root, other) = (RootKey::generate(1).unwrap(), RootKey::generate(1).unwrap());
        let honest = envelope(&root);
        let forge = |change: &dyn Fn(&mut Vec<Slot>)| {
            let mut forged = honest.clone();
            change(&mut forged.generations[0].slots);
            unseals(&forged.to_json().unwrap())
        };
        assert!(forge(&|_| ()));
        assert!(!forge(&|slots| drop(slots.pop())));
        assert!(!forge(&|slots| drop(slots.remove(0))));
        assert!(!forge(&|slots| slots.swap(0, 1)));
        assert!(!forge(&|slots| {
            let (a, b) = (slots[0].wrapped.clone(), slots[1].wrapped.clone());
            (slots[0].wrapped, slots[1].wrapped) = (b, a);
        }));
        assert!(!forge(&|slots| slots[1] = envelope(&other).generations[0].slots[1].clone()));
        assert!(!forge(&|slots| slots[1] = Slot::seal(2, passphrase(), &slot_key(), &root).unwrap()));
    }

    #[test]
    fn implausible_envelopes_do_not_parse() {
        let honest = envelope(&RootKey::generate(1).unwrap());
        let parse = |change: &dyn Fn(&mut Envelope)| {
            let mut forged = honest.clone();
            change(&mut forged);
            Envelope::parse(&forged.to_json().unwrap())
        };
        assert!(parse(&|_| ()).is_ok());
        assert_eq!(parse(&|envelope| envelope.version = 2), Err(ParseError::TooNew(2)));
        for change in [
            &(|envelope: &mut Envelope| envelope.version = 0) as &dyn Fn(&mut Envelope),
            &|envelope| envelope.generations.clear(),
            &|envelope| envelope.generations.push(envelope.generations[0].clone()),
            &|envelope| envelope.generations[0].generation = 0,
            &|envelope| envelope.generations[0].slots.clear(),
            &|envelope| envelope.generations[0].slots[1].id = 1,
        ] {
            assert_eq!(parse(change), Err(ParseError::Malformed));
        }
        for json in [&b""[..], b"{}", b"[]", b"null", b"{\"version\":1}", b"\xff"] {
            assert_eq!(Envelope::parse(json), Err(ParseError::Malformed));
        }
        let greedy = String::from_utf8(honest.to_json().unwrap()).unwrap();
        let greedy = greedy.replace("\"memory_kib\": 64", "\"memory_kib\": 4294967295");
        assert_eq!(Envelope::parse(greedy.as_bytes()), Err(ParseError::Malformed));
        let unknown = greedy.replace("\"version\": 1,", "\"version\": 1, \"extra\": 1,");
        assert_eq!(Envelope::parse(unknown.as_bytes()), Err(ParseError::Malformed));
    }
}
