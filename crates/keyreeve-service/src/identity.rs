//! Accounts and access keys. A narrow handle of its own: it sees credentials and no keys.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::keyring::{Keyring, Purpose, epoch_of_credential};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_policy::principal::Principal;
use serde::{Deserialize, Serialize};

use crate::records::coherent::Coherent;
use crate::records::{Records, path};

/// A credential that may sign requests.
#[derive(Debug)]
pub struct Credential {
    /// Whose it is.
    pub principal: Principal,
    /// What it signs with.
    pub secret: SecretBytes,
}

/// An access key that was just made; its secret is shown once.
#[derive(Debug)]
pub struct NewAccessKey {
    /// `AKIA…`.
    pub id: String,
    /// 40 characters.
    pub secret: SecretBytes,
}

/// The row of an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountRecord {
    /// What the operator calls it.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct AccessKeyRecord {
    account: AccountId,
    created: Timestamp,
    /// Sealed once more for its purpose, base64.
    secret: String,
}

/// Accounts and access keys of the store.
#[derive(Debug)]
pub struct Identity {
    records: Arc<Records>,
    credentials: Coherent<String, Option<Arc<Credential>>>,
}

/// Access keys kept in memory, those that do not exist among them.
const CACHED_CREDENTIALS_MAX: usize = 10_000;
/// Longest access key id of the IAM model.
const ACCESS_KEY_ID_MAX: usize = 128;
/// Bytes of randomness of a secret access key: 40 base64 characters.
const SECRET_BYTES: usize = 30;
/// Characters of an access key id after its prefix.
const ID_CHARACTERS: usize = 16;
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl Identity {
    /// The identities in these records.
    pub fn new(records: Arc<Records>) -> Self {
        Self { records, credentials: Coherent::new(CACHED_CREDENTIALS_MAX) }
    }

    pub(crate) fn cache_misses(&self) -> u64 {
        self.credentials.misses()
    }

    /// The credential of this access key id, if there is one.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`] when the store does not answer.
    pub async fn credential(&self, access_key_id: &str) -> Result<Option<Arc<Credential>>, KmsError> {
        if access_key_id.len() > ACCESS_KEY_ID_MAX
            || !access_key_id.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return Ok(None);
        }
        let id = access_key_id.to_owned();
        if let Some(known) = self.credentials.get(&id) {
            return Ok(known);
        }
        let ticket = self.credentials.ticket(&id);
        let row = self.records.read::<AccessKeyRecord>(&path::access_key(&id)?).await?;
        let credential = row.map(|row| self.open(&id, &row.value)).transpose()?.map(Arc::new);
        self.credentials.fill(id, ticket, credential.clone());
        Ok(credential)
    }

    fn open(&self, id: &str, record: &AccessKeyRecord) -> Result<Credential, KmsError> {
        let sealed = STANDARD.decode(&record.secret).map_err(|_| KmsError::Internal)?;
        let secret = self.records.keyring().open_credential(id, &sealed).map_err(|_| KmsError::Internal)?;
        Ok(Credential { principal: Principal::Root(record.account), secret })
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

    /// Creates an account with a root credential.
    ///
    /// # Errors
    /// [`KmsError::Conflict`] when the id is taken; store errors.
    pub async fn create_account(
        &self,
        id: AccountId,
        name: String,
        now: Timestamp,
    ) -> Result<NewAccessKey, KmsError> {
        let key = new_access_key()?;
        let draft = self.records.draft()?;
        let sealed = draft.keyring().seal_credential(&key.id, &key.secret).map_err(|_| KmsError::Internal)?;
        let record = AccessKeyRecord { account: id, created: now, secret: STANDARD.encode(sealed) };
        let draft = draft.put(&path::account(id)?, None, &AccountRecord { name, created: now })?;
        let draft = draft.put(&path::access_key(&key.id)?, None, &record)?;
        let outcome = self.records.commit(draft).await;
        self.credentials.forget(&key.id);
        outcome.map(|()| key)
    }

    /// All accounts, in the order of their ids.
    ///
    /// # Errors
    /// Store errors.
    pub async fn accounts(&self) -> Result<Vec<(AccountId, AccountRecord)>, KmsError> {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page =
                self.records.page::<AccountRecord>(path::ACCOUNTS_PREFIX, after.as_ref(), 1000).await?;
            all.extend(page.rows.into_iter().filter_map(|(path, record)| {
                Some((AccountId::parse(path.as_str().strip_prefix(path::ACCOUNTS_PREFIX)?)?, record))
            }));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }
}

fn new_access_key() -> Result<NewAccessKey, KmsError> {
    let mut id = String::from("AKIA");
    let random: [u8; ID_CHARACTERS] = keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?;
    id.extend(
        random
            .iter()
            .filter_map(|byte| ID_ALPHABET.get(usize::from(byte % 32)).map(|letter| char::from(*letter))),
    );
    let random = keyreeve_crypto::random::secret(SECRET_BYTES).map_err(|_| KmsError::Internal)?;
    let secret = SecretBytes::from(STANDARD.encode(random.expose_secret()).into_bytes());
    Ok(NewAccessKey { id, secret })
}
