//! What the own Regions have for themselves: a transport key each, and the certificate by which others know this one.
//! Private halves are sealed once more for their purpose, as credentials are.

use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::keyring::{Keyring, Purpose, epoch_of_credential};
use keyreeve_crypto::secret::{SecretBytes, TransportSecret};
use keyreeve_crypto::transport::{TransportKeyPair, TransportPublicKey};
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::Path;
use serde::{Deserialize, Serialize};

use super::Regions;
use crate::audit::Cause;
use crate::records::{Records, path};

/// The row of a secret of an own Region.
#[derive(Debug, Serialize, Deserialize)]
struct OwnSecret {
    created: Timestamp,
    /// Sealed as a credential, bound to the path of the row; base64.
    secret: String,
    /// The certificate in DER, base64, where the secret is its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    /// SHA-256 of its `SubjectPublicKeyInfo`, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
}

/// The certificate of a Region and its private key.
#[derive(Debug)]
pub struct RegionCertificate {
    /// X.509 in DER.
    pub certificate: Vec<u8>,
    /// PKCS#8 in DER.
    pub key: SecretBytes,
    /// SHA-256 of its `SubjectPublicKeyInfo`: what other Regions know it by.
    pub pin: [u8; 32],
}

impl OwnSecret {
    fn seal(
        keyring: &Keyring,
        place: &Path,
        secret: &SecretBytes,
        created: Timestamp,
    ) -> Result<Self, Unspecified> {
        let sealed = keyring.seal_credential(place.as_str(), secret)?;
        Ok(Self { created, secret: STANDARD.encode(sealed), certificate: None, pin: None })
    }

    fn open(&self, keyring: &Keyring, place: &Path) -> Result<SecretBytes, Unspecified> {
        let sealed = STANDARD.decode(&self.secret).map_err(|_| Unspecified)?;
        keyring.open_credential(place.as_str(), &sealed)
    }
}

/// The row of a secret of an own Region under the active credential epoch; `None` where it is already. The meaning is
/// unchanged.
pub(crate) fn rewrap(keyring: &Keyring, place: &Path, row: &[u8]) -> Result<Option<Vec<u8>>, Unspecified> {
    let row: OwnSecret = serde_json::from_slice(row).map_err(|_| Unspecified)?;
    let sealed = STANDARD.decode(&row.secret).map_err(|_| Unspecified)?;
    let secret = row.open(keyring, place)?;
    if epoch_of_credential(&sealed)? == keyring.active_epoch(Purpose::Credential).number {
        return Ok(None);
    }
    let fresh = OwnSecret {
        certificate: row.certificate,
        pin: row.pin,
        ..OwnSecret::seal(keyring, place, &secret, row.created)?
    };
    // Pair assertion: the old bytes are about to be overwritten for good.
    if !fresh.open(keyring, place)?.ct_eq(&secret) {
        return Err(Unspecified);
    }
    serde_json::to_vec(&fresh).map(Some).map_err(|_| Unspecified)
}

