//! The secrets that open slots, as the operator gives them, turned into keys of slots.

use std::path::Path;

use super::envelope::{Salt, Unlock};
use super::error::{RootKeyError, SlotKind};
use super::passphrase::{Argon2Cost, check_strength, stretch};
use super::{key_file, passphrase};
use crate::derivation::DerivationKey;
use crate::random;
use crate::secret::SecretBytes;

/// A secret that opens a slot.
#[derive(Debug, Clone, Copy)]
pub enum SlotSecret<'a> {
    /// The key file at this path.
    KeyFile(&'a Path),
    /// The passphrase, without a line end.
    Passphrase(&'a SecretBytes),
}

/// A slot to be made.
#[derive(Debug, Clone, Copy)]
pub enum NewSlot<'a> {
    /// Opened by the key file at this path, which is made (mode 0600) where there is none.
    KeyFile(&'a Path),
    /// Opened by this passphrase, each guess of which costs this much.
    Passphrase(&'a SecretBytes, Argon2Cost),
}

impl SlotSecret<'_> {
    pub(super) const fn kind(&self) -> SlotKind {
        match self {
            Self::KeyFile(_) => SlotKind::KeyFile,
            Self::Passphrase(_) => SlotKind::Passphrase,
        }
    }
}

impl NewSlot<'_> {
    /// The slot's parameters and key; makes the key file.
    pub(super) fn prepare(&self) -> Result<(Unlock, DerivationKey), RootKeyError> {
        match *self {
            Self::KeyFile(path) => {
                let key = key_file::read_or_create(path)?;
                let unlock = Unlock::KeyFile { path: path.to_string_lossy().into_owned() };
                Ok((unlock, DerivationKey::new(key.expose_secret())))
            }
            Self::Passphrase(passphrase, cost) => {
                check_strength(passphrase)?;
                let salt = random::array::<{ passphrase::SALT_LEN }>()?;
                let key = stretch(passphrase, &salt, cost)?;
                let unlock = Unlock::PassphraseArgon2id { salt: Salt(salt), cost };
                Ok((unlock, DerivationKey::new(key.expose_secret())))
            }
        }
    }
}

/// The keys of one secret for the slots that it may open; each is computed once, as a passphrase costs a second.
#[derive(Debug)]
pub(super) struct SlotKeys<'a> {
    secret: SlotSecret<'a>,
    known: Vec<(Unlock, DerivationKey)>,
}

impl<'a> SlotKeys<'a> {
    pub(super) const fn of(secret: SlotSecret<'a>) -> Self {
        Self { secret, known: Vec::new() }
    }

    /// The key that this secret gives for a slot; `None` where the slot is of another kind.
    pub(super) fn key(&mut self, unlock: &Unlock) -> Result<Option<&DerivationKey>, RootKeyError> {
        if !self.known.iter().any(|(known, _)| known == unlock) {
            let key = match (self.secret, unlock) {
                (SlotSecret::KeyFile(path), Unlock::KeyFile { .. }) => key_file::read(path)?,
                (SlotSecret::Passphrase(passphrase), Unlock::PassphraseArgon2id { salt, cost }) => {
                    stretch(passphrase, &salt.0, *cost)?
                }
                (SlotSecret::KeyFile(_), Unlock::PassphraseArgon2id { .. })
                | (SlotSecret::Passphrase(_), Unlock::KeyFile { .. }) => return Ok(None),
            };
            self.known.push((unlock.clone(), DerivationKey::new(key.expose_secret())));
        }
        Ok(self.known.iter().find(|(known, _)| known == unlock).map(|(_, key)| key))
    }
    /// The keys computed so far, with the parameters that they are for.
    pub(super) fn known(&self) -> impl Iterator<Item = &(Unlock, DerivationKey)> {
        self.known.iter()
    }
}
