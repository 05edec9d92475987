//! Session tokens: the terms of a session with its secret access key, sealed, so that reading one needs no row.
//!
//! Sealed under a key of `session_token_key.rs`, or, by earlier versions, under the keyring of one deployment.
//! Sealed content is JSON: `{"version": 1, "key": "ASIA…", "secret": "…", "terms": {…}}`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::digest::sha256;
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_crypto::session_token::number_of_session_token;
use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::Identity;
use super::access_key::fresh_secret;
use super::session::{OpenedSession, SessionTerms};
use super::unique_id::IdKind;

/// What the tokens are for.
const PURPOSE: &str = "session";
const VERSION: u8 = 1;
/// Bytes that policies and tags may take in a token: with base64 and the other headers of a request the token stays
/// below the 16 KiB that a request's head may have.
const PACKED_BYTES_MAX: usize = 8 * 1024;

#[derive(Serialize)]
struct Sealed<'a> {
    version: u8,
    key: &'a str,
    secret: &'a str,
    terms: &'a SessionTerms,
}

#[derive(Deserialize)]
struct Opened {
    version: u8,
    key: String,
    secret: String,
    terms: SessionTerms,
}

/// Temporary credentials that were just made; the secret is shown once.
#[derive(Debug)]
pub(crate) struct IssuedSession {
    /// `ASIA…`.
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretBytes,
    pub(crate) token: String,
    pub(crate) expires: Timestamp,
    /// How much of the room for policies and tags is taken, in per cent; `None` without any.
    pub(crate) packed_percent: Option<usize>,
}

impl Identity {
    /// Makes temporary credentials on these terms.
    ///
    /// # Errors
    /// PackedPolicyTooLarge; [`KmsError::Internal`] when there is no randomness; store errors when no key was read yet.
    pub(crate) async fn issue_session(&self, terms: &SessionTerms) -> Result<IssuedSession, KmsError> {
        let packed_percent = packed_percent(terms)?;
        let (access_key_id, secret) = (IdKind::TemporaryAccessKey.fresh()?, fresh_secret()?);
        let content = content(&access_key_id, &secret, terms)?;
        let keys = self.token_keys_to_seal(terms.issued).await?;
        let sealing = keys.sealing(terms.issued).ok_or(KmsError::Internal)?;
        let sealed = sealing.seal(PURPOSE, content.expose_secret()).map_err(|_| KmsError::Internal)?;
        let token = STANDARD.encode(sealed);
        Ok(IssuedSession { access_key_id, secret, token, expires: terms.expires, packed_percent })
    }

    /// The session of a token that was issued with this access key id; none for every other text.
    ///
    /// # Errors
    /// Store errors, while the keys of session tokens are not in memory.
    pub async fn open_session(
        &self,
        access_key_id: &str,
        token: &str,
    ) -> Result<Option<Arc<OpenedSession>>, KmsError> {
        let digest = sha256(token.as_bytes());
        let opened = match self.sessions.get(&digest) {
            Some(known) => known,
            None => {
                let Some(opened) = self.open_token(token).await? else { return Ok(None) };
                let opened = Arc::new(opened);
                self.sessions.insert(digest, Arc::clone(&opened));
                opened
            }
        };
        Ok((opened.access_key_id == access_key_id).then_some(opened))
    }

    async fn open_token(&self, token: &str) -> Result<Option<OpenedSession>, KmsError> {
        let Ok(sealed) = STANDARD.decode(token) else { return Ok(None) };
        let content = match number_of_session_token(&sealed) {
            Ok(number) => {
                let keys = self.token_keys().await?;
                keys.get(number).and_then(|key| key.open(PURPOSE, &sealed).ok())
            }
            Err(_) => self.records().keyring().open_token(PURPOSE, &sealed).ok(),
        };
        Ok(content.and_then(|content| parse(&content)))
    }
}

fn parse(content: &SecretBytes) -> Option<OpenedSession> {
    let Opened { version, key, secret, terms } = serde_json::from_slice(content.expose_secret()).ok()?;
    let secret = SecretBytes::from(secret.into_bytes());
    if version != VERSION {
        return None;
    }
    OpenedSession::new(key, secret, terms).ok()
}

/// The sealed content. The buffer never grows: it would leave the secret behind.
fn content(key: &str, secret: &SecretBytes, terms: &SessionTerms) -> Result<SecretBytes, KmsError> {
    let shown = std::str::from_utf8(secret.expose_secret()).map_err(|_| KmsError::Internal)?;
    let terms_len = json_len(terms)?;
    let mut bytes = Vec::with_capacity(terms_len + key.len() + 2 * shown.len() + 64);
    let sealed = Sealed { version: VERSION, key, secret: shown, terms };
    let written = serde_json::to_writer(&mut bytes, &sealed);
    let content = SecretBytes::from(bytes);
    written.map(|()| content).map_err(|_| KmsError::Internal)
}

