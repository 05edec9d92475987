//! The keys that sign heads and digests, in the store: one in use, the older ones kept for whoever verifies.

use std::sync::Arc;

use keyreeve_audit::SigningKey;
use keyreeve_audit::signing_key::PublicKey;
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;

use crate::records::{Records, path};

/// Bytes of the secret under which values of encryption contexts are hashed.
const SECRET_BYTES: usize = 32;
/// How long a key signs.
const LIFETIME_DAYS: i64 = 365;
/// Keys read at once; there is one a year.
const PAGE: usize = 1000;

/// A public key, and when it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The key.
    pub key: PublicKey,
    /// From when it signs.
    pub from: Timestamp,
    /// Until when it signs.
    pub until: Timestamp,
}

/// Every signing key.
#[derive(Debug)]
pub(crate) struct SigningKeys {
    /// The one that signs.
    pub(crate) current: Arc<SigningKey>,
    /// Oldest first.
    pub(crate) published: Vec<Published>,
    number: u32,
    created: Timestamp,
}

/// A row: when the key was made, the secret for encryption contexts, PKCS#8.
struct Stored {
    created: Timestamp,
    secret: SecretBytes,
    material: KeyMaterial,
}

impl Stored {
    fn parse(row: Vec<u8>) -> Option<Self> {
        let row = SecretBytes::from(row);
        let (created, rest) = row.expose_secret().split_first_chunk::<8>()?;
        let (secret, pkcs8) = rest.split_at_checked(SECRET_BYTES)?;
        Some(Self {
            created: Timestamp::from_millis(i64::from_be_bytes(*created)),
            secret: SecretBytes::from(secret.to_vec()),
            material: KeyMaterial::from(SecretBytes::from(pkcs8.to_vec())),
        })
    }

    fn to_bytes(&self) -> SecretBytes {
        let parts = [
            &self.created.as_millis().to_be_bytes()[..],
            self.secret.expose_secret(),
            self.material.expose_secret(),
        ];
        SecretBytes::from(parts.concat())
    }
}

impl SigningKeys {
    /// The stored keys; makes the first one.
    ///
    /// # Errors
    /// Store errors; [`KmsError::Internal`] when a row was altered.
    pub(super) async fn load(records: &Records, now: Timestamp) -> Result<Self, KmsError> {
        loop {
            if let Some(keys) = Self::stored(records).await? {
                if now < keys.created.plus_days(LIFETIME_DAYS) {
                    return Ok(keys);
                }
                make(records, keys.number + 1, now).await?;
            } else {
                make(records, 1, now).await?;
            }
        }
    }

    /// Whether it is time for another key.
    pub(super) fn are_old(&self, now: Timestamp) -> bool {
        now >= self.created.plus_days(LIFETIME_DAYS)
    }

    async fn stored(records: &Records) -> Result<Option<Self>, KmsError> {
        let (mut published, mut newest) = (Vec::<Published>::new(), None);
        for (number, stored) in all(records).await? {
            let open = SigningKey::open(&stored.material).map_err(|_| KmsError::Internal)?;
            let (from, until) = (stored.created, stored.created.plus_days(LIFETIME_DAYS));
            published.push(Published { key: open.public().clone(), from, until });
            newest = Some((number, stored.created, Arc::new(open)));
        }
        Ok(newest.map(|(number, created, current)| Self { current, published, number, created }))
    }

    /// The secret for encryption contexts: the first key's, for ever, so that equal values stay equal.
    pub(super) async fn context_secret(records: &Records) -> Result<Option<SecretBytes>, KmsError> {
        Ok(all(records).await?.into_iter().next().map(|(_, stored)| stored.secret))
    }
}

async fn all(records: &Records) -> Result<Vec<(u32, Stored)>, KmsError> {
    let page = records.paths_below(path::SIGNING_KEYS_PREFIX, PAGE).await?;
    let mut keys = Vec::with_capacity(page.len());
    for place in page {
        let number = place.as_str().strip_prefix(path::SIGNING_KEYS_PREFIX).and_then(|n| n.parse().ok());
        let row = records.read_bytes(&place).await?.and_then(|row| Stored::parse(row.value));
        keys.push((number.ok_or(KmsError::Internal)?, row.ok_or(KmsError::Internal)?));
    }
    Ok(keys)
}

/// Stores a new key. That another one did so at the same moment is as good.
async fn make(records: &Records, number: u32, now: Timestamp) -> Result<(), KmsError> {
    let material = tokio::task::spawn_blocking(SigningKey::generate).await;
    let material = material.ok().and_then(Result::ok).ok_or(KmsError::Internal)?;
    let secret: [u8; SECRET_BYTES] = keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?;
    let stored = Stored { created: now, secret: SecretBytes::from(secret.to_vec()), material };
    let draft =
        records.draft()?.put_bytes(&path::signing_key(number)?, None, stored.to_bytes().expose_secret())?;
    match records.commit_unrecorded(draft).await {
        Ok(()) | Err(KmsError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}
