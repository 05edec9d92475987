//! What two operators confirm with their keys: a request that this Region prints, that they sign apart from each other, and
//! that it then carries out, once.
//!
//! Signed is `keyreeve/v1/confirmation`, a zero byte, and the request in its canonical form (compact JSON, members in the
//! order below), with Ed25519.

use keyreeve_crypto::open_key::{OpenKey, PublicKey};
use keyreeve_crypto::secret::KeyMaterial;
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::operator_keys::{PUBLIC_KEY_SPEC, SIGNATURES, fingerprint_of_key};
use super::{OperatorKey, Regions};
use crate::desk::Desk;
use crate::records::{Draft, path};

const FORMAT: &str = "keyreeve-confirmation/1";
const DOMAIN: &[u8] = b"keyreeve/v1/confirmation\0";
/// How long a request can be signed and carried out.
const LIFETIME_SECONDS: i64 = 3600;
/// Spent requests that are looked at for removal when another one is spent.
const SWEEP: usize = 16;

/// Why a request or signature is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmationFault {
    /// Not JSON with these members, or of another version.
    #[error("this is no request for a confirmation as this version prints it: {0}")]
    Malformed(String),
    /// The private key is not one.
    #[error("this is no private key of `keyreeve region operator-key new`")]
    Key,
}

/// Which keys are to be promoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromotedKeys {
    /// Every key whose primary is in the lost Region.
    All,
    /// One key, at this epoch: a request is void once somebody promoted it meanwhile.
    Key {
        /// `mrk-…`.
        id: String,
        /// Its epoch when the request was made.
        epoch: u64,
    },
}