impl Regions {
    /// The transport key of an own Region, made at first need.
    ///
    /// # Errors
    /// [`KmsError::Internal`] for a Region that is not served here, or a row that was altered; store errors.
    pub async fn transport_key(
        &self,
        region: &Region,
        now: Timestamp,
    ) -> Result<Arc<TransportKeyPair>, KmsError> {
        if let Some(known) = self.transport_keys.read().unwrap_or_else(PoisonError::into_inner).get(region) {
            return Ok(Arc::clone(known));
        }
        if !self.is_local(region) {
            return Err(KmsError::Internal);
        }
        let place = path::region_transport_key(region)?;
        // What was just made is read back: nothing is sealed to a key that the store does not have.
        let secret = loop {
            match open(&self.records, &place).await? {
                Some((_, secret)) => break secret,
                None => self.make_transport_key(&place, region, now).await?,
            }
        };
        let pair = TransportKeyPair::parse(&TransportSecret::from(secret)).map_err(|_| KmsError::Internal)?;
        let pair = Arc::new(pair);
        let mut keys = self.transport_keys.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(keys.entry(region.clone()).or_insert(pair)))
    }

    /// What is to be sealed for a Region is sealed to this key: an own Region's, or what a trusted one gave when it was
    /// trusted.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`] for a Region that is neither; else as [`Self::transport_key`].
    pub async fn transport_public_key(
        &self,
        region: &Region,
        now: Timestamp,
    ) -> Result<TransportPublicKey, KmsError> {
        if self.is_local(region) {
            return Ok(self.transport_key(region, now).await?.public().clone());
        }
        match self.peer(region) {
            Some(peer) => Ok(peer.transport_key.clone()),
            None => Err(KmsError::DependencyTimeout),
        }
    }

    async fn make_transport_key(
        &self,
        place: &Path,
        region: &Region,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let secret = tokio::task::spawn_blocking(TransportKeyPair::generate).await;
        let secret = secret.ok().and_then(Result::ok).ok_or(KmsError::Internal)?;
        let bytes = secret.expose_secret();
        let secret = SecretBytes::init_with(bytes.len(), |copy| copy.copy_from_slice(bytes));
        tracing::info!(%region, "a transport key is made");
        store(&self.records, place, &secret, (None, None), now).await
    }

    /// The certificate by which other Regions know this one, once it was made.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when the row was altered; store errors.
    pub async fn certificate(&self, region: &Region) -> Result<Option<RegionCertificate>, KmsError> {
        let Some((row, key)) = open(&self.records, &path::region_certificate(region)?).await? else {
            return Ok(None);
        };
        let certificate = row.certificate.and_then(|text| STANDARD.decode(text).ok());
        let pin = row.pin.and_then(|text| hex::decode(text).ok()?.try_into().ok());
        let (certificate, pin) = certificate.zip(pin).ok_or(KmsError::Internal)?;
        Ok(Some(RegionCertificate { certificate, key, pin }))
    }

    /// Keeps a certificate that was just made, unless there is one.
    ///
    /// # Errors
    /// Store errors.
    pub async fn keep_certificate(
        &self,
        region: &Region,
        made: &RegionCertificate,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let place = path::region_certificate(region)?;
        let public = (Some(STANDARD.encode(&made.certificate)), Some(hex::encode(made.pin)));
        store(&self.records, &place, &made.key, public, now).await
    }
}

async fn open(records: &Records, place: &Path) -> Result<Option<(OwnSecret, SecretBytes)>, KmsError> {
    let Some(row) = records.read::<OwnSecret>(place).await? else { return Ok(None) };
    let secret = row.value.open(&records.keyring(), place).map_err(|_| KmsError::Internal)?;
    Ok(Some((row.value, secret)))
}

/// Stores a new secret. That another one was stored at the same moment is as good.
async fn store(
    records: &Records,
    place: &Path,
    secret: &SecretBytes,
    (certificate, pin): (Option<String>, Option<String>),
    now: Timestamp,
) -> Result<(), KmsError> {
    let draft = records.draft()?;
    let sealed = OwnSecret::seal(draft.keyring(), place, secret, now).map_err(|_| KmsError::Internal)?;
    let draft = draft.put(place, None, &OwnSecret { certificate, pin, ..sealed })?;
    match records.commit(draft, Cause::Upkeep(now)).await {
        Ok(()) | Err(KmsError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    #[test]
    fn a_row_moves_to_the_active_epoch_with_all_that_it_says_and_to_no_other_path() {
        let region = |name| path::region_certificate(&Region::parse(name).unwrap()).unwrap();
        let (place, other) = (region("eu-central-1"), region("eu-west-1"));
        let secret = SecretBytes::from(b"pkcs8".to_vec());
        let first = Keyring::generate(NOW).unwrap();
        let row = OwnSecret {
            certificate: Some("AAAA".to_owned()),
            pin: Some("00".repeat(32)),
            ..OwnSecret::seal(&first, &place, &secret, NOW).unwrap()
        };
        let row = serde_json::to_vec(&row).unwrap();
        assert_eq!(rewrap(&first, &place, &row), Ok(None));
        let second = first.rotated(Purpose::Credential, NOW).unwrap();
        let moved = rewrap(&second, &place, &row).unwrap().unwrap();
        assert_eq!(rewrap(&second, &place, &moved), Ok(None));
        let third = second.without_epoch(Purpose::Credential, 1).unwrap();
        let read: OwnSecret = serde_json::from_slice(&moved).unwrap();
        assert!(read.open(&third, &place).unwrap().ct_eq(&secret));
        assert_eq!((read.certificate.as_deref(), read.created), (Some("AAAA"), NOW));
        assert_eq!(read.pin, Some("00".repeat(32)));
        assert_eq!(rewrap(&third, &place, &row), Err(Unspecified));
        assert_eq!(rewrap(&third, &other, &moved), Err(Unspecified));
    }
}
