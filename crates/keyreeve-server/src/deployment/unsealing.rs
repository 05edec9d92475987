//! How a root key is unsealed, and how a new one is.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::root_key::{self, Argon2Cost, NewSlot, RootKeyError, SlotSecret, Unsealed};
use keyreeve_crypto::secret::SecretBytes;

use super::Folder;

/// The secret that opens the root key.
#[derive(Debug)]
pub enum Secret {
    /// A key file; `None` is `root.key` in the deployment's folder.
    KeyFile(Option<PathBuf>),
    /// A passphrase, from a prompt, a file or a systemd credential.
    Passphrase(SecretBytes),
}

impl Secret {
    /// The passphrase as a command hands it to a running server, in base64; a key file is read there.
    pub fn passphrase_base64(&self) -> Option<String> {
        match self {
            Self::KeyFile(_) => None,
            Self::Passphrase(passphrase) => Some(STANDARD.encode(passphrase.expose_secret())),
        }
    }
}

/// How to unseal, and whether a deployment is made where there is none.
#[derive(Debug)]
pub struct Unsealing {
    secret: Secret,
    create: bool,
}

impl Unsealing {
    /// Opens what exists.
    pub const fn existing(secret: Secret) -> Self {
        Self { secret, create: false }
    }

    /// Opens what exists, or makes it.
    pub const fn or_create(secret: Secret) -> Self {
        Self { secret, create: true }
    }

    pub(super) const fn creates(&self) -> bool {
        self.create
    }

    pub(super) fn key_file(&self, folder: &Folder) -> PathBuf {
        match &self.secret {
            Secret::KeyFile(Some(path)) => path.clone(),
            Secret::KeyFile(None) | Secret::Passphrase(_) => folder.key_file(),
        }
    }

    pub(super) fn create_root(&self, folder: &Folder) -> Result<(), RootKeyError> {
        let key_file = self.key_file(folder);
        let slot = match &self.secret {
            Secret::KeyFile(_) => NewSlot::KeyFile(&key_file),
            Secret::Passphrase(passphrase) => NewSlot::Passphrase(passphrase, Argon2Cost::DEFAULT),
        };
        root_key::create(folder.path(), &[slot]).map(drop)
    }

    pub(crate) fn unseal(&self, folder: &Folder) -> Result<Unsealed, RootKeyError> {
        let key_file = self.key_file(folder);
        let secret = match &self.secret {
            Secret::KeyFile(_) => SlotSecret::KeyFile(&key_file),
            Secret::Passphrase(passphrase) => SlotSecret::Passphrase(passphrase),
        };
        root_key::unseal(folder.path(), secret)
    }
}