impl PromotedKeys {
    /// The key id, where it is one key.
    pub(crate) fn key_id(&self) -> Option<KeyId> {
        match self {
            Self::All => None,
            Self::Key { id, .. } => KeyId::parse(id),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// The Region becomes the primary of keys of a lost one.
    ForcePromote {
        /// Which.
        keys: PromotedKeys,
        /// The Region that is lost.
        lost: Region,
    },
    /// The Region becomes the home of the identities of a lost one.
    TakeHome {
        /// The home that is lost.
        lost: Region,
        /// Which term of the home this is: a request is void once somebody became the home meanwhile.
        epoch: u64,
    },
    /// Another operator key.
    AddOperatorKey {
        /// Whose it is.
        name: String,
        /// `SubjectPublicKeyInfo`, hexadecimal.
        spki: String,
    },
    /// An operator key less.
    RemoveOperatorKey {
        /// Which.
        fingerprint: String,
    },
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    format: String,
    /// The Region that is asked.
    pub region: Region,
    /// Fingerprint of its transport key: another deployment of the same name does not take the request.
    pub deployment: String,
    /// What it is asked for.
    pub action: Action,
    /// Random, hexadecimal: the request counts once.
    nonce: String,
    /// Until when it counts: `2026-01-01T00:00:00Z`.
    pub expires: String,
}

/// A signature of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Signature {
    /// Of the key that signed.
    pub fingerprint: String,
    /// 128 hexadecimal digits.
    pub signature: String,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Signer {
    pub(crate) name: String,
    pub(crate) fingerprint: String,
}

/// A request that two registered keys signed. Only the check makes it.
#[derive(Debug)]
pub(crate) struct Confirmed {
    pub(crate) action: Action,
    pub(crate) signers: Vec<Signer>,
    nonce: String,
    expires: Timestamp,
    /// Of the call that carries it out.
    call: String,
    /// Whether that call had spent it already, before it started again.
    spent: bool,
    /// Spent ones that no longer count in any case.
    stale: Vec<(keyreeve_store::Path, crate::records::Stamp)>,
}

/// The row of a spent request.
#[derive(Debug, Serialize, Deserialize)]
struct Spent {
    expires: Timestamp,
    call: String,
    signers: Vec<String>,
}

impl Confirmation {
    /// A fresh request.
    pub(crate) fn new(
        region: Region,
        deployment: String,
        action: Action,
        now: Timestamp,
    ) -> Result<Self, KmsError> {
        let nonce: [u8; 16] = keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?;
        let expires = now.plus_seconds(LIFETIME_SECONDS).to_iso_8601();
        Ok(Self { format: FORMAT.to_owned(), region, deployment, action, nonce: hex::encode(nonce), expires })
    }

    /// Reads a request, in whatever spacing.
    ///
    /// # Errors
    /// [`ConfirmationFault::Malformed`].
    pub fn parse(json: &str) -> Result<Self, ConfirmationFault> {
        let malformed = |why: String| ConfirmationFault::Malformed(why);
        let read: Self = serde_json::from_str(json).map_err(|error| malformed(error.to_string()))?;
        let nonce_is_plain = read.nonce.len() == 32 && read.nonce.bytes().all(|b| b.is_ascii_hexdigit());
        if read.format != FORMAT || !nonce_is_plain {
            return Err(malformed(format!("format {}", read.format)));
        }
        Ok(read)
    }

    fn signed_bytes(&self) -> Result<Vec<u8>, KmsError> {
        let mut bytes = DOMAIN.to_vec();
        serde_json::to_writer(&mut bytes, self).map_err(|_| KmsError::Internal)?;
        Ok(bytes)
    }

    /// Signs the request with an operator's private key, PKCS#8.
    ///
    /// # Errors
    /// [`ConfirmationFault::Key`].
    pub fn sign(&self, key: &KeyMaterial) -> Result<Signature, ConfirmationFault> {
        let key = OpenKey::open(PUBLIC_KEY_SPEC, key).map_err(|_| ConfirmationFault::Key)?;
        let bytes = self.signed_bytes().map_err(|_| ConfirmationFault::Key)?;
        let signature = key.sign(SigningAlgorithm::Ed25519Sha512, MessageType::Raw, &bytes);
        let (Ok(signature), Some(spki)) = (signature, key.public_key()) else {
            return Err(ConfirmationFault::Key);
        };
        Ok(Signature { fingerprint: fingerprint_of_key(spki), signature: hex::encode(signature) })
    }

    /// Until when it counts, if that is not over and not longer than any request does.
    fn in_time(&self, now: Timestamp) -> Result<Timestamp, KmsError> {
        let latest = now.plus_seconds(LIFETIME_SECONDS);
        match Timestamp::parse_iso_8601(&self.expires).filter(|expires| *expires <= latest) {
            Some(expires) if expires > now => Ok(expires),
            Some(_) => refused(format!("this request counted until {}: print another one", self.expires)),
            None => refused("this request counts longer than any that this Region prints".to_owned()),
        }
    }

    /// Who signed, each once; enough of them.
    fn signers(&self, signatures: &[Signature], keys: &[OperatorKey]) -> Result<Vec<Signer>, KmsError> {
        let mut signers: Vec<Signer> = Vec::new();
        for signature in signatures {
            let signer = self.signer(signature, keys)?;
            if !signers.contains(&signer) {
                signers.push(signer);
            }
        }
        if signers.len() < SIGNATURES {
            let count = signers.len();
            return refused(format!("{count} of {SIGNATURES} different operator keys signed this request"));
        }
        Ok(signers)
    }

    /// Who signed that a Region is the home of the identities in a term, for other Regions: they hold it against the keys
    /// that are registered with them. When it was signed does not matter: the term says whether it is news.
    ///
    /// # Errors
    /// [`KmsError::Refused`]: why it is no proof.
    pub(super) fn signers_of_home(
        &self,
        (home, deployment, epoch): (&Region, &str, u64),
        signatures: &[Signature],
        keys: &[OperatorKey],
    ) -> Result<Vec<Signer>, KmsError> {
        let meant = matches!(&self.action, Action::TakeHome { epoch: signed, .. } if *signed == epoch);
        if self.format != FORMAT || self.region != *home || self.deployment != deployment || !meant {
            return refused("what was signed there is another request".to_owned());
        }
        self.signers(signatures, keys)
    }

    fn signer(&self, signature: &Signature, keys: &[OperatorKey]) -> Result<Signer, KmsError> {
        let Some(key) = keys.iter().find(|key| key.fingerprint() == signature.fingerprint) else {
            return refused(format!(
                "{} is not the fingerprint of a registered operator key",
                signature.fingerprint
            ));
        };
        let (spki, bytes) = (hex::decode(&key.spki), hex::decode(&signature.signature));
        let (Ok(spki), Ok(bytes)) = (spki, bytes) else {
            return refused(format!("the signature of {} is damaged", key.name));
        };
        let key_opened = PublicKey::from_spki(PUBLIC_KEY_SPEC, &spki).map_err(|_| KmsError::Internal)?;
        let signed = self.signed_bytes()?;
        if key_opened.verify(SigningAlgorithm::Ed25519Sha512, MessageType::Raw, &signed, &bytes).is_err() {
            return refused(format!("the signature of {} is not one of this request", key.name));
        }
        Ok(Signer { name: key.name.clone(), fingerprint: signature.fingerprint.clone() })
    }
}

fn refused<T>(text: String) -> Result<T, KmsError> {
    Err(KmsError::Refused(text))
}

impl Regions {
    /// Checks that the request is for this Region, is still to be done, and is signed by two registered keys.
    ///
    /// # Errors
    /// [`KmsError::Refused`]: a sentence for operators. Store errors.
    pub(crate) async fn confirmed(
        &self,
        desk: &Desk<'_>,
        request: &Confirmation,
        signatures: &[Signature],
    ) -> Result<Confirmed, KmsError> {
        let own = &desk.caller.region;
        let deployment = self.transport_key(own, desk.now).await?.public().fingerprint();
        if request.region != *own || request.deployment != deployment {
            return refused(format!("this request is for another deployment: {}", request.region));
        }
        let expires = request.in_time(desk.now)?;
        let signers = request.signers(signatures, &self.operator_keys().await?)?;
        let call = desk.caller.request_id.to_string();
        let before = self.records.read::<Spent>(&path::confirmation(&request.nonce)?).await?;
        if before.as_ref().is_some_and(|row| row.value.call != call) {
            return refused("this request was carried out already: print another one".to_owned());
        }
        let (action, nonce, spent) = (request.action.clone(), request.nonce.clone(), before.is_some());
        let stale = self.stale(desk.now).await?;
        Ok(Confirmed { action, signers, nonce, expires, call, spent, stale })
    }

    async fn stale(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(keyreeve_store::Path, crate::records::Stamp)>, KmsError> {
        let mut stale = Vec::new();
        for place in self.records.paths_below(path::CONFIRMATIONS_PREFIX, SWEEP).await? {
            if let Some(row) = self.records.read::<Spent>(&place).await?
                && row.value.expires <= now
            {
                stale.push((place, row.stamp));
            }
        }
        Ok(stale)
    }

    /// Spends a confirmation by itself, before what takes several commits.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn spend(&self, confirmed: &Confirmed, desk: &Desk<'_>) -> Result<(), KmsError> {
        if confirmed.spent {
            return Ok(());
        }
        let draft = confirmed.spend(self.records.draft()?)?;
        self.records.commit(draft, crate::audit::Cause::Request(desk)).await
    }
}

impl Confirmed {
    /// The change with the note that the request was carried out.
    pub(super) fn spend(&self, draft: Draft) -> Result<Draft, KmsError> {
        if self.spent {
            return Ok(draft);
        }
        let signers = self.signers.iter().map(|signer| signer.name.clone()).collect();
        let row = Spent { expires: self.expires, call: self.call.clone(), signers };
        let draft = draft.put(&path::confirmation(&self.nonce)?, None, &row)?;
        Ok(self.stale.iter().fold(draft, |draft, (place, stamp)| draft.delete(place, *stamp)))
    }
}
