//! The public keys by which operators confirm what cannot be undone. Who holds the private halves is not known here.
//!
//! While fewer than two are registered, an operator of this machine registers keys alone, as somebody must be the first;
//! from then on every change of the list needs two of its signatures.

use keyreeve_crypto::digest::sha256;
use keyreeve_crypto::open_key::PublicKey;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Confirmed, Regions};
use crate::audit::Cause;
use crate::records::{Stamped, path};

/// What operator keys are: Ed25519.
pub const PUBLIC_KEY_SPEC: KeySpec = KeySpec::EccNistEdwards25519;
/// Signatures that confirm.
pub(super) const SIGNATURES: usize = 2;
/// More would be a list that nobody reads.
const KEYS_MAX: usize = 32;

/// A registered key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperatorKey {
    /// Whose it is, in the words of whoever registered it.
    pub(crate) name: String,
    /// `SubjectPublicKeyInfo`, hexadecimal.
    pub(crate) spki: String,
    pub(crate) registered: Timestamp,
}

impl OperatorKey {
    /// Checks name and key.
    ///
    /// # Errors
    /// [`KmsError::Refused`].
    pub(crate) fn new(name: &str, spki: &[u8], registered: Timestamp) -> Result<Self, KmsError> {
        let refused = |text: &str| KmsError::Refused(text.to_owned());
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            return Err(refused("the name of an operator key has 1 to 64 characters"));
        }
        PublicKey::from_spki(PUBLIC_KEY_SPEC, spki).map_err(|_| {
            refused("this is no Ed25519 public key: `keyreeve region operator-key new` makes one")
        })?;
        Ok(Self { name: name.to_owned(), spki: hex::encode(spki), registered })
    }

    /// SHA-256 of the key.
    pub(crate) fn fingerprint(&self) -> String {
        hex::decode(&self.spki).map(|spki| fingerprint_of_key(&spki)).unwrap_or_default()
    }
}

/// SHA-256 of an operator's public key (`SubjectPublicKeyInfo`), in hexadecimal.
pub fn fingerprint_of_key(spki: &[u8]) -> String {
    hex::encode(sha256(spki))
}

/// The row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct KeyList {
    pub(super) keys: Vec<OperatorKey>,
}

/// How a list is to change.
#[derive(Debug, Clone)]
pub(crate) enum KeyChange {
    Add(OperatorKey),
    Remove { fingerprint: String },
}

impl KeyList {
    fn changed(mut self, change: &KeyChange) -> Result<Self, KmsError> {
        let refused = |text: String| Err(KmsError::Refused(text));
        match change {
            KeyChange::Add(key) => {
                if self.keys.iter().any(|other| other.spki == key.spki) {
                    return refused("this key is registered already".to_owned());
                }
                if self.keys.iter().any(|other| other.name == key.name) {
                    return refused(format!("another operator key has the name {} already", key.name));
                }
                if self.keys.len() >= KEYS_MAX {
                    return refused(format!("there are {KEYS_MAX} operator keys: remove one first"));
                }
                self.keys.push(key.clone());
            }
            KeyChange::Remove { fingerprint } => {
                let before = self.keys.len();
                self.keys.retain(|key| key.fingerprint() != *fingerprint);
                if self.keys.len() == before {
                    return refused(format!("no operator key has the fingerprint {fingerprint}"));
                }
            }
        }
        Ok(self)
    }
}

impl Regions {
    pub(super) async fn key_list(&self) -> Result<Option<Stamped<KeyList>>, KmsError> {
        self.records.read(&path::operator_keys()?).await
    }

    /// The registered keys, oldest first.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn operator_keys(&self) -> Result<Vec<OperatorKey>, KmsError> {
        Ok(self.key_list().await?.map(|row| row.value.keys).unwrap_or_default())
    }

    /// Adds or removes a key. Without a confirmation only while fewer than two are registered.
    ///
    /// # Errors
    /// [`KmsError::Refused`]; store errors.
    pub(crate) async fn change_operator_keys(
        &self,
        change: &KeyChange,
        confirmed: Option<&Confirmed>,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let before = self.key_list().await?;
        let (list, stamp) = before.map_or_else(Default::default, |row| (row.value, Some(row.stamp)));
        if list.keys.len() >= SIGNATURES && confirmed.is_none() {
            return Err(KmsError::Refused(format!(
                "{} operator keys are registered: from two on, two of them must sign such a change. \
                 `keyreeve region operator-key request` prints what is to be signed.",
                list.keys.len()
            )));
        }
        let list = list.changed(change)?;
        let mut draft = self.records.draft()?.put(&path::operator_keys()?, stamp, &list)?;
        if let Some(confirmed) = confirmed {
            draft = confirmed.spend(draft)?;
        }
        self.records.commit(draft, cause).await
    }
}
