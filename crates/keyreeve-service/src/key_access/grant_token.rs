//! Grant tokens: sealed names of grants. Here a grant works from the moment that its creation was answered, so that a token
//! adds nothing to a decision; it is opened all the same, and one that was never issued is refused.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#grant_token>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyreeve_model::arn::{KeyArn, KeyRef};
use keyreeve_model::error::KmsError;

use super::{GrantId, GrantName, KeyAccess};

/// The purpose that tokens are sealed for.
const TOKEN: &str = "grant token";

impl KeyAccess {
    /// A token for a grant; each is another one.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when there is no randomness.
    pub(crate) fn grant_token(&self, key: &KeyArn, id: &str) -> Result<String, KmsError> {
        let sealed = self.records.keyring().seal_token(TOKEN, format!("{key}\n{id}").as_bytes());
        sealed.map(|sealed| URL_SAFE_NO_PAD.encode(sealed)).map_err(|_| KmsError::Internal)
    }

    /// The grant that a token was issued for, whether or not it is still there.
    ///
    /// # Errors
    /// [`KmsError::InvalidGrantToken`].
    pub(crate) fn open_grant_token(&self, token: &str) -> Result<GrantName, KmsError> {
        let invalid = KmsError::InvalidGrantToken;
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(token) else { return Err(invalid) };
        let Ok(opened) = self.records.keyring().open_token(TOKEN, &sealed) else { return Err(invalid) };
        let text = std::str::from_utf8(opened.expose_secret()).ok();
        let (key, id) = text.and_then(|text| text.split_once('\n')).ok_or(KmsError::InvalidGrantToken)?;
        match (KeyRef::parse(key), GrantId::parse(id)) {
            (Ok(key), Ok(id)) => Ok(GrantName { key, id, by_token: true }),
            (Ok(_) | Err(_), _) => Err(invalid),
        }
    }
}
