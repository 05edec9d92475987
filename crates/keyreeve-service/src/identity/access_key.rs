//! Access keys: who they belong to, and the secrets that they sign with, sealed once more for their purpose.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::keyring::{Keyring, Purpose, epoch_of_credential};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::Identity;
use super::unique_id::IdKind;
use crate::records::{Draft, Stamped, path};

/// Whose an access key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The root user of the account.
    Root(AccountId),
    /// A user.
    User {
        /// Its account.
        account: AccountId,
        /// Its name.
        name: String,
        /// Its unique id.
        id: String,
    },
}

impl Owner {
    /// The account.
    pub const fn account(&self) -> AccountId {
        match self {
            Self::Root(account) | Self::User { account, .. } => *account,
        }
    }
}

/// A credential that may sign requests.
#[derive(Debug)]
pub struct Credential {
    /// Whose it is.
    pub owner: Owner,
    /// What it signs with.
    pub secret: SecretBytes,
    /// Inactive keys sign nothing.
    pub active: bool,
}

/// An access key that was just made; its secret is shown once.
#[derive(Debug)]
pub struct NewAccessKey {
    /// `AKIA…`.
    pub id: String,
    /// 40 characters.
    pub secret: SecretBytes,
}

/// The row of an access key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccessKeyRecord {
    pub(crate) account: AccountId,
    pub(crate) created: Timestamp,
    /// Sealed once more for its purpose, base64.
    secret: String,
    /// Its user; absent for the root user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<KeyUser>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) inactive: bool,
}

/// The user of an access key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyUser {
    pub(crate) name: String,
    pub(crate) id: String,
}

/// Longest access key id of the IAM model.
const ACCESS_KEY_ID_MAX: usize = 128;
/// Bytes of randomness of a secret access key: 40 base64 characters.
const SECRET_BYTES: usize = 30;

/// Whether a text can be an access key id at all.
pub(crate) fn is_access_key_id(text: &str) -> bool {
    text.len() <= ACCESS_KEY_ID_MAX && !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A fresh secret access key.
pub(crate) fn fresh_secret() -> Result<SecretBytes, KmsError> {
    let random = keyreeve_crypto::random::secret(SECRET_BYTES).map_err(|_| KmsError::Internal)?;
    Ok(SecretBytes::from(STANDARD.encode(random.expose_secret()).into_bytes()))
}

impl Identity {
    /// The credential of this access key id, if there is one.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`] when the store does not answer.
    pub async fn credential(&self, access_key_id: &str) -> Result<Option<Arc<Credential>>, KmsError> {
        if !is_access_key_id(access_key_id) {
            return Ok(None);
        }
        let id = access_key_id.to_owned();
        if let Some(known) = self.credentials.get(&id) {
            return Ok(known);
        }
        let ticket = self.credentials.ticket(&id);
        let row = self.access_key(&id).await?;
        let credential = row.map(|row| self.open(&id, &row.value)).transpose()?.map(Arc::new);
        self.credentials.fill(id, ticket, credential.clone());
        Ok(credential)
    }

    /// The row of an access key; the id must be one in form.
    pub(crate) async fn access_key(&self, id: &str) -> Result<Option<Stamped<AccessKeyRecord>>, KmsError> {
        self.records.read(&path::access_key(id)?).await
    }

    /// To be called after a change of an access key is durable and before it is acknowledged.
    pub(crate) fn forget_access_key(&self, id: &str) {
        self.credentials.forget(&id.to_owned());
    }

    fn open(&self, id: &str, record: &AccessKeyRecord) -> Result<Credential, KmsError> {
        let sealed = STANDARD.decode(&record.secret).map_err(|_| KmsError::Internal)?;
        let secret = self.records.keyring().open_credential(id, &sealed).map_err(|_| KmsError::Internal)?;
        let owner = match &record.user {
            None => Owner::Root(record.account),
            Some(user) => {
                Owner::User { account: record.account, name: user.name.clone(), id: user.id.clone() }
            }
        };
        Ok(Credential { owner, secret, active: !record.inactive })
    }

    /// A new access key, and the draft with its row.
    pub(crate) fn draft_access_key(
        draft: Draft,
        owner: Owner,
        now: Timestamp,
    ) -> Result<(NewAccessKey, Draft), KmsError> {
        let (id, secret) = (IdKind::AccessKey.fresh()?, fresh_secret()?);
        let sealed = draft.keyring().seal_credential(&id, &secret).map_err(|_| KmsError::Internal)?;
        let (account, user) = match owner {
            Owner::Root(account) => (account, None),
            Owner::User { account, name, id } => (account, Some(KeyUser { name, id })),
        };
        let record =
            AccessKeyRecord { account, created: now, secret: STANDARD.encode(sealed), user, inactive: false };
        let draft = draft.put(&path::access_key(&id)?, None, &record)?;
        Ok((NewAccessKey { id, secret }, draft))
    }

    /// The row of an access key with its secret under the active credential epoch; `None` where it is already.
    /// The meaning is unchanged.
    pub(crate) fn rewrap(keyring: &Keyring, id: &str, row: &[u8]) -> Result<Option<Vec<u8>>, Unspecified> {
        let mut record: AccessKeyRecord = serde_json::from_slice(row).map_err(|_| Unspecified)?;
        let sealed = STANDARD.decode(&record.secret).map_err(|_| Unspecified)?;
        let secret = keyring.open_credential(id, &sealed)?;
        if epoch_of_credential(&sealed)? == keyring.active_epoch(Purpose::Credential).number {
            return Ok(None);
        }
        let sealed = keyring.seal_credential(id, &secret)?;
        // Pair assertion: the old bytes are about to be overwritten for good.
        if !keyring.open_credential(id, &sealed)?.ct_eq(&secret) {
            return Err(Unspecified);
        }
        record.secret = STANDARD.encode(sealed);
        serde_json::to_vec(&record).map(Some).map_err(|_| Unspecified)
    }
}