fn json_len(value: &impl Serialize) -> Result<usize, KmsError> {
    serde_json::to_vec(value).map(|bytes| bytes.len()).map_err(|_| KmsError::Internal)
}

fn packed_percent(terms: &SessionTerms) -> Result<Option<usize>, KmsError> {
    let SessionTerms { policies, tags, transitive_tags, .. } = terms;
    if policies.is_empty() && tags.is_empty() {
        return Ok(None);
    }
    let percent = (json_len(&(policies, tags, transitive_tags))? * 100).div_ceil(PACKED_BYTES_MAX);
    if percent > 100 {
        return Err(KmsError::Iam(IamError::PackedPolicyTooLarge(format!(
            "Packed policy consumes {percent}% of allotted space, please use smaller policy."
        ))));
    }
    Ok(Some(percent))
}

#[cfg(test)]
mod tests {
    use keyreeve_crypto::keyring::Keyring;
    use keyreeve_model::region::AccountId;
    use keyreeve_store::MemoryStore;

    use super::super::session::SessionOwner;
    use super::*;
    use crate::records::Records;

    fn identity() -> Identity {
        let keyring = Keyring::generate(Timestamp::from_millis(0)).unwrap();
        Identity::new(Arc::new(Records::new(
            Arc::new(MemoryStore::new()),
            keyring,
            crate::audit::Ledger::ephemeral(),
        )))
    }

    fn terms() -> SessionTerms {
        let owner = SessionOwner::Root { account: AccountId::ZERO };
        SessionTerms::plain(owner, Timestamp::from_millis(0), Timestamp::from_millis(1_000))
    }

    #[tokio::test]
    async fn a_token_opens_with_its_own_access_key_id_only_whether_cached_or_not() {
        let identity = identity();
        let issued = identity.issue_session(&terms()).await.unwrap();
        assert_eq!(issued.secret.len(), 40);
        assert_eq!(issued.packed_percent, None);
        for _ in 0..2 {
            let opened = identity.open_session(&issued.access_key_id, &issued.token).await.unwrap().unwrap();
            assert!(opened.secret.ct_eq(&issued.secret));
            assert!(identity.open_session("ASIAOTHEROTHEROTHER2", &issued.token).await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn an_altered_token_opens_never_also_when_the_right_one_was_opened_before() {
        let identity = identity();
        let issued = identity.issue_session(&terms()).await.unwrap();
        assert!(identity.open_session(&issued.access_key_id, &issued.token).await.unwrap().is_some());
        for index in 0..issued.token.len() {
            let mut altered = issued.token.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(
                identity.open_session(&issued.access_key_id, &altered).await.unwrap().is_none(),
                "{index}"
            );
        }
    }

    #[tokio::test]
    async fn a_token_of_another_purpose_or_version_is_none_of_ours() {
        let identity = identity();
        let issued = identity.issue_session(&terms()).await.unwrap();
        let keys = identity.token_keys().await.unwrap();
        let key = keys.get(1).unwrap();
        let content = key.open(PURPOSE, &STANDARD.decode(&issued.token).unwrap()).unwrap();
        let marker = STANDARD.encode(key.seal("marker", content.expose_secret()).unwrap());
        assert!(identity.open_session(&issued.access_key_id, &marker).await.unwrap().is_none());
        let text = String::from_utf8(content.expose_secret().to_vec()).unwrap();
        let later = text.replace(r#""version":1"#, r#""version":2"#);
        assert_ne!(later, text);
        let later = STANDARD.encode(key.seal(PURPOSE, later.as_bytes()).unwrap());
        assert!(identity.open_session(&issued.access_key_id, &later).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_token_that_an_earlier_version_sealed_under_the_keyring_opens() {
        let identity = identity();
        let issued = identity.issue_session(&terms()).await.unwrap();
        let keys = identity.token_keys().await.unwrap();
        let content = keys.get(1).unwrap().open(PURPOSE, &STANDARD.decode(&issued.token).unwrap()).unwrap();
        let keyring = identity.records().keyring();
        let sealed = |purpose| STANDARD.encode(keyring.seal_token(purpose, content.expose_secret()).unwrap());
        let (old, marker) = (sealed(PURPOSE), sealed("marker"));
        let opened = identity.open_session(&issued.access_key_id, &old).await.unwrap().unwrap();
        assert!(opened.secret.ct_eq(&issued.secret));
        assert!(identity.open_session(&issued.access_key_id, &marker).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn policies_and_tags_have_a_room_of_their_own() {
        let identity = identity();
        let mut terms = terms();
        terms.tags = vec![("k".to_owned(), "v".repeat(4_000))];
        assert_eq!(identity.issue_session(&terms).await.unwrap().packed_percent, Some(50));
        terms.tags = vec![("k".to_owned(), "v".repeat(9_000))];
        let error = identity.issue_session(&terms).await.unwrap_err().wire();
        assert_eq!(error.code, "PackedPolicyTooLarge");
    }
}
