//! Import tokens: the private half of a wrapping key, sealed with what it may be used for. Nothing is stored: several may
//! live at a time, and each is good again and again until it expires.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html>
//!
//! Sealed content is a line of JSON, then the private key as PKCS#8 DER.

use keyreeve_crypto::import::WrappingKey;
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::import::{WrappingAlgorithm, WrappingKeySpec};
use keyreeve_model::limits::IMPORT_TOKEN_SECONDS;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::KeyAccess;

/// The purpose that tokens are sealed for.
const TOKEN: &str = "import token";
const VERSION: u8 = 1;

/// How material for one key may be wrapped, and until when.
#[derive(Debug, Serialize, Deserialize)]
struct Terms {
    version: u8,
    /// The key's ARN: account and Region are in it.
    key: String,
    algorithm: WrappingAlgorithm,
    spec: WrappingKeySpec,
    expires: Timestamp,
}

/// A token that was just made.
#[derive(Debug)]
pub(crate) struct IssuedImportToken {
    pub(crate) token: Vec<u8>,
    pub(crate) expires: Timestamp,
}

/// A token that was opened.
#[derive(Debug)]
pub(crate) struct OpenedImportToken {
    pub(crate) algorithm: WrappingAlgorithm,
    pub(crate) spec: WrappingKeySpec,
    /// The private half of the wrapping key.
    pub(crate) private: KeyMaterial,
}

impl KeyAccess {
    /// A token for material of the key that will be wrapped so.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when there is no randomness.
    pub(crate) fn import_token(
        &self,
        key: &KeyArn,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
        wrapping: &WrappingKey,
        now: Timestamp,
    ) -> Result<IssuedImportToken, KmsError> {
        let expires = now.plus_seconds(IMPORT_TOKEN_SECONDS);
        let terms = Terms { version: VERSION, key: key.to_string(), algorithm, spec, expires };
        let line = serde_json::to_vec(&terms).map_err(|_| KmsError::Internal)?;
        let private = wrapping.private.expose_secret();
        let content = SecretBytes::init_with(line.len() + 1 + private.len(), |bytes| {
            let (head, tail) = bytes.split_at_mut(line.len() + 1);
            head.fill(b'\n');
            head.iter_mut().zip(&line).for_each(|(to, from)| *to = *from);
            tail.copy_from_slice(private);
        });
        let token = self.records.keyring().seal_token(TOKEN, content.expose_secret());
        token.map(|token| IssuedImportToken { token, expires }).map_err(|_| KmsError::Internal)
    }

    /// Opens a token that was issued for this key.
    ///
    /// # Errors
    /// [`KmsError::InvalidImportToken`] for one of another key, and for every other input;
    /// [`KmsError::ExpiredImportToken`] after its 24 hours.
    pub(crate) fn open_import_token(
        &self,
        key: &KeyArn,
        token: &SecretBytes,
        now: Timestamp,
    ) -> Result<OpenedImportToken, KmsError> {
        let invalid = || KmsError::InvalidImportToken;
        let content =
            self.records.keyring().open_token(TOKEN, token.expose_secret()).map_err(|_| invalid())?;
        let content = content.expose_secret();
        let end = content.iter().position(|byte| *byte == b'\n').ok_or_else(invalid)?;
        let (line, private) = content.split_at(end);
        let private = private.get(1..).ok_or_else(invalid)?;
        let terms: Terms = serde_json::from_slice(line).map_err(|_| invalid())?;
        if terms.version != VERSION || terms.key != key.to_string() {
            return Err(invalid());
        }
        if terms.expires <= now {
            return Err(KmsError::ExpiredImportToken);
        }
        let private = SecretBytes::init_with(private.len(), |bytes| bytes.copy_from_slice(private));
        Ok(OpenedImportToken { algorithm: terms.algorithm, spec: terms.spec, private: private.into() })
    }
}
